//! Event log entries: alarms, anomalies and other occurrences, kept apart from the readings.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::alert::{AlertActor, AlertDetails, AlertStatus, AlertStep};
use super::audit::differences;
pub use super::event_level::Level;
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::validation::check_text;
use super::{AlertRuleId, DeviceId, EventId, FieldError, Micros, OrgId, Result, StreamId};

/// Most characters of a note.
pub const MAX_NOTE: usize = 4000;
/// Most events that are acknowledged at once.
pub const MAX_ACKNOWLEDGED: usize = 1000;

/// Settable fields of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSpec {
    /// Device that the event concerns, if any.
    pub device: Option<DeviceId>,
    /// Stream that the event concerns, if any.
    pub stream: Option<StreamId>,
    /// A slug of 1..=32 characters, such as `alarm`.
    pub kind: String,
    /// Severity.
    pub level: Level,
    /// Time of the occurrence, within 1970 to 2261.
    pub ts: Micros,
    /// Text for people, at most 4000 characters; may be empty.
    pub message: String,
    /// HTTP or HTTPS address with more, at most 2000 characters; may be empty.
    pub url: String,
    /// Any data of the creator, at most 64 KiB of JSON.
    pub payload: Map<String, Value>,
    /// Whether a person has seen the event.
    pub acknowledged: bool,
    /// Note of a person about it, at most 4000 characters.
    pub note: Option<String>,
}

impl EventSpec {
    /// Names of the fields that differ from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        differences!(self, other, EventSpec {
            device => "device",
            stream => "data",
            kind => "kind",
            level => "level",
            ts => "timestamp",
            message => "message",
            url => "url",
            payload => "payload",
            acknowledged => "acknowledged",
            note => "note",
        })
    }

    /// Checks every rule that needs no other row; field names and messages are DataStone's.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "kind", &self.kind, 1, 32);
        let is_slug = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if found.is_empty() && !self.kind.chars().all(is_slug) {
            let message = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
            found.push(FieldError::new("kind", message));
        }
        check_text(&mut found, "message", &self.message, 0, 4000);
        check_text(&mut found, "url", &self.url, 0, 2000);
        check_note(&mut found, self.note.as_deref());
        if !self.url.is_empty() && !is_http_url(&self.url) {
            found.push(FieldError::new("url", "Enter a valid URL."));
        }
        if !self.ts.is_storable() {
            let message = "Ensure this value is between 1970-01-01T00:00:00Z and 2262-01-01T00:00:00Z.";
            found.push(FieldError::new("timestamp", message));
        }
        found
    }
}

/// Checks the text that goes with an acknowledgement.
pub fn check_note(found: &mut Vec<FieldError>, note: Option<&str>) {
    check_text(found, "note", note.unwrap_or_default(), 0, MAX_NOTE);
}

/// Checks the scheme, in any case, and that a host follows; whoever fetches the URL parses it fully.
fn is_http_url(text: &str) -> bool {
    let after = |scheme: &str| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let host = after("http://").or_else(|| after("https://"));
    host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

named_enum! {
    /// Source of an event.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum EventSource {
        /// An alert rule; the event is an alert.
        AlertRule = "ALERT_RULE",
        /// A device told it.
        Device = "DEVICE",
        /// A person or a program told it.
        #[default]
        User = "USER",
        /// The server noticed it, such as an anomaly.
        System = "SYSTEM",
        /// A job.
        Job = "JOB",
    }
}

/// An event as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Row id.
    pub id: EventId,
    /// Id in the MK platform's API.
    pub uuid: Uuid,
    /// Organization that owns the event.
    pub org: OrgId,
    /// Source of the event.
    pub source: EventSource,
    /// Details of an alert's event; `None` for any other.
    pub alert: Option<AlertDetails>,
    /// Current fields.
    pub spec: EventSpec,
    /// When somebody acknowledged it; `None` also for an alert that was resolved at once.
    pub acknowledged_at: Option<Micros>,
    /// Acknowledger: the name of a user, else the kind and id of the caller.
    pub acknowledged_by: Option<String>,
    /// Time at which the event was stored.
    pub created_at: Micros,
}

