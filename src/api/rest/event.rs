//! `/api/event-log/`: events, and extraction of elements from the page at an event's URL.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::StreamExt;
use serde::Serialize;
use serde_json::{Map, Value};

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::domain::Resource;
use crate::domain::event::{Event, EventFilter, Level, MAX_ACKNOWLEDGED, MAX_NOTE};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, EventId, Result, StreamId};

/// Routes, documentation and schemas of the event log.
pub fn section() -> Section {
    let (one, body, patch) =
        (schema::reference("Event"), schema::reference("NewEvent"), schema::reference("EventChange"));
    let create = Doc::new("event_log_create", "Create an event").body(body.clone());
    let replace =
        Doc::new("event_log_replace", "Replace an event; absent fields get their defaults").body(body);
    let update = Doc::new("event_log_update", "Change the given fields of an event").body(patch);
    let destroy = Doc::new("event_log_delete", "Delete an event").answers_nothing("The event was deleted");
    let process = Doc::new("event_log_process", "Fetch the URL of an event and extract matching elements")
        .about("The result is also stored in the event, as `payload.processed`.")
        .body_if_any(schema::reference("Wanted"))
        .answers(200, "The elements found", schema::reference("Processed"));
    let right = RequiredAccess::Scope(Resource::EventLog);
    Section {
        name: "Event log",
        about: "Events: occurrences other than readings.",
        routes: vec![
            Route::gated("/api/event-log", right)
                .get(self::list, list_doc(one.clone()))
                .post(self::create, create.answers(201, "The new event", one.clone())),
            Route::gated("/api/event-log/acknowledge", right).post(self::acknowledge, acknowledge_doc()),
            Route::gated("/api/event-log/{id}", right)
                .get(
                    retrieve,
                    Doc::new("event_log_get", "Get an event").answers(
                        200,
                        "The requested event",
                        one.clone(),
                    ),
                )
                .put(self::update, replace.answers(200, "The replaced event", one.clone()))
                .patch(self::update, update.answers(200, "The changed event", one))
                .delete(self::destroy, destroy),
            Route::gated("/api/event-log/{id}/process", right)
                .post(self::process, process.refuses(502).refuses(504)),
        ],
        schemas: vec![
            ("Event", schema::view(&described())),
            ("NewEvent", schema::body(&described())),
            ("EventChange", schema::patch(&described())),
            ("Acknowledgement", schema::body(&described_acknowledgement())),
            (
                "AcknowledgedEvents",
                schema::view(&[read_only("acknowledged", schema::list(schema::row_id()))]),
            ),
            ("Wanted", schema::body(&described_process_request())),
            ("Processed", schema::view(&described_process_result())),
        ],
    }
}

fn list_doc(one: ValueSchema) -> Doc {
    Doc::new("event_log_list", "List events, newest first")
        .query("device", schema::row_id(), "Only events of this device.")
        .query("kind", schema::string(), "Only events of these kinds, comma-separated.")
        .query("level", schema::choice_of::<Level>(), "Only events of exactly this level.")
        .query("level_at_least", schema::choice_of::<Level>(), "Only events of this level and above.")
        .query("acknowledged", schema::boolean(), "Only events that are acknowledged, or that are not.")
        .query(
            "search",
            schema::string(),
            "Only events whose message contains this text, in any case of ASCII letters.",
        )
        .range()
        .answers(200, "The events visible to the caller", schema::list(one))
}

fn acknowledge_doc() -> Doc {
    Doc::new("event_log_acknowledge", "Acknowledge up to 1,000 events, all or none")
        .about("Events that are acknowledged already stay as they are.")
        .body(schema::reference("Acknowledgement"))
        .answers(200, "The events that were not acknowledged before", schema::reference("AcknowledgedEvents"))
}

fn described() -> Vec<FieldSchema> {
    vec![
        read_only("id", schema::row_id()),
        optional("device", schema::nullable(schema::row_id()), Value::Null),
        optional("data", schema::nullable(schema::row_id()), Value::Null),
        required("kind", schema::pattern("^[A-Za-z0-9_-]{1,32}$")),
        optional("level", schema::choice_of::<Level>(), "info"),
        omittable("timestamp", schema::time_input()).returned_as(schema::time()),
        optional("message", schema::text(0, 4000), ""),
        optional("url", schema::text(0, 2000), ""),
        optional("payload", schema::map(), Map::new()),
        omittable("acknowledged", schema::boolean()),
        omittable("note", schema::nullable(schema::text(0, MAX_NOTE))),
        read_only("acknowledged_at", schema::nullable(schema::time())),
        read_only("acknowledged_by", schema::nullable(schema::string())),
        read_only("created_at", schema::time()),
    ]
}

fn described_acknowledgement() -> Vec<FieldSchema> {
    let ids = schema::list_of(schema::row_id(), 1, MAX_ACKNOWLEDGED);
    vec![required("ids", ids), omittable("note", schema::nullable(schema::text(0, MAX_NOTE)))]
}

