//! Capture rules: which events make cameras record, how much, and how often.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rules::{MAX_NAME, check_required};
use super::{DocumentContent, DocumentKind, DocumentReference, ReferenceTarget, RowVisibility};
use crate::domain::event::Level;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{DeviceId, FieldError, Micros, StreamId};

/// Most cameras of a rule.
const MAX_CAMERAS: usize = 100;
/// Longest time before and after an event, seconds.
pub const MAX_ROLL_S: i64 = 300;
/// Longest pause after a capture, seconds: a day.
const MAX_COOLDOWN_S: i64 = 86_400;
/// Most captures of a rule in an hour.
const MAX_PER_HOUR: i64 = 3600;

/// Severities of events, as the platform names them.
pub const SEVERITIES: [&str; 3] = ["INFO", "WARNING", "CRITICAL"];

/// Which events a rule is for: those that have all of what is set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventMatch {
    /// Name of an [`EventSource`](crate::domain::event::EventSource).
    pub source: Option<String>,
    /// One of [`SEVERITIES`].
    pub severity: Option<String>,
    /// Device of the event.
    pub device: Option<DeviceId>,
    /// Stream of the event.
    pub sensor: Option<StreamId>,
}

/// Facts of an event that rules look at.
#[derive(Debug, Clone, PartialEq)]
pub struct EventFacts {
    /// Source, as the platform names it.
    pub source: &'static str,
    /// Severity of the core.
    pub level: Level,
    /// Device that it concerns.
    pub device: Option<DeviceId>,
    /// Stream that it concerns.
    pub sensor: Option<StreamId>,
    /// Time of the occurrence.
    pub ts: Micros,
}

impl EventMatch {
    /// Whether an event has all of what is set.
    pub fn includes(&self, event: &EventFacts) -> bool {
        self.source.as_deref().is_none_or(|source| source == event.source)
            && self.severity.as_deref().is_none_or(|severity| severity == severity_of(event.level))
            && self.device.is_none_or(|device| event.device == Some(device))
            && self.sensor.is_none_or(|sensor| event.sensor == Some(sensor))
    }
}

/// Severity of a level on the platform, which has three.
pub fn severity_of(level: Level) -> &'static str {
    match level {
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error | Level::Critical => "CRITICAL",
    }
}

/// Settable fields of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaptureRuleSpec {
    /// 1..=255 characters, unique in the organization.
    pub name: String,
    /// Cameras that record, 1..=100; those deleted since are ignored.
    pub cameras: Vec<Uuid>,
    /// Which events it is for.
    pub matches: EventMatch,
    /// Seconds before the event, 0..=300; only a camera with a recorder holds them.
    pub pre_roll_s: i64,
    /// Seconds after the event, 0..=300.
    pub post_roll_s: i64,
    /// Seconds from a capture within which events are ignored, 0..=86400.
    pub cooldown_s: i64,
    /// Events in an hour that are captured, 1..=3600.
    pub max_per_hour: i64,
    /// Whether it is in force.
    pub enabled: bool,
}

impl CaptureRuleSpec {
    /// A rule with the defaults of the platform.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cameras: Vec::new(),
            matches: EventMatch::default(),
            pre_roll_s: 10,
            post_roll_s: 20,
            cooldown_s: 60,
            max_per_hour: 10,
            enabled: true,
        }
    }

    /// Whether the rule may capture now; `before` are the times of the events that it has captured.
    pub fn has_room(&self, now: Micros, before: &[Micros]) -> bool {
        let since = |seconds: i64| Micros(now.0.saturating_sub(seconds.saturating_mul(MICROS_PER_SECOND)));
        let is_cooling = before.iter().any(|at| *at > since(self.cooldown_s));
        let in_hour = before.iter().filter(|at| **at > since(3600)).count();
        !is_cooling && i64::try_from(in_hour).is_ok_and(|count| count < self.max_per_hour)
    }

    /// Time range that a capture of an event is to hold.
    pub fn range(&self, event: Micros) -> (Micros, Micros) {
        let moved = |seconds: i64| Micros(event.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)));
        (moved(-self.pre_roll_s), moved(self.post_roll_s))
    }
}

impl DocumentContent for CaptureRuleSpec {
    fn unique_name(&self) -> String {
        self.name.clone()
    }

    fn unique_title(&self) -> String {
        format!("A capture rule with the name '{}' exists", self.name)
    }

    fn references(&self) -> Vec<DocumentReference> {
        let camera = |(index, id): (usize, &Uuid)| {
            let target = ReferenceTarget::Document(DocumentKind::Camera, *id);
            DocumentReference::new(format!("cameras[{index}]"), target)
        };
        let device =
            self.matches.device.map(|id| DocumentReference::new("match.device", ReferenceTarget::Device(id)));
        self.cameras.iter().enumerate().map(camera).chain(device).collect()
    }

