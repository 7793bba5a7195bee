//! Alerts and alert rules of the schema.

use async_graphql::{Context, Object, Result};

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::app::alert::ShownAlertRule;
use crate::domain::alert::{AlertDetails, rule};

/// What became of an event that an alert rule raised.
pub struct Alert(pub AlertDetails);

/// What became of an event that an alert rule raised.
#[Object]
impl Alert {
    /// Status: `ACTIVE`, `ACKNOWLEDGED` or `RESOLVED`.
    async fn status(&self) -> &str {
        self.0.lifecycle.status.name()
    }

    /// Value that raised the alert: a number, a text or a boolean; of an aggregate the aggregate; of a
    /// device the name of its state; null for silence.
    async fn value(&self) -> serde_json::Value {
        self.0.value.clone()
    }

    /// Name that the rule had.
    async fn rule_name(&self) -> &str {
        &self.0.rule_name
    }

    /// The rule; null once it is deleted, or if the caller may not read it.
    async fn rule(&self, ctx: &Context<'_>) -> Result<Option<AlertRule>> {
        let Some(rule) = self.0.rule else { return Ok(None) };
        Ok(none_if_not_found(app(ctx).alerts.alert_rule_by_id(caller(ctx), rule))?.map(AlertRule))
    }

    /// Time at which somebody acknowledged the alert.
    async fn acknowledged_at(&self) -> Option<DateTime> {
        self.0.lifecycle.acknowledged_at.map(DateTime)
    }

    /// Who acknowledged the alert.
    async fn acknowledged_by(&self) -> Option<&str> {
        self.0.lifecycle.acknowledged_by.as_deref()
    }

    /// Time at which the alert was resolved.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.lifecycle.resolved_at.map(DateTime)
    }

    /// Who resolved the alert; `system` when its condition ended.
    async fn resolved_by(&self) -> Option<&str> {
        self.0.lifecycle.resolved_by.as_deref()
    }

    /// Note of the person who acknowledged or resolved the alert.
    async fn note(&self) -> Option<&str> {
        self.0.lifecycle.note.as_deref()
    }
}

/// A condition on the readings of a stream, or on the state of a device, that raises alerts.
pub struct AlertRule(pub ShownAlertRule);

/// A condition on the readings of a stream, or on the state of a device, that raises alerts.
#[Object]
impl AlertRule {
    /// UUID of the rule, as on the MK platform.
    async fn uuid(&self) -> String {
        self.0.rule.uuid.to_string()
    }

    /// Name of the rule, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.rule.spec.name
    }

    /// What is compared: `VALUE`, `AVG`, `MIN`, `MAX`, `COUNT`, `NO_DATA` or `DEVICE_STATE`.
    async fn evaluation(&self) -> &str {
        self.0.rule.spec.evaluation.name()
    }

    /// Length of the window, seconds; null for `VALUE`.
    async fn window_seconds(&self) -> Option<i64> {
        self.0.rule.spec.window_s
    }

    /// Comparison, such as `GT`; null for `NO_DATA`.
    async fn operator(&self) -> Option<&str> {
        self.0.rule.spec.operator.map(rule::Operator::name)
    }

    /// Number, text or name of a state that is compared with; null where there is none.
    async fn threshold(&self) -> Option<serde_json::Value> {
        self.0.rule.spec.threshold.as_ref().map(rule::Threshold::to_json)
    }

    /// Severity of the alerts: `INFO`, `WARNING` or `CRITICAL`.
    async fn severity(&self) -> &str {
        self.0.rule.spec.severity.name()
    }

    /// Shortest time between two alerts, seconds.
    async fn cooldown_seconds(&self) -> i64 {
        self.0.rule.spec.cooldown_s
    }

    /// Whether the open alert is resolved when the condition ends.
    async fn auto_resolve(&self) -> bool {
        self.0.rule.spec.auto_resolve
    }

    /// Whether the rule is evaluated.
    async fn enabled(&self) -> bool {
        self.0.rule.spec.enabled
    }

    /// UUIDs of the notification channels that are told of an alert.
    async fn channels(&self) -> Vec<String> {
        self.0.rule.spec.channels.iter().map(ToString::to_string).collect()
    }

    /// Number of the current state of the rule: 1 on creation, one more with each change.
    async fn version(&self) -> i32 {
        self.0.rule.version
    }

    /// Description of the rule.
    async fn description(&self) -> Option<&str> {
        self.0.rule.spec.description.as_deref()
    }

    /// Alerts that were not raised because the rule had raised enough in the hour, since it was made.
    async fn suppressed_alerts(&self) -> u64 {
        self.0.suppressed
    }

    /// Readings that were too old to be evaluated when they arrived, since the start of the server.
    async fn old_readings(&self) -> u64 {
        self.0.old_readings
    }

    /// Stream that is watched; null of a rule on a device, or if the caller may not read it.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<Stream>> {
        let Some(stream) = self.0.rule.spec.target.stream() else { return Ok(None) };
        Ok(rows::stream(ctx, stream)?.map(Stream))
    }

    /// Device whose state is watched; null of a rule on a stream, or if the caller may not read it.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        let Some(device) = self.0.rule.spec.target.device() else { return Ok(None) };
        Ok(rows::device(ctx, device)?.map(Device))
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.rule.created_at)
    }

    /// Time of the last change.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.rule.updated_at)
    }
}
