//! `/alert-rules`: which readings, and which states of devices, raise alerts.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::field_type::FieldType;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::{schemas, sort};
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema, nullable};
use crate::app::App;
use crate::app::alert::{AlertRuleFilter, ShownAlertRule};
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::{ShownRow, ShownValue};
use crate::domain::alert::Severity;
use crate::domain::alert::rule::{
    AlertRuleSpec, COOLDOWNS_S, Evaluation, MAX_CHANNELS, Operator, Threshold, WINDOWS_S,
};
use crate::domain::{Error, Principal};

const COLLECTION: &str = "/api/v1/alert-rules";
const ONE: &str = "/api/v1/alert-rules/{id}";
const TITLE: &str = "AlertRule";

/// The operations.
pub fn section() -> Section {
    const WORDS: NounWords = NounWords::new("AlertRule", "rule", "rules");
    let [list_doc, create_doc, get_doc, put_doc, delete_doc] = WORDS.describe([
        paged(Doc::new("listAlertRules", "List alert rules"))
            .query("sensorId", id(), "Only rules of this sensor.")
            .query("deviceId", id(), "Only rules on the state of this device.")
            .query("enabled", schema::boolean(), "Only rules that are enabled, or that are not."),
        Doc::new("createAlertRule", "Create an alert rule")
            .about("A rule evaluates the readings that are written from then on, whichever way they come, or the states of a device."),
        Doc::new("getAlertRule", "Get an alert rule"),
        Doc::new("replaceAlertRule", "Replace an alert rule")
            .about("A rule that compares something else afterwards forgets the readings of its window."),
        Doc::new("deleteAlertRule", "Delete an alert rule").about("Its alerts stay, without a rule."),
    ]);
    let enable_doc = Doc::new("enableAlertRule", "Enable an alert rule").about("A repeat changes nothing.");
    let disable_doc = Doc::new("disableAlertRule", "Disable an alert rule")
        .about("Its open alert stays open. A repeat changes nothing.");
    Section {
        name: "Alert rules",
        about: "Conditions on the readings of a sensor or on the state of a device. An alert is raised when the condition \
                holds, no alert of the rule is open, the cooldown is over, and the rule raised fewer than 60 alerts in \
                the hour.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, delete, delete_doc),
            Endpoint::post("/api/v1/alert-rules/{id}/enable", enable, WORDS.stored(enable_doc)),
            Endpoint::post("/api/v1/alert-rules/{id}/disable", disable, WORDS.stored(disable_doc)),
        ],
        schemas: vec![
            schemas::view::<AlertRuleRow>("AlertRule"),
            schemas::body::<AlertRuleRow>("AlertRuleBody"),
        ],
    }
}

/// A rule as shown, with the ids of its sensor or device in APIs.
pub struct AlertRuleRow {
    stamp: Stamp,
    sensor: Option<Uuid>,
    device: Option<Uuid>,
    spec: AlertRuleSpec,
    suppressed: u64,
}

impl MkNoun for AlertRuleRow {
    fn blank() -> Self {
        AlertRuleRow {
            stamp: Stamp::default(),
            sensor: None,
            device: None,
            spec: AlertRuleSpec::blank(),
            suppressed: 0,
        }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let AlertRuleSpec {
            name,
            target: _,
            evaluation,
            window_s,
            operator,
            threshold,
            severity,
            cooldown_s,
            auto_resolve,
            enabled,
            channels,
            description,
        } = &mut self.spec;
        let (title, watched) = (|| schema::text(1, 255), || nullable(id()));
        self.stamp.visit_id(visitor);
        visitor.visit(required("name", "Name of the rule, unique in the organization.", title), name);
        visitor.visit(omittable("sensorId", SENSOR, watched).looked_up(), &mut self.sensor);
        visitor.visit(omittable("deviceId", DEVICE, watched).looked_up().unsorted(), &mut self.device);
        visitor.visit(optional("evaluation", EVALUATION, schema::choice_of::<Evaluation>), evaluation);
        visitor.visit(omittable("windowSeconds", WINDOW, || nullable(seconds(WINDOWS_S))), window_s);
        visitor.visit(omittable("operator", OPERATOR, operators), operator);
        visitor.visit(omittable("threshold", THRESHOLD, thresholds), threshold);
        let severities = schema::choice_of::<Severity>;
        visitor.visit(required("severity", "How bad an alert of the rule is.", severities), severity);
        let about = "Shortest time between two alerts of the rule, seconds of the time of readings.";
        visitor.visit(optional("cooldownSeconds", about, || seconds(COOLDOWNS_S)), cooldown_s);
        let about = "Whether the open alert is resolved when the condition ends.";
        visitor.visit(optional("autoResolve", about, schema::boolean), auto_resolve);
        visitor.visit(optional("enabled", "Whether the rule is evaluated.", schema::boolean), enabled);
        let about = "Notification channels that are told of each alert.";
        let list = || schema::list_of(id(), 0, MAX_CHANNELS);
        visitor.visit(optional("notificationChannelIds", about, list), channels);
        let text = || nullable(schema::text(0, 4000));
        visitor.visit(omittable("description", "Description of the rule, free text.", text), description);
        let count = || schema::integer(0, i64::MAX);
        visitor.visit(read_only("suppressedAlerts", SUPPRESSED, count).unsorted(), &mut self.suppressed);
        self.stamp.visit_times(visitor);
    }
}

const SENSOR: &str =
    "Sensor that is watched. Required unless the evaluation is DEVICE_STATE, of which it is null.";
