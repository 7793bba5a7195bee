//! Content of a notification: the JSON of a webhook, the subject and text of an e-mail.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::Micros;
use crate::domain::alert::Alert;

/// A notification, for every kind of channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notification {
    /// The same in every attempt, so that a receiver can tell a repeat.
    pub(super) id: Uuid,
    /// JSON for a server.
    pub(super) body: String,
    /// Subject of an e-mail.
    pub(super) subject: String,
    /// Text of an e-mail.
    pub(super) text: String,
}

impl Notification {
    /// Tells of an alert that fired.
    pub(super) fn of_alert(id: Uuid, alert: &Alert) -> Self {
        let body = json!({"type": "alert.fired", "alert": Value::Object(alert.to_map())});
        // A rule on a device has no sensor, and either may have been deleted.
        let shown = |id: Option<Uuid>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let value = match &alert.value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let severity = alert.severity.name();
        let lines = [
            alert.message.clone(),
            String::new(),
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
            subject: format!("[{severity}] {}", alert.rule_name),
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
