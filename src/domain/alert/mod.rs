//! Alerts: events that a rule raised and that people acknowledge and resolve.

pub mod budget;
mod comparison;
pub mod device_watch;
pub mod evaluator;
mod recent;
pub mod rule;
pub mod sample;
pub mod simulation;
pub mod target;
pub mod waiting;
mod window;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::event_level::Level;
use super::{AlertRuleId, Error, EventId, Micros, OrgId, Result};
use crate::domain::named_enum::named_enum;

named_enum! {
    /// How far people are with an alert.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum AlertStatus {
        /// Nobody has seen it.
        #[default]
        Active = "ACTIVE",
        /// Somebody has seen it.
        Acknowledged = "ACKNOWLEDGED",
        /// It is over; nothing follows.
        Resolved = "RESOLVED",
    }
}

named_enum! {
    /// Severity of a rule and of its alerts: the levels of events without `error`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Severity {
        /// For information; no action is needed.
        #[default]
        Info = "INFO",
        /// A fault may follow.
        Warning = "WARNING",
        /// A fault that endangers people, plant or product.
        Critical = "CRITICAL",
    }
    field "severity";
}

impl Severity {
    /// Level of an event of this severity.
    pub fn level(self) -> Level {
        match self {
            Severity::Info => Level::Info,
            Severity::Warning => Level::Warning,
            Severity::Critical => Level::Critical,
        }
    }

    /// Levels that are shown as this severity: the platform has no `error`, which is shown as CRITICAL.
    pub fn levels(self) -> &'static [Level] {
        match self {
            Severity::Info => &[Level::Info],
            Severity::Warning => &[Level::Warning],
            Severity::Critical => &[Level::Error, Level::Critical],
        }
    }
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Severity::Info,
            Level::Warning => Severity::Warning,
            Level::Error | Level::Critical => Severity::Critical,
        }
    }
}

/// Steps of people and the server on an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertLifecycle {
    /// How far people are.
    pub status: AlertStatus,
    /// When somebody acknowledged it; `None` also for an alert that was resolved at once.
    pub acknowledged_at: Option<Micros>,
    /// The caller that acknowledged it, as APIs show it.
    pub acknowledged_by: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Micros>,
    /// The caller that resolved it, as APIs show it; `system` when its rule did.
    pub resolved_by: Option<String>,
    /// Text of whoever acted last and left one, at most 4000 characters.
    pub note: Option<String>,
}

/// Step on an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertStep {
    /// ACTIVE becomes ACKNOWLEDGED.
    Acknowledge,
    /// ACTIVE and ACKNOWLEDGED become RESOLVED.
    Resolve,
}

/// The caller that does something to an alert, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertActor {
    /// Name as APIs show it.
    pub name: String,
    /// Time of the step.
    pub at: Micros,
    /// Text for the alert; `None` keeps what it has.
    pub note: Option<String>,
}

impl AlertLifecycle {
    /// The lifecycle after a step. A step that was taken already changes nothing, whoever repeats it.
    ///
    /// # Errors
    /// `Conflict` when a resolved alert is to be acknowledged.
    pub fn after(&self, step: AlertStep, actor: &AlertActor) -> Result<AlertLifecycle> {
        let mut next = self.clone();
        match (self.status, step) {
            (AlertStatus::Resolved, AlertStep::Acknowledge) => {
                return Err(Error::conflict("the alert is RESOLVED: it cannot be acknowledged any more"));
            }
            (AlertStatus::Acknowledged, AlertStep::Acknowledge)
            | (AlertStatus::Resolved, AlertStep::Resolve) => return Ok(next),
            (AlertStatus::Active, AlertStep::Acknowledge) => {
                next.status = AlertStatus::Acknowledged;
                next.acknowledged_at = Some(actor.at);
                next.acknowledged_by = Some(actor.name.clone());
            }
            (AlertStatus::Active | AlertStatus::Acknowledged, AlertStep::Resolve) => {
                next.status = AlertStatus::Resolved;
                next.resolved_at = Some(actor.at);
                next.resolved_by = Some(actor.name.clone());
            }
        }
        if actor.note.is_some() {
            next.note.clone_from(&actor.note);
        }
        Ok(next)
    }

    /// Whether its rule raises no other alert meanwhile.
    pub fn is_open(&self) -> bool {
        self.status != AlertStatus::Resolved
    }

    /// Time of the last step; `None` before the first.
    pub fn changed_at(&self) -> Option<Micros> {
        self.acknowledged_at.max(self.resolved_at)
    }
}

/// Details of an alert's event beside the fields of every event.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertDetails {
    /// The rule; `None` once it is deleted.
    pub rule: Option<AlertRuleId>,
    /// Name that the rule had.
    pub rule_name: String,
    /// The value that raised the alert: a number, a text or a boolean; of an aggregate the aggregate; of a device the name
    /// of its state; null where there is none, as for silence.
    pub value: Value,
    /// Outcome of the alert.
    pub lifecycle: AlertLifecycle,
}

/// An alert with the ids that it is shown with.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Id in APIs, which is that of the event.
    pub id: Uuid,
    /// Row of the event.
    pub event: EventId,
    /// Organization that owns it.
    pub org: OrgId,
    /// Id of the rule; `None` once it is deleted.
    pub rule: Option<Uuid>,
    /// Name that the rule had.
    pub rule_name: String,
    /// UUID of the stream; `None` once it is deleted.
    pub sensor: Option<Uuid>,
    /// UUID of the device; `None` once it is deleted.
    pub device: Option<Uuid>,
    /// Severity that the rule had.
    pub severity: Severity,
    /// Text for people.
    pub message: String,
    /// Value that raised the alert ([`AlertDetails::value`]).
    pub value: Value,
    /// Time of the reading that raised it.
    pub triggered_at: Micros,
    /// Outcome of the alert.
    pub lifecycle: AlertLifecycle,
    /// Time at which it was stored.
    pub created_at: Micros,
}

impl Alert {
    /// Its members on the MK platform, in the API and in notifications.
    pub fn to_map(&self) -> Map<String, Value> {
        let moment = |at: Option<Micros>| at.map(platform_time);
        let AlertLifecycle { acknowledged_at, acknowledged_by, resolved_at, resolved_by, note, status } =
            &self.lifecycle;
        let changed_at = self.lifecycle.changed_at().unwrap_or(self.created_at);
        let members = [
            ("id", json!(self.id)),
            ("ruleId", json!(self.rule)),
            ("ruleName", json!(self.rule_name)),
            ("sensorId", json!(self.sensor)),
            ("deviceId", json!(self.device)),
            ("severity", json!(self.severity.name())),
            ("status", json!(status.name())),
            ("message", json!(self.message)),
            ("value", self.value.clone()),
            ("triggeredAt", json!(platform_time(self.triggered_at))),
            ("acknowledgedAt", json!(moment(*acknowledged_at))),
            ("acknowledgedBy", json!(acknowledged_by)),
            ("resolvedAt", json!(moment(*resolved_at))),
            ("resolvedBy", json!(resolved_by)),
            ("note", json!(note)),
            ("createdAt", json!(platform_time(self.created_at))),
            ("updatedAt", json!(platform_time(changed_at))),
        ];
        members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}

/// ISO-8601 in UTC with the shortest of no, three or six digits of a fraction that loses nothing.
fn platform_time(time: Micros) -> String {
    let text = time.to_iso();
    match text.strip_suffix("000Z") {
        Some(shorter) if time.0 % 1000 == 0 && text.contains('.') => format!("{shorter}Z"),
        _ => text,
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