const DEVICE: &str =
    "Device whose state is watched. Required for DEVICE_STATE, null for every other evaluation.";
const EVALUATION: &str = "Quantity that is compared: each value, an aggregate of the window, nothing but silence, or the state of a \
                          device.";
const WINDOW: &str = "Length of the window in seconds, which ends with each reading; of NO_DATA the silence, and of \
                      DEVICE_STATE the time in the state, that raises the alert. Required for all but VALUE.";
const OPERATOR: &str = "How values are compared: GT, GTE, LT, LTE, EQ and NEQ compare numbers, IS_TRUE and IS_FALSE \
                        booleans, CONTAINS and EQ texts, EQ and NEQ states. Required unless the evaluation is NO_DATA.";
const THRESHOLD: &str = "Bound of the compared values; of DEVICE_STATE the name of a state: disabled, connecting, online, \
                         degraded or offline.";
const SUPPRESSED: &str =
    "Alerts that were not raised because the rule had raised enough in the hour, since it was made.";

fn operators() -> ValueSchema {
    nullable(schema::choice_of::<Operator>())
}

fn thresholds() -> ValueSchema {
    nullable(schema::any_of([schema::number(), schema::text(1, 1000)]))
}

fn seconds(range: RangeInclusive<i64>) -> ValueSchema {
    schema::integer(*range.start(), *range.end())
}

/// Severities are sorted from INFO to CRITICAL.
impl FieldType for Severity {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.choice(name, &Severity::ALL, Severity::name)
    }

    fn sort_key(&mut self) -> SortKey {
        SortKey::Whole(*self as i64)
    }
}

impl ShowValue for Threshold {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(self.to_json())
    }
}

/// A number or a text; lists are not sorted by it.
impl FieldType for Threshold {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        match fields.number_or_text(name)? {
            Value::String(text) => Some(Threshold::Text(text)),
            number => number.as_f64().map(Threshold::Number),
        }
    }
}

impl From<ShownAlertRule> for AlertRuleRow {
    fn from(ShownAlertRule { rule, sensor, device, suppressed, .. }: ShownAlertRule) -> Self {
        let stamp = Stamp { id: rule.uuid, created_at: rule.created_at, updated_at: rule.updated_at };
        AlertRuleRow { stamp, sensor, device, spec: rule.spec.clone(), suppressed }
    }
}

fn view(row: ShownAlertRule) -> ShownRow {
    ShownRow::new(AlertRuleRow::from(row))
}

/// `GET /alert-rules`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<AlertRuleRow>())?;
    let filter = AlertRuleFilter {
        sensor: query.uuid("sensorId")?,
        device: query.uuid("deviceId")?,
        enabled: query.boolean("enabled")?,
    };
    let rows = app.alerts.alert_rules(&caller.principal, filter)?;
    Ok(ok(page.of(rows, sort_key, |row| row.rule.uuid).map(view)))
}

fn sort_key(row: &ShownAlertRule, property: &str) -> SortKey {
    match property {
        "createdAt" => row.rule.created_at.into(),
        _ => sort::sort_key(AlertRuleRow::from(row.clone()), property),
    }
}

/// `POST /alert-rules`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.alerts.check_may_change_alert_rules(&caller.principal)?;
    let spec = read(body.fields(&app).await?, &app, &caller.principal, None)?;
    let row = app.alerts.create_alert_rule(&caller.principal, spec).await?;
    Ok(created(COLLECTION, row.rule.uuid, view(row)))
}

/// `GET /alert-rules/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = app.alerts.alert_rule(&caller.principal, *id).map_err(|e| MkError::named(e, TITLE, *id))?;
    Ok(ok(view(row)))
}

/// `PUT /alert-rules/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let named = |error| named(error, *id);
    app.alerts.alert_rule_to_change(&caller.principal, *id).map_err(named)?;
    let new = read(body.fields(&app).await?, &app, &caller.principal, Some(*id))?;
    let changed = app.alerts.update_alert_rule(&caller.principal, *id, |spec| *spec = new).await;
    Ok(ok(view(changed.map_err(named)?)))
}

/// `DELETE /alert-rules/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.alerts.delete_alert_rule(&caller.principal, *id).await;
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
    let changed = app.alerts.update_alert_rule(&caller.principal, id, |spec| spec.enabled = enabled).await;
    Ok(ok(view(changed.map_err(|error| named(error, id))?)))
}

/// Names the rule in an error.
fn named(error: Error, id: Uuid) -> MkError {
    MkError::named(error, TITLE, id)
}

/// `stored` is the rule that is replaced.
fn read(
    mut fields: Fields,
    app: &App,
    principal: &Principal,
    stored: Option<Uuid>,
) -> Result<AlertRuleSpec, MkError> {
    let mut spec = read_row::<AlertRuleRow>(&mut fields).spec;
    spec.name = spec.name.trim().to_owned();
    let (mut stream, mut device) = (None, None);
    if spec.evaluation == Evaluation::DeviceState {
        let uuid = fields.required_uuid("deviceId");
        device = uuid.and_then(|uuid| app.alerts.watched_device(principal, uuid).ok());
    } else {
        let uuid = fields.required_uuid("sensorId");
        stream = uuid.and_then(|uuid| app.alerts.watched_stream(principal, uuid).ok());
    }
    spec.target = spec.evaluation.target(stream, device);
    spec.normalize();
    let problems = app.alerts.alert_rule_problems(principal, &spec, stored);
    fields.finish(problems)?;
    Ok(spec)
}
