//! `/media-capture-rules`: which events make cameras record.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::Page;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::media::capture_rule::CaptureRule;
use crate::domain::document::capture_rule::{EventMatch, SEVERITIES};
use crate::domain::document::{CaptureRuleSpec, Document, DocumentContent, DocumentKind, DocumentSpec};
use crate::domain::event::EventSource;
use crate::domain::{Principal, Result};

const COLLECTION: &str = "/api/v1/media-capture-rules";
const ONE: &str = "/api/v1/media-capture-rules/{id}";
const KIND: DocumentKind = DocumentKind::CaptureRule;
const SORTABLE: &[&str] = &[
    "createdAt",
    "updatedAt",
    "name",
    "preRollSeconds",
    "postRollSeconds",
    "cooldownSeconds",
    "maxPerHour",
    "enabled",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("MediaCaptureRule");
    let body = || schema::reference("MediaCaptureRuleBody");
    let settable = settable();
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let events = [
        schema::omittable("source", nullable(schema::choice(EventSource::ALL.map(EventSource::name)))),
        schema::omittable("severity", nullable(schema::choice(SEVERITIES))),
        schema::omittable("deviceId", schema::described(nullable(id()), "Device of the event.")),
        schema::omittable("sensorId", nullable(id())),
    ];
    let list_doc = paged(Doc::new("listMediaCaptureRules", "List capture rules")).answers(
        200,
        "A page of capture rules.",
        page_of("MediaCaptureRule"),
    );
    let create_doc = Doc::new("createMediaCaptureRule", "Create a capture rule")
        .about("It is for new events. What was before an event is held by the recorder of a camera (`dvrUrl`) alone.")
        .body(body())
        .answers(201, "The new rule.", row())
        .with_header("Location", schema::string(), "Path of the rule.");
    let get_doc =
        Doc::new("getMediaCaptureRule", "Get a capture rule").answers(200, "The capture rule.", row());
    let put_doc = Doc::new("replaceMediaCaptureRule", "Replace a capture rule").body(body()).answers(
        200,
        "The capture rule.",
        row(),
    );
    let delete_doc = Doc::new("deleteMediaCaptureRule", "Delete a capture rule")
        .about("Its captures stay.")
        .answers_nothing("The capture rule is deleted.");
    Section {
        name: "Capture rules",
        about: "Which events make cameras record. Without any of its cameras a rule is switched off.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        ],
        schemas: vec![
            ("MediaCaptureRule", schema::view(&shown)),
            ("MediaCaptureRuleBody", schema::body(&settable)),
            ("EventMatch", schema::object(&events)),
        ],
    }
}

