//! `/events`: the event log of the organization, alerts among them.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Map;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::event_row::{EVENT_TITLE, EventRow, PAYLOAD, TIMESTAMP, TYPE, view};
use super::noun::schemas;
use super::openapi_document::{id, page_of, paged};
use super::page::PageRequest;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::row_filter::RowFilter;
use super::wire::{created, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::app::alert::events::new_event_problems;
use crate::app::fields::shown::ShownRow;
use crate::domain::alert::{AlertLifecycle, Severity};
use crate::domain::event::{EventFilter, EventOrder, EventSource, EventSpec};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Error, Micros, Principal, StreamId};

const COLLECTION: &str = "/api/v1/events";
const TITLE: &str = "Event";
const SORTABLE: &[&str] = &["createdAt", "timestamp", "source", "type", "severity", "title"];
/// Sources of events that callers create.
const GIVEN_SOURCES: [EventSource; 2] = [EventSource::User, EventSource::Device];

/// The operations.
pub fn section() -> Section {
    let event = || schema::reference("Event");
    let list_doc = paged(Doc::new("listEvents", "List events"))
        .query("source", schema::choice_of::<EventSource>(), "Only events of this source.")
        .query("severity", schema::choice_of::<Severity>(), "Only events of this severity.")
        .query("deviceId", id(), "Only events of this device.")
        .query("sensorId", id(), "Only events of this sensor.")
        .query("type", schema::string(), "Only events of this type.")
        .query("from", schema::time_input(), "First time of an event.")
        .query("to", schema::time_input(), "End, which is not included.")
        .answers(200, "A page of events.", page_of("Event"));
    let create_doc = Doc::new("createEvent", "Create an event")
        .body(schema::reference("EventBody"))
        .answers(201, "The event that was created.", event())
        .with_header("Location", schema::string(), "Path of the event.");
    let lifecycle_doc = Doc::new("getEventLifecycle", "Get the lifecycle of an event")
        .about("Only alerts have one.")
        .answers(200, "State of the alert, with its steps.", schema::reference("EventLifecycle"));
    Section {
        name: "Events",
        about: "The event log: alerts, what people and devices tell, and what the server noticed. The event log of the \
                other interfaces shows the same events.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(
                "/api/v1/events/{id}",
                one,
                Doc::new("getEvent", "Get an event").answers(200, "The event as it is stored.", event()),
            ),
            Endpoint::get("/api/v1/events/{id}/lifecycle", lifecycle, lifecycle_doc),
        ],
        schemas: vec![
            schemas::view::<EventRow>("Event"),
            ("EventBody", schema::body(&described_body())),
            schemas::view::<AlertLifecycle>("EventLifecycle"),
        ],
    }
}

fn described_body() -> Vec<FieldSchema> {
    let source = schema::choice(GIVEN_SOURCES.map(EventSource::name));
    vec![
        schema::required("type", schema::described(schema::pattern("^[A-Za-z0-9_-]{1,32}$"), TYPE)),
        schema::required("severity", schema::choice_of::<Severity>()),
        schema::required("title", schema::described(schema::text(1, 255), EVENT_TITLE)),
        schema::optional("source", source, EventSource::User.name()),
        schema::omittable("deviceId", nullable(id())),
        schema::omittable("sensorId", nullable(id())),
        schema::omittable("timestamp", schema::described(nullable(schema::time_input()), TIMESTAMP)),
        schema::optional("payload", schema::described(schema::map(), PAYLOAD), Map::new()),
    ]
}

/// Reads what lists of events and of alerts have in common: severity, range, page and order.
pub fn event_filter(
    query: &Query,
    page: &PageRequest,
    sorted: impl Fn(&str) -> EventOrder,
) -> Result<EventFilter, MkError> {
    let severity = query.choice("severity", &Severity::ALL, Severity::name)?;
    let (from, to) = (query.time("from")?, query.time("to")?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(MkError::invalid_parameter("from"));
    }
    let mut orders: Vec<(EventOrder, bool)> = Vec::new();
    for order in &page.sort {
        let key = sorted(order.property);
        if orders.iter().all(|(known, _)| *known != key) {
            orders.push((key, order.is_descending));
        }
    }
    let mut orders = orders.into_iter();
    let (order, newest_first) = orders.next().unwrap_or((EventOrder::Creation, true));
    Ok(EventFilter {
        levels: severity.map(Severity::levels),
        from,
        // The range of the filter includes its end.
        to: to.map(|to| Micros(to.0.saturating_sub(1))),
        order,
        newest_first,
        then_by: orders.collect(),
        page: Pagination { offset: page.offset(), limit: page.size },
        ..EventFilter::default()
    })
}

