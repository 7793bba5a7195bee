//! Mutations of alert rules.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde::Serialize;
use serde_json::Value;

use super::document::{DeletedDocument, parse_uuid, to_change};
use super::{input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::objects::alert::AlertRule;
use crate::app::alert::ShownAlertRule;
use crate::app::fields::reader::{FieldReader, ReadMode};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 2] = [("stream", NodeType::Stream), ("device", NodeType::Device)];

/// Mutations that create, change and delete alert rules.
#[derive(Default)]
pub struct RuleMutations;

/// Input for a new alert rule. Omitted fields get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateAlertRuleInput {
    /// Name of the rule, 1 to 255 characters, unique in the organization.
    name: String,
    /// Severity of the alerts: `INFO`, `WARNING` or `CRITICAL`.
    severity: String,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: AlertRuleSettings,
}

impl CreateAlertRuleInput {
    /// The fields of a whole rule.
    pub fn to_fields(&self) -> FieldReader {
        input::to_fields(self, ReadMode::Whole, &ROW_ID_FIELDS)
    }
}

input_objects! {
    /// Changes to an alert rule. Omitted fields stay unchanged.
    pub struct UpdateAlertRuleInput {
        /// Name of the rule, 1 to 255 characters, unique in the organization.
        name: Option<String>,
        /// Severity of the alerts: `INFO`, `WARNING` or `CRITICAL`.
        severity: Option<String>,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: AlertRuleSettings,
    }

    /// Settings of a rule besides its name and severity.
    pub struct AlertRuleSettings {
        /// Id or row number of the stream that is watched; null of a rule on a device.
        stream: MaybeUndefined<ID>,
        /// Id or row number of the device whose state is watched; null of a rule on a stream.
        device: MaybeUndefined<ID>,
        /// Quantity that is compared: `VALUE`, `AVG`, `MIN`, `MAX`, `COUNT`, `NO_DATA` or `DEVICE_STATE`; default `VALUE`.
        evaluation: Option<String>,
        /// Length of the window, 1 to 86,400 s; null for `VALUE`.
        window_seconds: MaybeUndefined<i32>,
        /// Comparison: `GT`, `GTE`, `LT`, `LTE`, `EQ`, `NEQ`, `IS_TRUE`, `IS_FALSE` or `CONTAINS`.
        operator: MaybeUndefined<String>,
        /// Number, text or name of a state that is compared with.
        threshold: MaybeUndefined<Value>,
        /// Shortest time between two alerts, 0 to 604,800 s; default 300.
        cooldown_seconds: Option<i32>,
        /// Whether the open alert is resolved when the condition ends; default false.
        auto_resolve: Option<bool>,
        /// Whether the rule is evaluated; default true.
        enabled: Option<bool>,
        /// UUIDs of the notification channels that are told, at most 50.
        channels: Option<Vec<String>>,
        /// Free-text description, at most 4,000 characters; null for none.
        description: MaybeUndefined<String>,
    }
}

payload! {
    /// Result of creating or updating an alert rule.
    pub struct AlertRulePayload {
        /// The rule as stored after the change; null if nothing was changed.
        alert_rule: AlertRule(ShownAlertRule),
    }
}

#[Object(name = "RuleMutations")]
impl RuleMutations {
    /// Creates a rule that evaluates the readings written from now on, or the state of a device.
    async fn create_alert_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Fields of the row.")] input: CreateAlertRuleInput,
    ) -> Result<AlertRulePayload> {
        let made = app(ctx).alerts.create_rule_from_fields(caller(ctx), input.to_fields()).await;
        AlertRulePayload::from_result(made)
    }

    /// Updates the given fields of an alert rule.
    async fn update_alert_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the alert rule, as text.")] uuid: String,
        #[graphql(
            desc = "Version that the change is meant for; `CONFLICT` if the row has another one by now."
        )]
        version: Option<i32>,
        #[graphql(desc = "Fields of the row.")] input: UpdateAlertRuleInput,
    ) -> Result<AlertRulePayload> {
        let fields = to_change(&input, version, &ROW_ID_FIELDS);
        let made = match parse_uuid(&uuid) {
            Ok(uuid) => app(ctx).alerts.update_rule_from_fields(caller(ctx), uuid, fields).await,
            Err(error) => Err(error),
        };
        AlertRulePayload::from_result(made)
    }

    /// Deletes an alert rule. Its alerts stay, without a rule.
    async fn delete_alert_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the alert rule, as text.")] uuid: String,
    ) -> Result<DeletedDocument> {
        let gone = match parse_uuid(&uuid) {
            Ok(uuid) => app(ctx).alerts.delete_alert_rule(caller(ctx), uuid).await,
            Err(error) => Err(error),
        };
        DeletedDocument::from_result(&uuid, gone)
    }

    /// Enables an alert rule. A repeat changes nothing.
    async fn enable_alert_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the alert rule, as text.")] uuid: String,
    ) -> Result<AlertRulePayload> {
        set_enabled(ctx, &uuid, true).await
    }

    /// Disables an alert rule; its open alert stays open. A repeat changes nothing.
    async fn disable_alert_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the alert rule, as text.")] uuid: String,
    ) -> Result<AlertRulePayload> {
        set_enabled(ctx, &uuid, false).await
    }
}

async fn set_enabled(ctx: &Context<'_>, uuid: &str, enabled: bool) -> Result<AlertRulePayload> {
    let made = match parse_uuid(uuid) {
        Ok(uuid) => app(ctx).alerts.update_alert_rule(caller(ctx), uuid, |spec| spec.enabled = enabled).await,
        Err(error) => Err(error),
    };
    AlertRulePayload::from_result(made)
}
