//! `/api/event-log/`: what happened apart from the readings, and what an event's URL has to say.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::StreamExt;
use serde::Serialize;
use serde_json::{Map, Value};

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, possible, required, shown};
use crate::app::App;
use crate::app::event::{ProcessRequest, Processed};
use crate::domain::Resource;
use crate::domain::event::Level;
use crate::domain::event::{Event, EventFilter, EventSpec};
use crate::domain::page::Page;
use crate::domain::{DeviceId, EventId, Principal, Result, StreamId};

pub fn section() -> Section {
    let (one, body, patch) = (shape::named("Event"), shape::named("NewEvent"), shape::named("EventChange"));
    let list = Doc::new("event_log_list", "Events, newest first")
        .query("device", shape::row(), "Of this device.")
        .query("kind", shape::words(), "Of this kind, or of one of these, with commas between them.")
        .range()
        .answers(200, "Those the caller sees", shape::list(one.clone()));
    let create = Doc::new("event_log_create", "A new event").body(body.clone());
    let replace = Doc::new("event_log_replace", "Replaces it; absent fields get their defaults").body(body);
    let update = Doc::new("event_log_update", "Changes the fields that are given").body(patch);
    let destroy = Doc::new("event_log_delete", "Deletes it").answers_nothing("It is gone");
    let process = Doc::new("event_log_process", "Fetches the event's URL and finds what is wanted in it")
        .about("The answer is also kept in the event, as `payload.processed`.")
        .body_if_any(shape::named("Wanted"))
        .answers(200, "What was found", shape::named("Processed"));
    let right = Right::Scope(Resource::EventLog);
    Section {
        name: "Event log",
        about: "What happened apart from the readings.",
        routes: vec![
            Route::gated("/api/event-log", right)
                .get(self::list, list)
                .post(self::create, create.answers(201, "As stored", one.clone())),
            Route::gated("/api/event-log/{id}", right)
                .get(retrieve, Doc::new("event_log_get", "One event").answers(200, "It", one.clone()))
                .put(self::replace, replace.answers(200, "As stored", one.clone()))
                .patch(self::update, update.answers(200, "As stored", one))
                .delete(self::destroy, destroy),
            Route::gated("/api/event-log/{id}/process", right)
                .post(self::process, process.refuses(502).refuses(504)),
        ],
        schemas: vec![
            ("Event", shape::view(&described())),
            ("NewEvent", shape::body(&described())),
            ("EventChange", shape::patch(&described())),
            ("Wanted", shape::body(&described_wish())),
            ("Processed", shape::view(&described_finding())),
        ],
    }
}

fn described() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        optional("device", shape::or_null(shape::row()), Value::Null),
        optional("data", shape::or_null(shape::row()), Value::Null),
        required("kind", shape::pattern("^[A-Za-z0-9_-]{1,32}$")),
        optional("level", shape::choice(Level::ALL.map(Level::name)), "info"),
        possible("timestamp", shape::time_given()).shown_as(shape::time()),
        optional("message", shape::text(0, 4000), ""),
        optional("url", shape::text(0, 2000), ""),
        optional("payload", shape::map(), Map::new()),
        shown("created_at", shape::time()),
    ]
}

fn described_wish() -> Vec<Field> {
    vec![
        optional("selector", shape::or_null(shape::words()), Value::Null),
        optional("attr", shape::or_null(shape::words()), Value::Null),
    ]
}

fn described_finding() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        shown("url", shape::words()),
        shown("status", shape::integer(100, 599)),
        shown("content_type", shape::or_null(shape::words())),
        shown("selector", shape::or_null(shape::words())),
        shown("attr", shape::or_null(shape::words())),
        shown("results", shape::list(shape::words())),
    ]
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let events = app.events(&caller, parse_filter(raw.as_deref())?)?;
    Ok(array::respond(events.map(|events| Ok(written(events?))).boxed()).await?)
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<EventView>), RestError> {
    let event = make(&app, &caller, body.fields(Mode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(event.into())))
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
) -> Result<Json<EventView>, RestError> {
    Ok(Json(app.event(&caller, id).await?.into()))
}

