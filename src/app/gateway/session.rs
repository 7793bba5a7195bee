//! Sessions of gateways, pairing states of devices, and installations of protocols.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::device::Device;
use crate::domain::named_enum::named_enum;
use crate::domain::{DeviceId, Micros};

/// Member of a report with the versions of the gateway's software.
pub const VERSION: &str = "version";
/// Member of a report with the state of the session.
pub const STATUS: &str = "status";
/// Member of [`STATUS`].
pub const SESSION_IDENTIFIER: &str = "sessionIdentifier";
/// Member of a report with the key of the gateway that the device is below.
pub const PARENT: &str = "parentDevice";
/// Member of the metadata of a gateway: the ids of its installed protocols.
pub const PROTOCOLS: &str = "protocols";

named_enum! {
    /// Event, under the name that the vendor gives it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum SessionEvent {
        Connected = "connected",
        Disconnected = "disconnected",
        Discovering = "discovering",
        Paired = "paired",
        NotPaired = "not_paired",
        InstallationSucceeded = "installation_succeded",
        InstallationFailed = "installation_failed",
    }
    display;
    field "event";
}

impl SessionEvent {
    /// Whether a record of this event says something about one of `later` that follows it.
    pub(super) fn precedes(self, later: SessionEvent) -> bool {
        matches!(
            (self, later),
            (SessionEvent::Discovering, SessionEvent::Paired)
                | (SessionEvent::Connected, SessionEvent::Disconnected)
        )
    }

    /// Whether it says what state the device is in, which an installation does not.
    pub fn is_status(self) -> bool {
        !matches!(self, SessionEvent::InstallationSucceeded | SessionEvent::InstallationFailed)
    }
}

/// A report about a device.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    pub device: DeviceId,
    /// The device as it was at that time: it may be deleted since.
    pub subject: Arc<Device>,
    pub event: SessionEvent,
    /// Time at which the report arrived.
    pub ts: Micros,
    /// Time before which those who follow are not told.
    pub not_before: Micros,
    /// The other members of the report, at most 64 KiB as JSON, and what follows from reports before it.
    pub payload: Map<String, Value>,
}

impl SessionRecord {
    /// A record without a payload.
    pub fn new(subject: Arc<Device>, event: SessionEvent, ts: Micros) -> Self {
        SessionRecord { device: subject.id, subject, event, ts, not_before: ts, payload: Map::new() }
    }
}