    /// Shows as switched off a rule for something that the caller does not see: what is left of it must not look like a
    /// rule for everything.
    fn retain_visible(&mut self, rows: &dyn RowVisibility) {
        self.cameras.retain(|camera| rows.sees_row(DocumentKind::Camera, *camera));
        let EventMatch { device, sensor, .. } = &mut self.matches;
        let before = (*device, *sensor);
        *device = device.filter(|id| rows.sees_device(*id));
        *sensor = sensor.filter(|id| rows.sees_stream(*id));
        self.enabled &= before == (*device, *sensor);
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        if !(1..=MAX_CAMERAS).contains(&self.cameras.len()) {
            found.push(FieldError::new("cameras", format!("size must be between 1 and {MAX_CAMERAS}")));
        }
        for (index, camera) in self.cameras.iter().enumerate().take(MAX_CAMERAS) {
            if self.cameras[..index].contains(camera) {
                found.push(FieldError::new(format!("cameras[{index}]"), "must be unique"));
            }
        }
        let numbers = [
            ("pre_roll_seconds", self.pre_roll_s, 0, MAX_ROLL_S),
            ("post_roll_seconds", self.post_roll_s, 0, MAX_ROLL_S),
            ("cooldown_seconds", self.cooldown_s, 0, MAX_COOLDOWN_S),
            ("max_per_hour", self.max_per_hour, 1, MAX_PER_HOUR),
        ];
        for (field, number, least, most) in numbers {
            if !(least..=most).contains(&number) {
                found.push(FieldError::new(field, format!("must be between {least} and {most}")));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> EventFacts {
        EventFacts {
            source: "DEVICE",
            level: Level::Error,
            device: Some(DeviceId(1)),
            sensor: Some(StreamId(2)),
            ts: Micros(0),
        }
    }

    #[test]
    fn a_rule_is_for_events_with_all_of_it() {
        let text = |text: &str| Some(text.to_owned());
        let rows = [
            ("anything", EventMatch::default(), true),
            ("source", EventMatch { source: text("DEVICE"), ..EventMatch::default() }, true),
            ("other_source", EventMatch { source: text("USER"), ..EventMatch::default() }, false),
            ("severity", EventMatch { severity: text("CRITICAL"), ..EventMatch::default() }, true),
            ("other_severity", EventMatch { severity: text("INFO"), ..EventMatch::default() }, false),
            ("device", EventMatch { device: Some(DeviceId(1)), ..EventMatch::default() }, true),
            ("other_device", EventMatch { device: Some(DeviceId(2)), ..EventMatch::default() }, false),
            ("other_sensor", EventMatch { sensor: Some(StreamId(3)), ..EventMatch::default() }, false),
            (
                "one_of_two",
                EventMatch { source: text("DEVICE"), device: Some(DeviceId(2)), ..EventMatch::default() },
                false,
            ),
        ];
        for (name, wanted, expected) in rows {
            assert_eq!(wanted.includes(&event()), expected, "{name}");
        }
    }

    #[test]
    fn captures_have_pauses_and_a_most() {
        let rule = CaptureRuleSpec { cooldown_s: 60, max_per_hour: 2, ..CaptureRuleSpec::new("r") };
        let at = |seconds: i64| Micros(seconds * MICROS_PER_SECOND);
        let now = at(10_000);
        let rows = [
            ("first", vec![], true),
            ("cooling", vec![at(9_941)], false),
            ("cooled", vec![at(9_940)], true),
            ("two_in_an_hour", vec![at(6_500), at(7_500)], false),
            ("one_is_older", vec![at(6_400), at(7_500)], true),
        ];
        for (name, before, expected) in rows {
            assert_eq!(rule.has_room(now, &before), expected, "{name}");
        }
        assert_eq!(rule.range(at(100)), (at(90), at(120)));
    }

    #[test]
    fn every_number_has_its_bounds() {
        let sound = CaptureRuleSpec { cameras: vec![Uuid::nil()], ..CaptureRuleSpec::new("r") };
        assert!(sound.problems().is_empty());
        let wrong = CaptureRuleSpec {
            name: String::new(),
            cameras: vec![Uuid::nil(), Uuid::nil()],
            pre_roll_s: -1,
            post_roll_s: 301,
            cooldown_s: i64::MAX,
            max_per_hour: 0,
            ..sound.clone()
        };
        let problems = wrong.problems();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_ref()).collect();
        let expected = [
            "name",
            "cameras[1]",
            "pre_roll_seconds",
            "post_roll_seconds",
            "cooldown_seconds",
            "max_per_hour",
        ];
        assert_eq!(fields, expected);
        assert!(!CaptureRuleSpec { cameras: Vec::new(), ..sound }.problems().is_empty());
    }
}
