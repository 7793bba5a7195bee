//! The last report of a device's state as it is kept, and what follows from it for the next one.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::session::{SESSION_IDENTIFIER, STATUS, SessionEvent, SessionRecord, VERSION};
use crate::domain::Micros;

/// Time between a search and the pairing that those who follow are told of, at least.
const MIN_SEARCH_US: i64 = 1_000_000;

/// The last report of a device's state as it is kept. Those who follow were told all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LastReport {
    pub event: SessionEvent,
    /// Time at which the report arrived.
    pub ts: Micros,
    /// The members that are read later, as JSON: parsed they can take many times the memory.
    version: Option<Box<str>>,
    status: Option<Box<str>>,
}

impl LastReport {
    /// A record as it is kept.
    pub fn of(record: &SessionRecord) -> Self {
        let member = |name: &str| record.payload.get(name).map(|value| value.to_string().into_boxed_str());
        LastReport { event: record.event, ts: record.ts, version: member(VERSION), status: member(STATUS) }
    }

    /// The versions of the gateway's software, if they were reported.
    pub fn version(&self) -> Option<Value> {
        self.version.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    /// The reported state of the session; empty without one.
    pub fn status(&self) -> Map<String, Value> {
        self.status.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The report without what it says beside the state.
    pub(super) fn without_members(&self) -> Self {
        LastReport { event: self.event, ts: self.ts, version: None, status: None }
    }

    /// Memory of the members.
    pub(super) fn bytes(&self) -> usize {
        [&self.version, &self.status].into_iter().flatten().map(|text| text.len()).sum()
    }
}

impl SessionRecord {
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
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::alias::DeviceAliases;
    use crate::domain::device::{Device, DeviceSpec, Protocol};
    use crate::domain::{DeviceId, OrgId};

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
