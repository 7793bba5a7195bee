//! Machine identity, to which a license can be bound.

/// Stable facts of a machine, each as a SHA-256 in hex: they are only compared, so the facts themselves are not
/// exposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineIdentity {
    /// Hash of all facts below except the host name.
    pub id: String,
    /// The operating system's machine id.
    pub system: String,
    /// Serial number of the board; `None` where it cannot be read.
    pub board: Option<String>,
    /// Permanent hardware addresses of the network interfaces, ordered by interface.
    pub macs: Vec<String>,
    /// Plain text, so that the license issuer can recognise the machine. Not part of `id`.
    pub hostname: String,
}