impl Event {
    /// Records who acknowledged the event where its fields say so and said otherwise `before`, or forgets it. An alert is
    /// acknowledged where its event is; it has no way back from there.
    ///
    /// # Errors
    /// The errors of [`super::alert::AlertLifecycle::after`].
    pub fn record_acknowledgement(&mut self, before: bool, name: &str, at: Micros) -> Result<()> {
        if let Some(alert) = &mut self.alert {
            if self.spec.acknowledged && alert.lifecycle.status == AlertStatus::Active {
                let actor = AlertActor { name: name.to_owned(), at, note: None };
                alert.lifecycle = alert.lifecycle.after(AlertStep::Acknowledge, &actor)?;
            }
            alert.lifecycle.note.clone_from(&self.spec.note);
            self.follow_alert();
        } else if self.spec.acknowledged != before {
            let is_seen = self.spec.acknowledged;
            self.acknowledged_at = is_seen.then_some(at);
            self.acknowledged_by = is_seen.then(|| name.to_owned());
        }
        Ok(())
    }

    /// Takes over what became of the event's alert, if it is one.
    pub fn follow_alert(&mut self) {
        let Some(AlertDetails { lifecycle, .. }) = &self.alert else { return };
        self.spec.acknowledged = lifecycle.status != AlertStatus::Active;
        self.spec.note.clone_from(&lifecycle.note);
        self.acknowledged_at = lifecycle.acknowledged_at;
        self.acknowledged_by.clone_from(&lifecycle.acknowledged_by);
    }
}

/// Sort key of a list of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EventOrder {
    /// Time of the occurrence.
    #[default]
    Time,
    /// Time at which the event was stored.
    Creation,
    /// Kind.
    Kind,
    /// Text for people.
    Message,
    /// Status of the alert; events that are none come first.
    Status,
    /// Severity, from information to critical faults.
    Severity,
    /// Source, by its name.
    Source,
}

/// Filter of an event list. The time range includes both ends.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only events of this device.
    pub device: Option<DeviceId>,
    /// Only events of this stream.
    pub stream: Option<StreamId>,
    /// Only events of exactly this level.
    pub level: Option<Level>,
    /// Only events of one of these levels.
    pub levels: Option<&'static [Level]>,
    /// Only events of this source.
    pub source: Option<EventSource>,
    /// Only alerts.
    pub is_alert: bool,
    /// Only alerts of this status.
    pub status: Option<AlertStatus>,
    /// Only alerts of this rule.
    pub rule: Option<AlertRuleId>,
    /// Only events that are acknowledged, or only those that are not.
    pub acknowledged: Option<bool>,
    /// Only events whose message contains this text, in any case of ASCII letters.
    pub text: Option<String>,
    /// Matches any of these kinds exactly.
    pub kinds: Option<Vec<String>>,
    /// Start of the range of `ts`.
    pub from: Option<Micros>,
    /// End of the range of `ts`.
    pub to: Option<Micros>,
    /// Sort key of the list; ties by `then_by`, then by id ascending.
    pub order: EventOrder,
    /// Whether the greatest comes first, which is the newest where the order is one of time.
    pub newest_first: bool,
    /// Further sort keys, the most significant first, and whether the greatest comes first.
    pub then_by: Vec<(EventOrder, bool)>,
    /// Only events after this one in the requested order, which must be [`EventOrder::Time`].
    pub after: Option<(Micros, EventId)>,
    /// Part of the matching events that is returned.
    pub page: Pagination,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_its_scheme_in_any_case_and_a_host() {
        for (url, is_valid) in [
            ("http://10.0.0.5/status.html", true),
            ("HTTP://PLC/", true),
            ("Https://plc", true),
            ("http://", false),
            ("http:///x", false),
            ("ftp://plc", false),
            ("http://a b", false),
            ("httpé//plc", false),
            ("é", false),
        ] {
            assert_eq!(is_http_url(url), is_valid, "{url}");
        }
    }
}