pub async fn replace(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
    body: Unread,
) -> Result<Json<EventView>, RestError> {
    app.event_to_change(&caller, id).await?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut spec = app.blank_event();
    read_onto(&mut fields, &mut spec);
    fields.finish(app.event_problems(&caller, &spec))?;
    // Whether somebody acknowledged it is no field here.
    let put = |stored: &mut EventSpec| {
        let acknowledged = stored.acknowledged;
        *stored = EventSpec { acknowledged, ..spec };
    };
    Ok(Json(app.update_event(&caller, id, put).await?.into()))
}

pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
    body: Unread,
) -> Result<Json<EventView>, RestError> {
    app.event_to_change(&caller, id).await?;
    let event = change(&app, &caller, id, body.fields(Mode::Partial).await?, None).await?;
    Ok(Json(event.into()))
}

pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
) -> Result<StatusCode, RestError> {
    app.delete_event(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn process(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<EventId>,
    body: Unread,
) -> Result<Json<Map<String, Value>>, RestError> {
    app.event_to_change(&caller, id).await?;
    let (_, processed) = look(&app, &caller, id, body.fields(Mode::Whole).await?).await?;
    Ok(Json(processed.to_map(id)))
}

fn parse_filter(raw: Option<&str>) -> Result<EventFilter> {
    let mut query = Query::parse(raw);
    let (device, range) = (query.row("device").map(DeviceId), query.range());
    let kinds = query.text("kind").map(|list| list.split(',').map(|kind| kind.trim().to_owned()).collect());
    query.finish()?;
    Ok(EventFilter {
        device,
        stream: None,
        level: None,
        kinds,
        from: range.from,
        to: range.to,
        newest_first: !range.is_bounded(),
        after: None,
        page: Page { offset: range.offset, limit: range.limit.unwrap_or(usize::MAX) },
    })
}

/// A new event of the fields of a body.
pub(in crate::api) async fn make(app: &App, who: &Principal, mut fields: Fields) -> Result<Event> {
    let mut spec = app.blank_event();
    read_onto(&mut fields, &mut spec);
    fields.finish(app.event_problems(who, &spec))?;
    app.create_event(who, spec).await
}

/// Changes the fields of an event that are given, and whether somebody has taken note of it.
pub(in crate::api) async fn change(
    app: &App,
    who: &Principal,
    id: EventId,
    patch: Fields,
    acknowledged: Option<bool>,
) -> Result<Event> {
    let current = app.event_to_change(who, id).await?;
    let (mut fields, mut tried) = (patch.clone(), current.spec);
    read_onto(&mut fields, &mut tried);
    fields.finish(app.event_problems(who, &tried))?;
    // Merged again onto what is stored by then: two updates of different fields must both last.
    let merge = move |stored: &mut EventSpec| {
        read_onto(&mut patch.clone(), stored);
        stored.acknowledged = acknowledged.unwrap_or(stored.acknowledged);
    };
    app.update_event(who, id, merge).await
}

/// Fetches what an event points at and finds what the fields of a body ask for.
pub(in crate::api) async fn look(
    app: &App,
    who: &Principal,
    id: EventId,
    mut fields: Fields,
) -> Result<(Event, Processed)> {
    let event = app.event_to_change(who, id).await?;
    let mut request = ProcessRequest::default();
    fields.text_or_null("selector", &mut request.selector);
    fields.text_or_null("attr", &mut request.attr);
    fields.finish(app.process_problems(&event, &request))?;
    app.process_event(who, id, request).await
}

fn read_onto(fields: &mut Fields, spec: &mut EventSpec) {
    fields.row_or_null("device", DeviceId, &mut spec.device);
    fields.row_or_null("data", StreamId, &mut spec.stream);
    fields.text("kind", Need::Required, &mut spec.kind);
    fields.choice("level", Need::Optional, &mut spec.level);
    if let Some(ts) = fields.timestamp("timestamp") {
        spec.ts = ts;
    }
    fields.text("message", Need::Optional, &mut spec.message);
    fields.text("url", Need::Optional, &mut spec.url);
    fields.object("payload", &mut spec.payload);
}

/// Events as JSON objects with commas between them.
fn written(events: Vec<Event>) -> Vec<u8> {
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
            created_at: event.created_at.to_iso(),
        }
    }
}
