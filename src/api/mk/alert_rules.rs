//! `/alert-rules`: which readings, and which states of devices, raise alerts.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::alert::{AlertRuleFilter, ShownAlertRule};
use crate::domain::alert::Severity;
use crate::domain::alert::rule::{
    AlertRuleSpec, COOLDOWNS_S, DEFAULT_COOLDOWN_S, Evaluation, MAX_CHANNELS, Operator, Threshold, WINDOWS_S,
};
use crate::domain::alert::target::RuleTarget;
use crate::domain::{DeviceId, Principal, StreamId};

const COLLECTION: &str = "/api/v1/alert-rules";
const ONE: &str = "/api/v1/alert-rules/{id}";
const TITLE: &str = "AlertRule";
const SORTABLE: &[&str] = &[
    "createdAt",
    "updatedAt",
    "name",
    "sensorId",
    "evaluation",
    "windowSeconds",
    "operator",
    "severity",
    "cooldownSeconds",
    "autoResolve",
    "enabled",
    "description",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let rule = || schema::reference("AlertRule");
    let body = || schema::reference("AlertRuleBody");
    let list_doc = paged(Doc::new("listAlertRules", "List alert rules"))
        .query("sensorId", id(), "Only rules of this sensor.")
        .query("deviceId", id(), "Only rules on the state of this device.")
        .query("enabled", schema::boolean(), "Only rules that are enabled, or that are not.");
    let create_doc = Doc::new("createAlertRule", "Create an alert rule")
        .about("It evaluates the readings that are written from then on, whichever way they come, or the states of a device.")
        .body(body());
    let replace_doc = Doc::new("replaceAlertRule", "Replace an alert rule")
        .about("A rule that compares something else afterwards forgets the readings of its window.")
        .body(body());
    let enable_doc = Doc::new("enableAlertRule", "Enable an alert rule").about("A repeat changes nothing.");
    let disable_doc = Doc::new("disableAlertRule", "Disable an alert rule")
        .about("Its open alert stays open. A repeat changes nothing.");
    let delete_doc =
        Doc::new("deleteAlertRule", "Delete an alert rule").about("Its alerts stay, without a rule.");
    let get_doc = Doc::new("getAlertRule", "Get an alert rule").answers(200, "The rule.", rule());
    let create_doc = create_doc.answers(201, "The new rule.", rule()).with_header(
        "Location",
        schema::string(),
        "Path of the rule.",
    );
    Section {
        name: "Alert rules",
        about: "Conditions on the readings of a sensor or on the state of a device. An alert is raised when the condition \
                holds, no alert of the rule is open, the cooldown is over, and the rule raised fewer than 60 alerts in \
                the hour.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc.answers(200, "A page of rules.", page_of("AlertRule"))),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, replace_doc.answers(200, "The rule.", rule())),
            Endpoint::delete(ONE, delete, delete_doc.answers_nothing("The rule is deleted.")),
            Endpoint::post(
                "/api/v1/alert-rules/{id}/enable",
                enable,
                enable_doc.answers(200, "The rule.", rule()),
            ),
            Endpoint::post(
                "/api/v1/alert-rules/{id}/disable",
                disable,
                disable_doc.answers(200, "The rule.", rule()),
            ),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, utoipa::openapi::Schema)> {
    let settable = described();
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    let suppressed =
        "Alerts that were not raised because the rule had raised enough in the hour, since it was made.";
    let suppressed = schema::described(schema::integer(0, i64::MAX), suppressed);
    shown.push(schema::read_only("suppressedAlerts", suppressed));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    vec![("AlertRule", schema::view(&shown)), ("AlertRuleBody", schema::body(&settable))]
}

fn described() -> Vec<FieldSchema> {
    let seconds = |range: std::ops::RangeInclusive<i64>| schema::integer(*range.start(), *range.end());
    let sensor =
        "Sensor that is watched. Required unless the evaluation is DEVICE_STATE, of which it is null.";
    let device = "Device whose state is watched. Required for DEVICE_STATE, null for every other evaluation.";
    let watched = |about| schema::described(nullable(id()), about);
    let window = schema::described(
        nullable(seconds(WINDOWS_S)),
        "Length of the window that ends with each reading; of NO_DATA the silence, and of DEVICE_STATE the time in the \
         state, that raises the alert. Required for all but VALUE.",
    );
    let evaluation = schema::described(
        schema::choice(Evaluation::ALL.map(Evaluation::name)),
        "What is compared: each value, an aggregate of the window, nothing but silence, or the state of a device.",
    );
    let operator = schema::described(
        nullable(schema::choice(Operator::ALL.map(Operator::name))),
        "GT, GTE, LT, LTE, EQ and NEQ compare numbers, IS_TRUE and IS_FALSE booleans, CONTAINS and EQ texts, EQ and NEQ \
         states. Required unless the evaluation is NO_DATA.",
    );
    let threshold = schema::described(
        nullable(schema::any_of([schema::number(), schema::text(1, 1000)])),
        "What values are compared with; of DEVICE_STATE the name of a state: disabled, connecting, online, degraded or \
         offline.",
    );
    let channels = schema::list_of(id(), 0, MAX_CHANNELS);
    vec![
        schema::required("name", schema::text(1, 255)),
        schema::omittable("sensorId", watched(sensor)),
        schema::omittable("deviceId", watched(device)),
        schema::optional("evaluation", evaluation, Evaluation::Value.name()),
        schema::omittable("windowSeconds", window),
        schema::omittable("operator", operator),
        schema::omittable("threshold", threshold),
        schema::required("severity", schema::choice(Severity::ALL.map(Severity::name))),
        schema::optional("cooldownSeconds", seconds(COOLDOWNS_S), DEFAULT_COOLDOWN_S),
        schema::optional("autoResolve", schema::boolean(), false),
        schema::optional("enabled", schema::boolean(), true),
        schema::optional("notificationChannelIds", channels, Vec::<String>::new()),
        schema::omittable("description", nullable(schema::text(0, 4000))),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertRuleView {
    id: Uuid,
    name: String,
    sensor_id: Option<Uuid>,
    device_id: Option<Uuid>,
    evaluation: &'static str,
    window_seconds: Option<i64>,
    operator: Option<&'static str>,
    threshold: Option<Value>,
    severity: &'static str,
    cooldown_seconds: i64,
    auto_resolve: bool,
    enabled: bool,
    notification_channel_ids: Vec<Uuid>,
    description: Option<String>,
    suppressed_alerts: u64,
    created_at: String,
    updated_at: String,
}

impl From<ShownAlertRule> for AlertRuleView {
    fn from(ShownAlertRule { rule, sensor, device, suppressed }: ShownAlertRule) -> Self {
        let spec = rule.spec.clone();
        AlertRuleView {
            id: rule.uuid,
            name: spec.name,
            sensor_id: sensor,
            device_id: device,
            evaluation: spec.evaluation.name(),
            window_seconds: spec.window_s,
            operator: spec.operator.map(Operator::name),
            threshold: spec.threshold.as_ref().map(Threshold::to_json),
            severity: spec.severity.name(),
            cooldown_seconds: spec.cooldown_s,
            auto_resolve: spec.auto_resolve,
            enabled: spec.enabled,
            notification_channel_ids: spec.channels,
            description: spec.description,
            suppressed_alerts: suppressed,
            created_at: iso(rule.created_at),
            updated_at: iso(rule.updated_at),
        }
    }
}

/// `GET /alert-rules`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let filter = AlertRuleFilter {
        sensor: query.uuid("sensorId")?,
        device: query.uuid("deviceId")?,
        enabled: query.boolean("enabled")?,
    };
    let rows = app.alert_rules(&caller.principal, filter)?;
    Ok(ok(page.of(rows, sort_key, |row| row.rule.uuid).map(AlertRuleView::from)))
}

fn sort_key(row: &ShownAlertRule, property: &str) -> SortKey {
    let rule = &row.rule;
    match property {
        "name" => rule.spec.name.as_str().into(),
        "evaluation" => rule.spec.evaluation.name().into(),
        "severity" => SortKey::Whole(rule.spec.severity as i64),
        "enabled" => rule.spec.enabled.into(),
        "autoResolve" => rule.spec.auto_resolve.into(),
        "sensorId" => row.sensor.into(),
        "operator" => rule.spec.operator.map(Operator::name).into(),
        "windowSeconds" => rule.spec.window_s.map_or(SortKey::Null, SortKey::Whole),
        "cooldownSeconds" => SortKey::Whole(rule.spec.cooldown_s),
        "description" => rule.spec.description.as_deref().into(),
        "updatedAt" => rule.updated_at.into(),
        "id" => SortKey::Text(rule.uuid.to_string()),
        _ => rule.created_at.into(),
    }
}

/// `POST /alert-rules`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.check_may_change_alert_rules(&caller.principal)?;
    let spec = read(body.fields(&app).await?, &app, &caller.principal, None)?;
    let row = app.create_alert_rule(&caller.principal, spec).await?;
    Ok(created(COLLECTION, row.rule.uuid, AlertRuleView::from(row)))
}

