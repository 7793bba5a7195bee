//! Certificates that OPC UA servers showed, and what was decided about them.

use std::str::FromStr;

use super::named_enum::named_enum;
use super::{DeviceId, Error, Micros, Result};

named_enum! {
    /// Decision about the certificate of a server.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CertificateState {
        /// Nobody has decided; the server is not connected to.
        New = "new",
        /// The server is trusted and connected to.
        Trusted = "trusted",
        /// The server is not connected to.
        Rejected = "rejected",
    }
}

impl FromStr for CertificateState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = CertificateState::from_name(text);
        found.ok_or_else(|| Error::field("state", "must be one of trusted, rejected"))
    }
}

/// A certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpcuaCertificate {
    /// SHA-1 of the certificate in hexadecimal, as OPC UA names certificates.
    pub fingerprint: String,
    /// Distinguished name.
    pub subject: String,
    /// Time from which it is valid; `None` if that cannot be read.
    pub valid_from: Option<Micros>,
    /// Time until which it is valid; `None` if that cannot be read.
    pub valid_to: Option<Micros>,
    /// The decision.
    pub state: CertificateState,
    /// Devices of the caller whose servers showed it since this server started, by id.
    pub devices: Vec<DeviceId>,
}
