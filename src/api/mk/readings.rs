//! `/readings`: what sensors reported, by time, in buckets and summarised; and the route by which services report them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::reading_document as described;
use super::reading_views::{ReadingView, buckets_view, list_view, summary_view};
use super::wire::ok;
use crate::app::App;
use crate::app::readings::buckets::{BucketFunction, BucketQuery};
use crate::app::readings::list::{
    MAX_ALL_READINGS, MAX_READINGS, PageQuery, ReadingSpan, ReadingsOf, SpanQuery,
};
use crate::app::readings::{ReadingSource, ReceivedReadings};
use crate::domain::document::DocumentKind;
use crate::domain::mk_role::MkPermission;
use crate::domain::{Error, FieldError, Kind, Principal, Result};

const COLLECTION: &str = "/api/v1/readings";
/// Sensors of one batch query.
const MAX_SENSORS: usize = 100;
/// Readings of a list unless the request says how many.
const DEFAULT_LIMIT: i64 = 1000;
/// Length of a window unless the request says it, ISO-8601.
const DEFAULT_WINDOW: &str = "PT1H";
/// Length of buckets unless the request says it, ISO-8601.
const DEFAULT_INTERVAL: &str = "PT5M";
const TITLE: &str = "Sensor";

/// The operations.
pub fn section() -> Section {
    Section {
        name: "Readings",
        about: "Values of sensors. One sensor has one reading at a time: a later one replaces it.",
        endpoints: vec![
            Endpoint::get("/api/v1/readings/sensor/{id}", by_sensor, described::by_sensor()),
            Endpoint::get("/api/v1/readings/sensor/{id}/window", window, described::window()),
            Endpoint::get("/api/v1/readings/sensor/{id}/aggregated", aggregated, described::aggregated()),
            Endpoint::get("/api/v1/readings/sensor/{id}/stats", stats, described::stats()),
            Endpoint::get("/api/v1/readings/sensor/{id}/latest", latest, described::latest()),
            Endpoint::post("/api/v1/readings/batch", batch, described::batch()).needs(MkPermission::Read),
            Endpoint::get("/api/v1/readings/aggregated", aggregated_by_query, described::aggregated_alias()),
            Endpoint::get("/api/v1/readings/stats", stats_by_query, described::stats_alias()),
            Endpoint::get(COLLECTION, list, described::list()),
            Endpoint::post(COLLECTION, receive, described::receive()),
        ],
        schemas: described::schemas(),
    }
}

async fn by_sensor(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, query: Query) -> Answer {
    let (from, to) = query.range(app.now())?;
    let order = query.choice("order", &["asc", "desc"], |name| name)?;
    let limit = query.integer("limit", 1, MAX_READINGS as i64)?.unwrap_or(DEFAULT_LIMIT);
    let newest_first = order == Some("desc");
    let limit = usize::try_from(limit).unwrap_or(MAX_READINGS);
    sensor_list(&caller, &app, *id, SpanQuery { span: ReadingSpan { from, to }, newest_first, limit }).await
}

async fn window(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, query: Query) -> Answer {
    let duration = query.text("duration").unwrap_or(DEFAULT_WINDOW);
    let span = ReadingSpan::window(duration, app.now()).map_err(parameter_error)?;
    let limit = usize::try_from(DEFAULT_LIMIT).unwrap_or(MAX_READINGS);
    let limit = query.integer("limit", 1, MAX_READINGS as i64)?.map_or(limit, |limit| limit as usize);
    let newest_first = query.choice("order", &["asc", "desc"], |name| name)? == Some("desc");
    sensor_list(&caller, &app, *id, SpanQuery { span, newest_first, limit }).await
}

async fn sensor_list(caller: &MkCaller, app: &App, sensor: Uuid, query: SpanQuery) -> Answer {
    let found = app.readings.sensor_readings(&caller.principal, sensor, query).await;
    let found = found.map_err(|error| MkError::named(error, TITLE, sensor))?;
    Ok(ok(list_view(sensor, query.span, found)))
}

async fn aggregated(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, query: Query) -> Answer {
    sensor_buckets(&caller, &app, *id, &query).await
}

async fn aggregated_by_query(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    sensor_buckets(&caller, &app, sensor_of(&query)?, &query).await
}

