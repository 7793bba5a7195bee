//! Sessions of gateways, pairing states of devices, and installations of protocols.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::domain::{DeviceId, Error, Micros, Result};

/// What happened, under the name that the vendor gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionEvent {
    Connected,
    Disconnected,
    Discovering,
    Paired,
    NotPaired,
    InstallationSucceeded,
    InstallationFailed,
}

impl SessionEvent {
    pub const ALL: [SessionEvent; 7] = [
        SessionEvent::Connected,
        SessionEvent::Disconnected,
        SessionEvent::Discovering,
        SessionEvent::Paired,
        SessionEvent::NotPaired,
        SessionEvent::InstallationSucceeded,
        SessionEvent::InstallationFailed,
    ];

    /// Returns the name on the wire; one of them is misspelt there.
    pub fn name(self) -> &'static str {
        match self {
            SessionEvent::Connected => "connected",
            SessionEvent::Disconnected => "disconnected",
            SessionEvent::Discovering => "discovering",
            SessionEvent::Paired => "paired",
            SessionEvent::NotPaired => "not_paired",
            SessionEvent::InstallationSucceeded => "installation_succeded",
            SessionEvent::InstallationFailed => "installation_failed",
        }
    }

    /// Whether it says what state the device is in, which an installation does not.
    pub fn is_status(self) -> bool {
        !matches!(self, SessionEvent::InstallationSucceeded | SessionEvent::InstallationFailed)
    }
}

impl fmt::Display for SessionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SessionEvent {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = SessionEvent::ALL.into_iter().find(|event| event.name() == text);
        named.ok_or_else(|| Error::field("event", format!("\"{text}\" is not a valid choice.")))
    }
}

/// A report about a device.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    pub device: DeviceId,
    pub event: SessionEvent,
    /// Time at which the report arrived.
    pub ts: Micros,
    /// The other members of the report, at most 64 KiB as JSON.
    pub payload: Map<String, Value>,
}
