//! Content of a notification: the JSON of a webhook, the mail's subject and text.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::alert::Alert;
use crate::domain::notification::AlertNotice;

/// A notification, for every kind of channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notification {
    /// Identifier that is the same in every attempt, so that a receiver can tell a repeat.
    pub(super) id: Uuid,
    /// JSON for a server.
    pub(super) body: String,
    /// Subject of an e-mail.
    pub(super) subject: String,
    /// Text of an e-mail.
    pub(super) text: String,
}

impl Notification {
    /// Tells that an alert fired or was resolved.
    pub(super) fn of_alert(id: Uuid, notice: AlertNotice, alert: &Alert) -> Self {
        let body = json!({"type": notice.name(), "alert": Value::Object(alert.to_map())});
        // A rule on a device has no sensor, and either may have been deleted.
        let shown = |id: Option<Uuid>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let value = match &alert.value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let severity = alert.severity.name();
        let (heading, state) = match notice {
            AlertNotice::Fired => (severity, "firing".to_owned()),
            AlertNotice::Resolved => ("RESOLVED", resolution(alert)),
        };
        let lines = [
            alert.message.clone(),
            String::new(),
            format!("State:     {state}"),
            format!("Severity:  {severity}"),
            format!("Rule:      {}", alert.rule_name),
            format!("Value:     {value}"),
            format!("Time:      {}", alert.triggered_at.to_iso()),
            format!("Device:    {}", shown(alert.device)),
            format!("Sensor:    {}", shown(alert.sensor)),
            format!("Alert:     {}", alert.id),
        ];
        Self {
            id,
            body: body.to_string(),
            subject: format!("[{heading}] {}", alert.rule_name),
            text: lines.join("\n") + "\n",
        }
    }

    /// Tests a channel.
    pub(super) fn of_test(channel: Uuid, name: &str, now: Micros) -> Self {
        let at = now.to_iso();
        let body = json!({"type": "channel.test", "channel": {"id": channel, "name": name}, "timestamp": at});
        Self {
            id: Uuid::new_v4(),
            body: body.to_string(),
            subject: format!("Test of the notification channel {name}"),
            text: format!("Alerts of rules that name the channel {name} arrive here.\n\nTime: {at}\n"),
        }
    }
}

/// When an alert was resolved, and by whom.
fn resolution(alert: &Alert) -> String {
    let at = alert.lifecycle.resolved_at.map(|at| format!(" at {}", at.to_iso()));
    let by = alert.lifecycle.resolved_by.as_ref().map(|by| format!(" by {by}"));
    format!("resolved{}{}", at.unwrap_or_default(), by.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{AlertLifecycle, AlertStatus, Severity};
    use crate::domain::{EventId, OrgId};

    #[test]
    fn a_notification_says_whether_its_alert_fires_or_is_resolved() {
        let lifecycle = AlertLifecycle {
            status: AlertStatus::Resolved,
            resolved_at: Some(Micros(60_000_000)),
            resolved_by: Some("system".to_owned()),
            ..AlertLifecycle::default()
        };
        let alert = Alert {
            id: Uuid::nil(),
            event: EventId(1),
            org: OrgId(1),
            rule: None,
            rule_name: "Too hot".to_owned(),
            sensor: None,
            device: None,
            severity: Severity::Critical,
            message: "Boiler: 93.5".to_owned(),
            value: json!(93.5),
            triggered_at: Micros(0),
            lifecycle,
            created_at: Micros(0),
        };
        for (notice, subject, kind, state) in [
            (AlertNotice::Fired, "[CRITICAL] Too hot", "alert.fired", "State:     firing\n"),
            (
                AlertNotice::Resolved,
                "[RESOLVED] Too hot",
                "alert.resolved",
                "State:     resolved at 1970-01-01T00:01:00Z by system\n",
            ),
        ] {
            let made = Notification::of_alert(Uuid::nil(), notice, &alert);
            let body: Value = serde_json::from_str(&made.body).unwrap();
            assert_eq!((made.subject.as_str(), &body["type"]), (subject, &json!(kind)));
            assert!(made.text.contains(state), "{}", made.text);
            assert_eq!(AlertNotice::named(kind), Some(notice));
        }
    }
}
