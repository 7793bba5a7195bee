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
use super::query::Query;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::app::event::ProcessRequest;
use crate::domain::event::{Event, EventFilter, EventSpec};
use crate::domain::page::Page;
use crate::domain::{DeviceId, EventId, Result, StreamId};

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
    let mut fields = body.fields(Mode::Whole).await?;
    let mut spec = app.blank_event();
    read_onto(&mut fields, &mut spec);
    fields.finish(app.event_problems(&caller, &spec))?;
    let event = app.create_event(&caller, spec).await?;
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
    let current = app.event_to_change(&caller, id).await?;
    let patch = body.fields(Mode::Partial).await?;
    let (mut fields, mut tried) = (patch.clone(), current.spec);
    read_onto(&mut fields, &mut tried);
    fields.finish(app.event_problems(&caller, &tried))?;
    // Merged again onto what is stored by then: two updates of different fields must both last.
    let merge = move |stored: &mut EventSpec| read_onto(&mut patch.clone(), stored);
    Ok(Json(app.update_event(&caller, id, merge).await?.into()))
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
    let event = app.event_to_change(&caller, id).await?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut request = ProcessRequest::default();
    fields.text_or_null("selector", &mut request.selector);
    fields.text_or_null("attr", &mut request.attr);
    fields.finish(app.process_problems(&event, &request))?;
    Ok(Json(app.process_event(&caller, id, &request).await?))
}

fn parse_filter(raw: Option<&str>) -> Result<EventFilter> {
    let mut query = Query::parse(raw);
    let (device, range) = (query.row("device").map(DeviceId), query.range());
    let kinds = query.text("kind").map(|list| list.split(',').map(|kind| kind.trim().to_owned()).collect());
    query.finish()?;
    Ok(EventFilter {
        device,
        kinds,
        from: range.from,
        to: range.to,
        newest_first: !range.is_bounded(),
        after: None,
        page: Page { offset: range.offset, limit: range.limit.unwrap_or(usize::MAX) },
    })
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