/// `GET /alert-rules/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = app.alert_rule(&caller.principal, *id).map_err(|e| MkError::named(e, TITLE, *id))?;
    Ok(ok(AlertRuleView::from(row)))
}

/// `PUT /alert-rules/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let named = |error| MkError::named(error, TITLE, *id);
    app.alert_rule_to_change(&caller.principal, *id).map_err(named)?;
    let new = read(body.fields(&app).await?, &app, &caller.principal, Some(*id))?;
    let changed = app.update_alert_rule(&caller.principal, *id, |spec| *spec = new).await;
    Ok(ok(AlertRuleView::from(changed.map_err(named)?)))
}

/// `DELETE /alert-rules/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.delete_alert_rule(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}

/// `POST /alert-rules/{id}/enable`.
async fn enable(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    set_enabled(&caller, &app, *id, true).await
}

/// `POST /alert-rules/{id}/disable`.
async fn disable(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    set_enabled(&caller, &app, *id, false).await
}

async fn set_enabled(caller: &MkCaller, app: &App, id: Uuid, enabled: bool) -> Answer {
    let changed = app.update_alert_rule(&caller.principal, id, |spec| spec.enabled = enabled).await;
    Ok(ok(AlertRuleView::from(changed.map_err(|error| MkError::named(error, TITLE, id))?)))
}