/// The device that a list is filtered by.
pub fn device_of(app: &App, principal: &Principal, query: &Query) -> Result<RowFilter<DeviceId>, MkError> {
    let find = |uuid| app.devices.device_by_uuid(principal, uuid).map(|device| device.id);
    Ok(RowFilter::find(query.uuid("deviceId")?, find)?)
}

/// The stream of the sensor that a list is filtered by.
pub fn stream_of(app: &App, principal: &Principal, query: &Query) -> Result<RowFilter<StreamId>, MkError> {
    let find = |uuid| app.alerts.watched_stream(principal, uuid);
    Ok(RowFilter::find(query.uuid("sensorId")?, find)?)
}

/// `GET /events`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let sorted = |property: &str| match property {
        "timestamp" => EventOrder::Time,
        "severity" => EventOrder::Severity,
        "source" => EventOrder::Source,
        "type" => EventOrder::Kind,
        "title" => EventOrder::Message,
        _ => EventOrder::Creation,
    };
    let filter = event_filter(&query, &page, sorted)?;
    let source = query.choice("source", &EventSource::ALL, EventSource::name)?;
    let kinds = query.text("type").map(|kind| vec![kind.to_owned()]);
    let device = device_of(&app, &caller.principal, &query)?;
    let stream = stream_of(&app, &caller.principal, &query)?;
    // What does not exist has no events.
    if device.is_unknown() || stream.is_unknown() {
        return Ok(ok(page.page(Vec::<ShownRow>::new(), 0)));
    }
    let (device, stream) = (device.row(), stream.row());
    let filter = EventFilter { source, kinds, device, stream, ..filter };
    let (events, total) = app.events.shown_events(&caller.principal, filter).await?;
    Ok(ok(page.page(events, total).map(view)))
}

/// `POST /events`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.events.check_may_create_events(&caller.principal)?;
    let (source, spec) = read(body.fields(&app).await?, &app, &caller.principal)?;
    let event = app.events.create_shown_event(&caller.principal, source, spec).await?;
    Ok(created(COLLECTION, event.event.uuid, view(event)))
}

/// `GET /events/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.events.shown_event(&caller.principal, *id).await;
    Ok(ok(view(found.map_err(|error| MkError::named(error, TITLE, *id))?)))
}

/// `GET /events/{id}/lifecycle`.
async fn lifecycle(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.events.shown_event(&caller.principal, *id).await;
    let alert = found.and_then(|found| found.event.alert.ok_or_else(Error::not_found));
    let alert = alert.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(ok(ShownRow::new(alert.lifecycle)))
}

fn read(mut fields: Fields, app: &App, principal: &Principal) -> Result<(EventSource, EventSpec), MkError> {
    let source = fields.choice("source", &GIVEN_SOURCES, EventSource::name).unwrap_or_default();
    let severity = fields.required_choice("severity", &Severity::ALL, Severity::name).unwrap_or_default();
    let (device, sensor) = (fields.uuid("deviceId"), fields.uuid("sensorId"));
    let device = device.map(|uuid| app.devices.device_by_uuid(principal, uuid).map(|device| device.id));
    if matches!(device, Some(Err(_))) {
        fields.problem("deviceId", "does not exist");
    }
    let stream = sensor.map(|uuid| app.alerts.watched_stream(principal, uuid));
    if matches!(stream, Some(Err(_))) {
        fields.problem("sensorId", "does not exist");
    }
    let now = app.events.blank_event();
    let spec = EventSpec {
        device: device.and_then(Result::ok),
        stream: stream.and_then(Result::ok),
        kind: fields.text_or_empty("type"),
        level: severity.level(),
        ts: fields.time("timestamp").unwrap_or(now.ts),
        message: fields.text_or_empty("title"),
        payload: fields.object("payload").unwrap_or_default(),
        ..now
    };
    fields.finish(new_event_problems(&spec))?;
    Ok((source, spec))
}
