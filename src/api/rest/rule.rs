//! `/api/rule/`: alert rules, and what they would have raised in the past.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::document::PathUuid;
use super::json_body::DeferredJson;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::app::alert::{AlertRuleFilter, ShownAlertRule};
use crate::app::fields::reader::ReadMode;
use crate::domain::alert::rule::{Operator, Threshold};
use crate::domain::alert::simulation::{SimulatedAlert, SimulationResult};
use crate::domain::alert::target::RuleTarget;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{AlertRuleId, DeviceId, Micros, Result, StreamId};

/// Days that a dry run covers which names no start.
const DEFAULT_DRY_RUN_DAYS: i64 = 7;

/// `GET /api/rule`: the rules on the streams and devices that the caller sees, the oldest first.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<RuleView>>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let stream = query.row_id("stream").map(StreamId);
    let device = query.row_id("device").map(DeviceId);
    let (enabled, page) = (query.boolean("enabled"), query.page());
    query.finish()?;
    let mut rules =
        app.alerts.alert_rules(&caller, AlertRuleFilter { enabled, ..AlertRuleFilter::default() })?;
    rules.retain(|shown| {
        let target = shown.rule.spec.target;
        stream.is_none_or(|stream| target == RuleTarget::Stream(stream))
            && device.is_none_or(|device| target == RuleTarget::Device(device))
    });
    let page = rules.into_iter().skip(page.offset).take(page.limit);
    Ok(Json(page.map(RuleView::from).collect()))
}

/// `POST /api/rule`: creates a rule; 201 with its path in `Location`. With `dry_run=true` nothing is created: 200 with the
/// alerts that the rule would have raised.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<Response, RestError> {
    app.alerts.check_may_change_alert_rules(&caller)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let is_dry_run = query.boolean("dry_run").unwrap_or(false);
    let range = query.range();
    query.finish()?;
    let fields = body.fields(ReadMode::Whole).await?;
    if is_dry_run {
        let to = range.to.unwrap_or_else(|| app.now());
        let default = Micros(to.0.saturating_sub(DEFAULT_DRY_RUN_DAYS * MICROS_PER_DAY));
        let range = (range.from.unwrap_or(default), to);
        let result = app.alerts.dry_run_rule_from_fields(&caller, fields, range).await?;
        return Ok(Json(DryRunView::from(result)).into_response());
    }
    let rule = RuleView::from(app.alerts.create_rule_from_fields(&caller, fields).await?);
    let location = format!("/api/rule/{}/", rule.uuid);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(rule)).into_response())
}

/// `GET /api/rule/{uuid}`: one rule.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
) -> Result<Json<RuleView>, RestError> {
    Ok(Json(app.alerts.alert_rule(&caller, uuid)?.into()))
}

/// `PUT /api/rule/{uuid}` replaces all fields; absent ones get their defaults. `PATCH` changes the given fields.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
    body: DeferredJson,
) -> Result<Json<RuleView>, RestError> {
    app.alerts.alert_rule_to_change(&caller, uuid)?;
    let fields = body.change().await?;
    Ok(Json(app.alerts.update_rule_from_fields(&caller, uuid, fields).await?.into()))
}

/// `DELETE /api/rule/{uuid}`: deletes the rule; its alerts stay.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
) -> Result<StatusCode, RestError> {
    app.alerts.delete_alert_rule(&caller, uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A rule in a response.
#[derive(Debug, Serialize)]
pub struct RuleView {
    id: AlertRuleId,
    uuid: Uuid,
    /// Counts the changes, from 1.
    version: i32,
    name: String,
    stream: Option<StreamId>,
    device: Option<DeviceId>,
    evaluation: &'static str,
    window_seconds: Option<i64>,
    operator: Option<&'static str>,
    threshold: Option<Value>,
    severity: &'static str,
    cooldown_seconds: i64,
    auto_resolve: bool,
    enabled: bool,
    /// UUIDs of notification channels.
    channels: Vec<Uuid>,
    description: Option<String>,
    suppressed_alerts: u64,
    old_readings: u64,
    created_at: String,
    updated_at: String,
}

impl From<ShownAlertRule> for RuleView {
    fn from(ShownAlertRule { rule, suppressed, old_readings, .. }: ShownAlertRule) -> Self {
        let spec = rule.spec.clone();
        RuleView {
            id: rule.id,
            uuid: rule.uuid,
            version: rule.version,
            name: spec.name,
            stream: spec.target.stream(),
            device: spec.target.device(),
            evaluation: spec.evaluation.name(),
            window_seconds: spec.window_s,
            operator: spec.operator.map(Operator::name),
            threshold: spec.threshold.as_ref().map(Threshold::to_json),
            severity: spec.severity.name(),
            cooldown_seconds: spec.cooldown_s,
            auto_resolve: spec.auto_resolve,
            enabled: spec.enabled,
            channels: spec.channels,
            description: spec.description,
            suppressed_alerts: suppressed,
            old_readings,
            created_at: rule.created_at.to_iso(),
            updated_at: rule.updated_at.to_iso(),
        }
    }
}

/// Dry run of a rule.
#[derive(Debug, Serialize)]
pub struct DryRunView {
    alerts: Vec<DryRunAlertView>,
    raised: usize,
    suppressed: u64,
    readings: usize,
}

#[derive(Debug, Serialize)]
struct DryRunAlertView {
    at: String,
    value: Value,
    message: String,
    resolved_at: Option<String>,
}

impl From<SimulationResult> for DryRunView {
    fn from(SimulationResult { alerts, raised, suppressed, readings }: SimulationResult) -> Self {
        let shown = |alert: SimulatedAlert| DryRunAlertView {
            at: alert.at.to_iso(),
            value: alert.value,
            message: alert.message,
            resolved_at: alert.resolved_at.map(|at| at.to_iso()),
        };
        DryRunView { alerts: alerts.into_iter().map(shown).collect(), raised, suppressed, readings }
    }
}