fn described_process_request() -> Vec<FieldSchema> {
    vec![
        optional("selector", schema::nullable(schema::string()), Value::Null),
        optional("attr", schema::nullable(schema::string()), Value::Null),
    ]
}

fn described_process_result() -> Vec<FieldSchema> {
    vec![
        read_only("id", schema::row_id()),
        read_only("url", schema::string()),
        read_only("status", schema::integer(100, 599)),
        read_only("content_type", schema::nullable(schema::string())),
        read_only("selector", schema::nullable(schema::string())),
        read_only("attr", schema::nullable(schema::string())),
        read_only("results", schema::list(schema::string())),
    ]
}

/// `GET /api/event-log`: the visible events, newest first; of a time range oldest first.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let events = app.events.events(&caller, parse_filter(raw.as_deref())?)?;
    Ok(array::respond(events.map(|events| Ok(events_to_json(events?))).boxed()).await?)
}

/// `POST /api/event-log`: stores an event; its time is now unless given.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<EventView>), RestError> {
    let event = app.events.create_event_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(event.into())))
}

/// `GET /api/event-log/{id}`: one event.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
) -> Result<Json<EventView>, RestError> {
    Ok(Json(app.events.event(&caller, id).await?.into()))
}

/// `PUT /api/event-log/{id}` replaces all fields; absent ones get their defaults. `PATCH` changes the given fields.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
    body: DeferredJson,
) -> Result<Json<EventView>, RestError> {
    app.events.event_to_change(&caller, id).await?;
    let fields = body.change().await?;
    Ok(Json(app.events.update_event_from_fields(&caller, id, fields).await?.into()))
}

/// `DELETE /api/event-log/{id}`: deletes the event.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
) -> Result<StatusCode, RestError> {
    app.events.delete_event(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/event-log/acknowledge`: acknowledges the events of a list, all or none.
pub async fn acknowledge(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<Json<AcknowledgedView>, RestError> {
    let fields = body.fields(ReadMode::Whole).await?;
    let acknowledged = app.events.acknowledge_events_from_fields(&caller, fields).await?;
    Ok(Json(AcknowledgedView { acknowledged }))
}

/// `POST /api/event-log/{id}/process`: fetches the event's URL and stores the elements found in its payload.
pub async fn process(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
    body: DeferredJson,
) -> Result<Json<Map<String, Value>>, RestError> {
    app.events.event_to_change(&caller, id).await?;
    let fields = body.fields(ReadMode::Whole).await?;
    let (_, processed) = app.events.process_event_from_fields(&caller, id, fields).await?;
    Ok(Json(processed.to_map(id)))
}

fn parse_filter(raw: Option<&str>) -> Result<EventFilter> {
    let mut query = QueryParams::parse(raw);
    let (device, range) = (query.row_id("device").map(DeviceId), query.range());
    let (level, least) = (query.choice("level"), query.choice("level_at_least"));
    let (acknowledged, text) = (query.boolean("acknowledged"), query.text("search").map(str::to_owned));
    let kinds = query.text("kind").map(|list| list.split(',').map(|kind| kind.trim().to_owned()).collect());
    query.finish()?;
    Ok(EventFilter {
        device,
        level,
        levels: least.map(Level::and_above),
        acknowledged,
        text,
        kinds,
        from: range.from,
        to: range.to,
        newest_first: !range.is_bounded(),
        page: Pagination { offset: range.offset, limit: range.limit.unwrap_or(usize::MAX) },
        ..EventFilter::default()
    })
}

/// Writes events as comma-separated JSON objects.
fn events_to_json(events: Vec<Event>) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        if !out.is_empty() {
            out.push(b',');
        }
        let view = EventView::from(event);
        serde_json::to_writer(&mut out, &view).expect("texts and JSON always serialise");
    }
    out
}

/// The events that were not acknowledged before.
#[derive(Debug, Serialize)]
pub struct AcknowledgedView {
    /// Row ids, ascending.
    acknowledged: Vec<EventId>,
}

/// An event in a response.
#[derive(Debug, Serialize)]
pub struct EventView {
    id: EventId,
    device: Option<DeviceId>,
    data: Option<StreamId>,
    kind: String,
    level: &'static str,
    timestamp: String,
    message: String,
    url: String,
    payload: Map<String, Value>,
    acknowledged: bool,
    note: Option<String>,
    acknowledged_at: Option<String>,
    acknowledged_by: Option<String>,
    created_at: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let spec = event.spec;
        Self {
            id: event.id,
            device: spec.device,
            data: spec.stream,
            kind: spec.kind,
            level: spec.level.name(),
            timestamp: spec.ts.to_iso(),
            message: spec.message,
            url: spec.url,
            payload: spec.payload,
            acknowledged: spec.acknowledged,
            note: spec.note,
            acknowledged_at: event.acknowledged_at.map(|at| at.to_iso()),
            acknowledged_by: event.acknowledged_by,
            created_at: event.created_at.to_iso(),
        }
    }
}
