//! `/alerts`: what rules raised.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::body::JsonBody;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::event_row::ACKNOWLEDGED_AT;
use super::events::{device_of, event_filter, stream_of};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::row_filter::RowFilter;
use super::wire::ok;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::domain::alert::{Alert, AlertStatus, AlertStep, Severity};
use crate::domain::event::{EventFilter, EventOrder};

const COLLECTION: &str = "/api/v1/alerts";
const TITLE: &str = "Alert";
const SORTABLE: &[&str] = &["createdAt", "triggeredAt", "severity", "status", "message"];

/// The operations.
pub fn section() -> Section {
    let alert = || schema::reference("Alert");
    let list_doc = paged(Doc::new("listAlerts", "List alerts"))
        .query("status", schema::choice_of::<AlertStatus>(), "Only alerts in this state.")
        .query("severity", schema::choice_of::<Severity>(), "Only alerts of this severity.")
        .query("ruleId", id(), "Only alerts of this rule.")
        .query("deviceId", id(), "Only alerts of this device.")
        .query("sensorId", id(), "Only alerts of this sensor.")
        .query("from", schema::time_input(), "First time of an alert.")
        .query("to", schema::time_input(), "End, which is not included.")
        .answers(200, "A page of alerts.", page_of("Alert"));
    let acknowledge_doc = Doc::new("acknowledgeAlert", "Acknowledge an alert")
        .about("ACTIVE becomes ACKNOWLEDGED; a repeat changes nothing, and a resolved alert cannot be acknowledged.")
        .body_if_any(schema::reference("AlertNote"))
        .answers(200, "The alert as it is stored.", alert());
    let resolve_doc = Doc::new("resolveAlert", "Resolve an alert")
        .about("ACTIVE and ACKNOWLEDGED become RESOLVED; a repeat changes nothing.")
        .body_if_any(schema::reference("AlertNote"))
        .answers(200, "The alert as it is stored.", alert());
    let note = [schema::omittable("note", nullable(schema::text(0, 4000)))];
    Section {
        name: "Alerts",
        about: "Events that rules raised: ACTIVE, ACKNOWLEDGED, then RESOLVED. The id is that of the event.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::get(
                "/api/v1/alerts/{id}",
                one,
                Doc::new("getAlert", "Get an alert").answers(200, "The alert as it is stored.", alert()),
            ),
            Endpoint::post("/api/v1/alerts/{id}/acknowledge", acknowledge, acknowledge_doc),
            Endpoint::post("/api/v1/alerts/{id}/resolve", resolve, resolve_doc),
        ],
        schemas: vec![("Alert", schema::object(&described())), ("AlertNote", schema::body(&note))],
    }
}

fn described() -> Vec<FieldSchema> {
    let moment = || nullable(schema::time());
    let who = || nullable(schema::string());
    let value = schema::described(
        schema::anything(),
        "The value that raised it, of an aggregate the aggregate; null for silence.",
    );
    let message = schema::described(schema::string(), "Sentence for people that says what raised the alert.");
    vec![
        schema::required("id", id()),
        schema::required("ruleId", nullable(id())),
        schema::required("ruleName", schema::string()),
        schema::required("sensorId", nullable(id())),
        schema::required("deviceId", nullable(id())),
        schema::required("severity", schema::choice_of::<Severity>()),
        schema::required("status", schema::choice_of::<AlertStatus>()),
        schema::required("message", message),
        schema::required("value", value),
        schema::required("triggeredAt", schema::time()),
        schema::required("acknowledgedAt", schema::described(moment(), ACKNOWLEDGED_AT)),
        schema::required("acknowledgedBy", who()),
        schema::required("resolvedAt", moment()),
        schema::required("resolvedBy", who()),
        schema::required("note", who()),
        schema::required("createdAt", schema::time()),
        schema::required("updatedAt", schema::time()),
    ]
}

fn view(alert: &Alert) -> Value {
    Value::Object(alert.to_map())
}

/// `GET /alerts`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let sorted = |property: &str| match property {
        "triggeredAt" => EventOrder::Time,
        "severity" => EventOrder::Severity,
        "status" => EventOrder::Status,
        "message" => EventOrder::Message,
        _ => EventOrder::Creation,
    };
    let filter = event_filter(&query, &page, sorted)?;
    let status = query.choice("status", &AlertStatus::ALL, AlertStatus::name)?;
    let device = device_of(&app, &caller.principal, &query)?;
    let stream = stream_of(&app, &caller.principal, &query)?;
    let find = |uuid| app.alerts.alert_rule(&caller.principal, uuid).map(|shown| shown.rule.id);
    let rule = RowFilter::find(query.uuid("ruleId")?, find)?;
    // What does not exist has no alerts.
    if device.is_unknown() || stream.is_unknown() || rule.is_unknown() {
        return Ok(ok(page.page(Vec::<Value>::new(), 0)));
    }
    let (device, stream, rule) = (device.row(), stream.row(), rule.row());
    let filter = EventFilter { status, device, stream, rule, ..filter };
    let (alerts, total) = app.alerts.alerts(&caller.principal, filter).await?;
    Ok(ok(page.page(alerts, total).map(|alert| view(&alert))))
}

/// `GET /alerts/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.alerts.alert(&caller.principal, *id).await;
    Ok(ok(view(&found.map_err(|error| MkError::named(error, TITLE, *id))?)))
}

/// `POST /alerts/{id}/acknowledge`.
async fn acknowledge(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    step(&caller, &app, (*id, AlertStep::Acknowledge), body).await
}

/// `POST /alerts/{id}/resolve`.
async fn resolve(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    step(&caller, &app, (*id, AlertStep::Resolve), body).await
}

async fn step(caller: &MkCaller, app: &App, (id, step): (Uuid, AlertStep), body: JsonBody) -> Answer {
    let named = |error| MkError::named(error, TITLE, id);
    app.alerts.alert_to_change(&caller.principal, id).await.map_err(named)?;
    let mut fields = body.fields_if_any(app).await?;
    let note = fields.text("note");
    fields.finish(app.alerts.alert_note_problems(note.as_deref()))?;
    let alert = app.alerts.step_alert(&caller.principal, id, step, (caller.actor.clone(), note)).await;
    Ok(ok(view(&alert.map_err(named)?)))
}
