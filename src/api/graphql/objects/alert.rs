//! Alerts and alert rules of the schema.

use async_graphql::{Context, Object, Result};

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::app::alert::ShownAlertRule;
use crate::domain::alert::{AlertDetails, rule};

/// State of an event that an alert rule raised.
pub struct Alert(pub AlertDetails);

object! {
    #[Object]
    /// State of an event that an alert rule raised.
    impl Alert(self) {
        /// Status: `ACTIVE`, `ACKNOWLEDGED` or `RESOLVED`.
        status: &str = self.0.lifecycle.status.name();
        /// Value that raised the alert: a number, a text or a boolean; of an aggregate the aggregate; of a
        /// device the name of its state; null for silence.
        value: serde_json::Value = self.0.value.clone();
        /// Name that the rule had.
        rule_name: &str = &self.0.rule_name;
        /// Time at which somebody acknowledged the alert.
        acknowledged_at: Option<DateTime> = self.0.lifecycle.acknowledged_at.map(DateTime);
        /// Caller who acknowledged the alert.
        acknowledged_by: Option<&str> = self.0.lifecycle.acknowledged_by.as_deref();
        /// Time at which the alert was resolved.
        resolved_at: Option<DateTime> = self.0.lifecycle.resolved_at.map(DateTime);
        /// Caller who resolved the alert; `system` when its condition ended.
        resolved_by: Option<&str> = self.0.lifecycle.resolved_by.as_deref();
        /// Note of the person who acknowledged or resolved the alert.
        note: Option<&str> = self.0.lifecycle.note.as_deref();
    }
    resolvers {
        /// The rule; null once it is deleted, or if the caller may not read it.
        async fn rule(&self, ctx: &Context<'_>) -> Result<Option<AlertRule>> {
            let Some(rule) = self.0.rule else { return Ok(None) };
            Ok(none_if_not_found(app(ctx).alerts.alert_rule_by_id(caller(ctx), rule))?.map(AlertRule))
        }
    }
}

/// A condition on the readings of a stream, or on the state of a device, that raises alerts.
pub struct AlertRule(pub ShownAlertRule);

object! {
    #[Object]
    /// A condition on the readings of a stream, or on the state of a device, that raises alerts.
    impl AlertRule(self) {
        /// UUID of the rule, as on the MK platform.
        uuid: String = self.0.rule.uuid.to_string();
        /// Name of the rule, unique in the organization.
        name: &str = &self.0.rule.spec.name;
        /// Quantity that is compared: `VALUE`, `AVG`, `MIN`, `MAX`, `COUNT`, `NO_DATA` or `DEVICE_STATE`.
        evaluation: &str = self.0.rule.spec.evaluation.name();
        /// Length of the window, seconds; null for `VALUE`.
        window_seconds: Option<i64> = self.0.rule.spec.window_s;
        /// Comparison, such as `GT`; null for `NO_DATA`.
        operator: Option<&str> = self.0.rule.spec.operator.map(rule::Operator::name);
        /// Number, text or name of a state that is compared with; null where there is none.
        threshold: Option<serde_json::Value> =
            self.0.rule.spec.threshold.as_ref().map(rule::Threshold::to_json);
        /// Severity of the alerts: `INFO`, `WARNING` or `CRITICAL`.
        severity: &str = self.0.rule.spec.severity.name();
        /// Shortest time between two alerts, seconds.
        cooldown_seconds: i64 = self.0.rule.spec.cooldown_s;
        /// Whether the open alert is resolved when the condition ends.
        auto_resolve: bool = self.0.rule.spec.auto_resolve;
        /// Whether the rule is evaluated.
        enabled: bool = self.0.rule.spec.enabled;
        /// UUIDs of the notification channels that are told of an alert.
        channels: Vec<String> = self.0.rule.spec.channels.iter().map(ToString::to_string).collect();
        /// Number of the current state of the rule: 1 on creation, one more with each change.
        version: i32 = self.0.rule.version;
        /// Description of the rule.
        description: Option<&str> = self.0.rule.spec.description.as_deref();
        /// Alerts that were not raised because the rule had raised enough in the hour, since it was made.
        suppressed_alerts: u64 = self.0.suppressed;
        /// Readings that were too old to be evaluated when they arrived, since the start of the server.
        old_readings: u64 = self.0.old_readings;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.rule.created_at);
        /// Time of the last change.
        updated_at: DateTime = DateTime(self.0.rule.updated_at);
    }
    with ctx {
        /// Stream that is watched; null of a rule on a device, or if the caller may not read it.
        stream: Option<Stream> = Ok(rows::stream(ctx, self.0.rule.spec.target.stream())?.map(Stream));
        /// Device whose state is watched; null of a rule on a stream, or if the caller may not read it.
        device: Option<Device> = Ok(rows::device(ctx, self.0.rule.spec.target.device())?.map(Device));
    }
}