async fn sensor_buckets(caller: &MkCaller, app: &App, sensor: Uuid, query: &Query) -> Answer {
    let required = |name| query.time(name)?.ok_or_else(|| MkError::invalid_parameter(name));
    let span = ReadingSpan::new(Some(required("from")?), Some(required("to")?), app.now());
    let span = span.map_err(parameter_error)?;
    let interval = query.text("interval").unwrap_or(DEFAULT_INTERVAL).to_owned();
    let functions = query.text("functions").map(|names| BucketFunction::parse_all(names.split(',')));
    let functions = functions.transpose().map_err(parameter_error)?;
    let query = BucketQuery { span, interval, functions };
    let found = app.readings.sensor_buckets(&caller.principal, sensor, query.clone()).await;
    let found = found.map_err(|error| match error.kind {
        Kind::NotFound => MkError::named(error, TITLE, sensor),
        _ => parameter_error(error),
    })?;
    Ok(ok(buckets_view(sensor, &query.interval, &found)))
}

async fn stats(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, query: Query) -> Answer {
    sensor_stats(&caller, &app, *id, &query).await
}

async fn stats_by_query(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    sensor_stats(&caller, &app, sensor_of(&query)?, &query).await
}

async fn sensor_stats(caller: &MkCaller, app: &App, sensor: Uuid, query: &Query) -> Answer {
    let (from, to) = query.range(app.now())?;
    let span = ReadingSpan { from, to };
    let found = app.readings.sensor_summary(&caller.principal, sensor, span).await;
    let found = found.map_err(|error| MkError::named(error, TITLE, sensor))?;
    Ok(ok(summary_view(sensor, span, &found)))
}

async fn latest(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.readings.latest_sensor_reading(&caller.principal, *id).await;
    let found = found.map_err(|error| MkError::named(error, TITLE, *id))?;
    let none = || Error::new(Kind::NotFound, format!("No reading for sensor {}", *id));
    Ok(ok(ReadingView::from(found.ok_or_else(none)?)))
}

async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (of, title, id) = if let Some(id) = query.uuid("sensorId")? {
        (ReadingsOf::Sensor(id), TITLE, id)
    } else if let Some(id) = query.uuid("componentId")? {
        (ReadingsOf::Component(id), "Component", id)
    } else if let Some(id) = query.uuid("deviceId")? {
        (ReadingsOf::Device(id), "Device", id)
    } else {
        return Err(MkError::invalid_parameter("sensorId"));
    };
    let named = (query.uuid("componentId")?, query.uuid("deviceId")?);
    let (from, to) = query.range(app.now())?;
    let page = query.page(&["timestamp"])?;
    let newest_first = page.sort.first().is_none_or(|order| order.is_descending);
    let span = ReadingSpan { from, to };
    let wanted = PageQuery { span, newest_first, offset: page.offset(), limit: page.size };
    let is_of_named = is_of(&app, &caller.principal, &of, named);
    if !is_of_named.map_err(|error| MkError::named(error, title, id))? {
        return Ok(ok(page.page(Vec::<ReadingView>::new(), 0)));
    }
    let found = app.readings.readings_page(&caller.principal, &of, wanted).await;
    let found = found.map_err(|error| MkError::named(error, title, id))?;
    let total = usize::try_from(found.total).unwrap_or(usize::MAX);
    Ok(ok(page.page(found.rows, total).map(ReadingView::from)))
}

/// Whether the sensor or component of a list is of the component and the device that the request names as well.
fn is_of(
    app: &App,
    who: &Principal,
    of: &ReadingsOf,
    (component, device): (Option<Uuid>, Option<Uuid>),
) -> Result<bool> {
    let is_named = |named: Option<Uuid>, own: Option<Uuid>| named.is_none() || named == own;
    match *of {
        ReadingsOf::Sensor(id) if component.is_some() || device.is_some() => {
            let sensor = app.mk.sensors.sensor(who, id)?;
            let own = sensor.component.as_ref().map(|row| row.uuid);
            Ok(is_named(component, own) && is_named(device, Some(sensor.device)))
        }
        ReadingsOf::Component(id) if device.is_some() => {
            let row = app.documents.document(who, DocumentKind::Component, id)?;
            let own = row.spec.device().map(|id| app.devices.device(who, id)).transpose()?;
            Ok(is_named(device, own.map(|device| device.aliases.uuid)))
        }
        ReadingsOf::Sensor(_) | ReadingsOf::Component(_) | ReadingsOf::Device(_) => Ok(true),
    }
}

