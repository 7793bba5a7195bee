//! What tells this machine from another, so that a license can be bound to it.

/// Stable facts of a machine, each as a SHA-256 in hex: they are compared, never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Over all of the facts below but the host name.
    pub id: String,
    /// The operating system's own id.
    pub system: String,
    /// Serial number of the board, where it can be read.
    pub board: Option<String>,
    /// Hardware addresses of the network interfaces that have one for good, ordered by interface.
    pub macs: Vec<String>,
    /// As it is: it names the machine for whoever issues the license, and is no part of `id`.
    pub hostname: String,
}