fn settable() -> Vec<FieldSchema> {
    vec![
        schema::required("name", schema::text(1, 255)),
        schema::required(
            "cameraIds",
            schema::described(schema::list(id()), "Cameras that record, 1 to 100."),
        ),
        schema::required(
            "match",
            schema::described(schema::reference("EventMatch"), "Events that have all of it."),
        ),
        schema::optional("preRollSeconds", schema::integer(0, 300), 10),
        schema::optional("postRollSeconds", schema::integer(0, 300), 20),
        schema::optional("cooldownSeconds", schema::integer(0, 86_400), 60),
        schema::optional("maxPerHour", schema::integer(1, 3600), 10),
        schema::optional("enabled", schema::boolean(), true),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchView {
    source: Option<String>,
    severity: Option<String>,
    device_id: Option<Uuid>,
    sensor_id: Option<Uuid>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaptureRuleView {
    id: Uuid,
    name: String,
    camera_ids: Vec<Uuid>,
    #[serde(rename = "match")]
    matches: MatchView,
    pre_roll_seconds: i64,
    post_roll_seconds: i64,
    cooldown_seconds: i64,
    max_per_hour: i64,
    enabled: bool,
    created_at: String,
    updated_at: String,
}

fn view(app: &App, who: &Principal, row: &Document) -> Result<CaptureRuleView> {
    let CaptureRule { spec, device, sensor } = app.capture_rule(who, row)?;
    let EventMatch { source, severity, .. } = spec.matches;
    Ok(CaptureRuleView {
        id: row.uuid,
        name: spec.name,
        camera_ids: spec.cameras,
        matches: MatchView { source, severity, device_id: device, sensor_id: sensor },
        pre_roll_seconds: spec.pre_roll_s,
        post_roll_seconds: spec.post_roll_s,
        cooldown_seconds: spec.cooldown_s,
        max_per_hour: spec.max_per_hour,
        enabled: spec.enabled,
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

/// `GET /media-capture-rules`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(SORTABLE)?);
    let rows = app.documents(who, KIND)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "name" => row.name.as_str().into(),
        _ => documents::sort_key(row, property, || view(&app, who, row).ok()),
    };
    let page = page.of(rows, key, |row| row.uuid);
    let content: Result<Vec<_>> = page.content.iter().map(|row| view(&app, who, row)).collect();
    Ok(ok(Page::<CaptureRuleView> { content: content?, page: page.page }))
}

/// `POST /media-capture-rules`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.check_may_change_documents(who, KIND)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let row = app.create_document(who, DocumentSpec::CaptureRule(spec)).await?;
    Ok(created(COLLECTION, row.uuid, view(&app, who, &row)?))
}

/// `GET /media-capture-rules/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&app, &caller.principal, &row)?))
}

/// `PUT /media-capture-rules/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let who = &caller.principal;
    documents::find_to_change(&app, who, KIND, *id)?;
    let spec = read(&app, who, body.fields(&app).await?)?;
    let change = |stored: &mut DocumentSpec| *stored = DocumentSpec::CaptureRule(spec);
    let row = documents::update(&app, who, (KIND, *id), change).await?;
    Ok(ok(view(&app, who, &row)?))
}

fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<CaptureRuleSpec, MkError> {
    let mut spec = CaptureRuleSpec::new(fields.text_or_empty("name").trim());
    fields.required("cameraIds");
    spec.cameras = fields.uuids("cameraIds").unwrap_or_default();
    for (index, camera) in spec.cameras.iter().enumerate().take(100) {
        if app.document(who, DocumentKind::Camera, *camera).is_err() {
            fields.problem(&format!("cameraIds[{index}]"), "does not exist");
        }
    }
    fields.required("match");
    if let Some(mut nested) = fields.nested("match") {
        spec.matches = read_match(app, who, &mut nested);
        fields.absorb(nested);
    }
    for (name, number) in [
        ("preRollSeconds", &mut spec.pre_roll_s),
        ("postRollSeconds", &mut spec.post_roll_s),
        ("cooldownSeconds", &mut spec.cooldown_s),
        ("maxPerHour", &mut spec.max_per_hour),
    ] {
        *number = fields.integer(name).unwrap_or(*number);
    }
    spec.enabled = fields.boolean("enabled").unwrap_or(spec.enabled);
    fields.finish(spec.problems())?;
    Ok(spec)
}

fn read_match(app: &App, who: &Principal, fields: &mut Fields) -> EventMatch {
    let source =
        fields.choice("source", &EventSource::ALL, EventSource::name).map(|source| source.name().to_owned());
    let severity = fields.choice("severity", &SEVERITIES, |name| name).map(str::to_owned);
    let wanted = fields.uuid("deviceId");
    let device = wanted.and_then(|uuid| app.device_by_uuid(who, uuid).ok()).map(|device| device.id);
    if wanted.is_some() && device.is_none() {
        fields.problem("deviceId", "does not exist");
    }
    let wanted = fields.uuid("sensorId");
    let sensor = wanted.and_then(|uuid| app.stream_of_rule(who, uuid).ok());
    if wanted.is_some() && sensor.is_none() {
        fields.problem("sensorId", "does not exist");
    }
    EventMatch { source, severity, device, sensor }
}