/// A query about several sensors.
struct BatchQuery {
    sensors: Vec<Uuid>,
    span: ReadingSpan,
    limit: usize,
    aggregation: Option<BucketQuery>,
}

async fn batch(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let query = read_batch(body.fields(&app).await?, &app)?;
    let (mut results, mut missing, mut left) = (Vec::new(), Vec::new(), MAX_ALL_READINGS);
    for sensor in query.sensors {
        let result = match &query.aggregation {
            Some(wanted) => {
                let found = app.readings.sensor_buckets(&caller.principal, sensor, wanted.clone()).await;
                found.map(|found| buckets_view(sensor, &wanted.interval, &found))
            }
            None => {
                let limit = query.limit.min(left);
                let wanted = SpanQuery { span: query.span, newest_first: false, limit };
                let found = app.readings.sensor_readings(&caller.principal, sensor, wanted).await;
                found.map(|found| {
                    left -= found.rows.len().min(left);
                    list_view(sensor, query.span, found)
                })
            }
        };
        match result {
            Ok(view) => results.push(view),
            Err(error) if error.kind == Kind::NotFound => missing.push(sensor),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ok(json!({"results": results, "missing": missing})))
}

fn read_batch(mut fields: Fields, app: &App) -> Result<BatchQuery, MkError> {
    fields.required("sensorIds");
    let sensors = fields.uuids("sensorIds");
    let has_size = sensors.as_ref().is_none_or(|sensors| (1..=MAX_SENSORS).contains(&sensors.len()));
    let size = FieldError::new("sensorIds", format!("size must be between 1 and {MAX_SENSORS}"));
    let (from, to) = (fields.time("from"), fields.time("to"));
    let limit = fields.integer("limit").unwrap_or(DEFAULT_LIMIT);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=MAX_READINGS).contains(limit));
    if limit.is_none() {
        fields.problem("limit", format!("must be between 1 and {MAX_READINGS}"));
    }
    let span = match ReadingSpan::new(from, to, app.now()) {
        Ok(span) => Some(span),
        Err(error) => {
            error.fields.into_iter().for_each(|problem| fields.problem("from", problem.message));
            None
        }
    };
    let aggregation = fields.nested("aggregation").map(|mut nested| {
        let interval = nested.text_or_empty("interval");
        if interval.is_empty() {
            nested.problem("interval", "must not be blank");
        }
        let names = nested.texts("functions");
        let functions = names.map(|names| BucketFunction::parse_all(names.iter().map(String::as_str)));
        let functions = match functions.transpose() {
            Ok(functions) => functions,
            Err(error) => {
                error.fields.into_iter().for_each(|problem| nested.problem("functions", problem.message));
                None
            }
        };
        fields.absorb(nested);
        (interval, functions)
    });
    fields.finish(if has_size { Vec::new() } else { vec![size] })?;
    // All are there, or `finish` has told what is wrong with them.
    let (Some(sensors), Some(span), Some(limit)) = (sensors, span, limit) else {
        return Err(MkError::malformed_body());
    };
    let aggregation = aggregation.map(|(interval, functions)| BucketQuery { span, interval, functions });
    Ok(BatchQuery { sensors, span, limit, aggregation })
}

async fn receive(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let body = body.bytes(&app).await?;
    let principal = &caller.principal;
    let source = ReadingSource { principal, device: None, topic: COLLECTION, is_answered: true };
    let ReceivedReadings { accepted, duplicates, quarantined } =
        app.readings.receive_readings(&source, &body).await?;
    let counts: Value = json!({"accepted": accepted, "duplicates": duplicates, "quarantined": quarantined});
    Ok((StatusCode::ACCEPTED, Json(counts)).into_response())
}

fn sensor_of(query: &Query) -> Result<Uuid, MkError> {
    query.uuid("sensorId")?.ok_or_else(|| MkError::invalid_parameter("sensorId"))
}

/// Names the parameter whose value is wrong; other errors stay as they are.
fn parameter_error(error: Error) -> MkError {
    match error.fields.first().map(|problem| problem.field.clone()) {
        Some(field) if error.kind == Kind::Invalid => MkError::invalid_parameter(&field),
        _ => error.into(),
    }
}
