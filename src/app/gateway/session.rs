//! Sessions of gateways, pairing states of devices, and installations of protocols.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::last_report::LastReport;
use crate::domain::device::Device;
use crate::domain::{DeviceId, Error, Micros, Result};

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
/// Time between a search and the pairing that those who follow are told of, at least.
const MIN_SEARCH_US: i64 = 1_000_000;

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

    /// Whether a record of this event says something about one of `later` that follows it.
    fn precedes(self, later: SessionEvent) -> bool {
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

    /// Adds what follows from the record before: a session keeps its identifier and the versions that were reported when
    /// it began, and a pairing is told of a second after its search at the earliest, as the vendor's gateway does.
    pub fn after(mut self, previous: Option<&LastReport>) -> Self {
        let previous = previous.filter(|report| report.event.precedes(self.event));
        match self.event {
            SessionEvent::Paired => {
                let earliest = previous.map(|report| report.ts.0.saturating_add(MIN_SEARCH_US));
                self.not_before = Micros(earliest.unwrap_or(self.ts.0).max(self.ts.0));
            }
            SessionEvent::Connected | SessionEvent::Disconnected => self.continue_session(previous),
            SessionEvent::Discovering
            | SessionEvent::NotPaired
            | SessionEvent::InstallationSucceeded
            | SessionEvent::InstallationFailed => {}
        }
        self
    }

    fn continue_session(&mut self, previous: Option<&LastReport>) {
        if let Some(version) = previous.and_then(LastReport::version) {
            self.payload.entry(VERSION).or_insert(version);
        }
        let known = previous.and_then(|report| report.status().get(SESSION_IDENTIFIER).cloned());
        let identifier = known.unwrap_or_else(|| Value::from(Uuid::new_v4().to_string()));
        let status = self.payload.entry(STATUS).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(status) = status {
            status.entry(SESSION_IDENTIFIER).or_insert(identifier);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::OrgId;
    use crate::domain::alias::DeviceAliases;
    use crate::domain::device::{DeviceSpec, Protocol};

    fn record(event: SessionEvent, ts: i64, payload: Value) -> SessionRecord {
        let device = Device {
            id: DeviceId(1),
            org: OrgId(1),
            aliases: DeviceAliases::default(),
            last_channel: 0,
            spec: DeviceSpec::new("d", Protocol::Mqtt),
            topology: crate::domain::topology::Topology::default(),
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        let payload = payload.as_object().cloned().unwrap();
        SessionRecord { payload, ..SessionRecord::new(Arc::new(device), event, Micros(ts)) }
    }

    #[test]
    fn a_pairing_is_told_of_a_second_after_its_search() {
        use SessionEvent::{Connected, Discovering, Paired};
        for (previous, ts, expected) in [
            (None, 5, 5),
            (Some((Discovering, 5)), 6, 1_000_005),
            (Some((Discovering, 5)), 2_000_000, 2_000_000),
            (Some((Connected, 5)), 6, 6),
        ] {
            let previous = previous.map(|(event, ts)| record(event, ts, json!({})));
            let previous = previous.as_ref().map(LastReport::of);
            let paired = record(Paired, ts, json!({})).after(previous.as_ref());
            assert_eq!(paired.not_before, Micros(expected), "{previous:?}");
        }
    }

    #[test]
    fn the_end_of_a_session_repeats_what_its_beginning_said() {
        use SessionEvent::{Connected, Disconnected};
        let version = json!({"gate": "instathings/gate:1.9.1"});
        let begun = record(Connected, 1, json!({"version": version})).after(None);
        let identifier = begun.payload["status"]["sessionIdentifier"].clone();
        assert!(identifier.as_str().is_some_and(|text| Uuid::try_parse(text).is_ok()), "{identifier}");
        let ended = record(Disconnected, 2, json!({"status": {"disconnectReason": "x"}}))
            .after(Some(&LastReport::of(&begun)));
        assert_eq!(ended.payload["version"], version);
        assert_eq!(
            ended.payload["status"],
            json!({"disconnectReason": "x", "sessionIdentifier": identifier})
        );
        let again = record(Connected, 3, json!({})).after(Some(&LastReport::of(&ended)));
        assert_ne!(again.payload["status"]["sessionIdentifier"], identifier);
        assert_eq!(again.payload.get("version"), None);
        let own = record(Disconnected, 4, json!({"status": {"sessionIdentifier": "s"}}))
            .after(Some(&LastReport::of(&again)));
        assert_eq!(own.payload["status"], json!({"sessionIdentifier": "s"}));
    }
}