/// `stored` is the rule that is replaced.
fn read(
    mut fields: Fields,
    app: &App,
    principal: &Principal,
    stored: Option<Uuid>,
) -> Result<AlertRuleSpec, MkError> {
    let evaluation = fields.choice("evaluation", &Evaluation::ALL, Evaluation::name).unwrap_or_default();
    // Nothing has the id 0: what is unknown is told with everything else that is wrong.
    let target = if evaluation == Evaluation::DeviceState {
        let device = fields.required_uuid("deviceId").map(|device| app.watched_device(principal, device));
        RuleTarget::Device(device.and_then(Result::ok).unwrap_or(DeviceId(0)))
    } else {
        let sensor = fields.required_uuid("sensorId").map(|sensor| app.watched_stream(principal, sensor));
        RuleTarget::Stream(sensor.and_then(Result::ok).unwrap_or(StreamId(0)))
    };
    let threshold = match fields.number_or_text("threshold") {
        Some(Value::String(text)) => Some(Threshold::Text(text)),
        Some(number) => number.as_f64().map(Threshold::Number),
        None => None,
    };
    let mut spec = AlertRuleSpec {
        name: fields.text_or_empty("name").trim().to_owned(),
        target,
        evaluation,
        window_s: fields.integer("windowSeconds"),
        operator: fields.choice("operator", &Operator::ALL, Operator::name),
        threshold,
        severity: fields.required_choice("severity", &Severity::ALL, Severity::name).unwrap_or_default(),
        cooldown_s: fields.integer("cooldownSeconds").unwrap_or(DEFAULT_COOLDOWN_S),
        auto_resolve: fields.boolean("autoResolve").unwrap_or(false),
        enabled: fields.boolean("enabled").unwrap_or(true),
        channels: fields.uuids("notificationChannelIds").unwrap_or_default(),
        description: fields.text("description"),
    };
    spec.normalize();
    let problems = app.alert_rule_problems(principal, &spec, stored);
    fields.finish(problems)?;
    Ok(spec)
}
