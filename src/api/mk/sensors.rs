//! `/sensors`: the streams of devices, each under a key.

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
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::mk::sensor::{Sensor, SensorFilter, SensorSpec};
use crate::domain::document::ValueType;
use crate::domain::reading::Reading;
use crate::domain::stream::AccessMode;
use crate::domain::{Error, FieldError, Resource, Scope};

const COLLECTION: &str = "/api/v1/sensors";
const ONE: &str = "/api/v1/sensors/{id}";
const TITLE: &str = "Sensor";
const SORTABLE: &[&str] = &[
    "createdAt",
    "updatedAt",
    "name",
    "key",
    "valueType",
    "unit",
    "lastReadingAt",
    "deviceId",
    "componentId",
    "isWritable",
    "id",
];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Sensor");
    let body = || schema::reference("SensorBody");
    let settable = vec![
        schema::required("deviceId", id()),
        schema::omittable("componentId", nullable(id())),
        schema::required("key", schema::pattern("^[A-Za-z0-9_.-]{1,128}$")),
        schema::required("name", schema::text(1, 200)),
        schema::required("valueType", schema::choice(ValueType::ALL.map(ValueType::name))),
        schema::omittable("unit", nullable(schema::text(0, 32))),
        schema::optional("isWritable", schema::boolean(), false),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    // Keys and names of streams from other interfaces are any text.
    shown.extend(settable.iter().cloned().map(|field| field.returned_as(schema::anything())));
    shown.push(schema::read_only("lastValue", schema::anything()));
    shown.push(schema::read_only("lastReadingAt", nullable(schema::time())));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let list_doc = paged(Doc::new("listSensors", "List sensors"))
        .query("deviceId", id(), "Device.")
        .query("componentId", id(), "Component.")
        .query("key", schema::string(), "Key.")
        .answers(200, "A page of sensors.", page_of("Sensor"));
    let create_doc = Doc::new("createSensor", "Create a sensor")
        .body(body())
        .answers(201, "The new sensor.", row())
        .with_header("Location", schema::string(), "Path of the sensor.");
    let get_doc = Doc::new("getSensor", "Get a sensor").answers(200, "The sensor.", row());
    let put_doc = Doc::new("replaceSensor", "Replace a sensor")
        .about("`deviceId`, `componentId` and `valueType` are fixed.")
        .body(body())
        .answers(200, "The sensor.", row());
    let delete_doc = Doc::new("deleteSensor", "Delete a sensor with its readings");
    Section {
        name: "Sensors",
        about: "The streams of devices. Sensors are also created when a device reports them.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, delete, delete_doc.answers_nothing("The sensor is deleted.")),
        ],
        schemas: vec![("Sensor", schema::view(&shown)), ("SensorBody", schema::body(&settable))],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SensorView {
    id: Uuid,
    device_id: Uuid,
    component_id: Option<Uuid>,
    key: String,
    name: String,
    value_type: &'static str,
    unit: Option<String>,
    is_writable: bool,
    last_value: Value,
    last_reading_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<Sensor> for SensorView {
    fn from(sensor: Sensor) -> Self {
        let stream = &sensor.stream;
        let value_type = ValueType::of_stream_kind(stream.spec.kind);
        SensorView {
            id: stream.uuid,
            device_id: sensor.device,
            component_id: sensor.component.as_ref().map(|component| component.uuid),
            name: stream.spec.label.clone().unwrap_or_else(|| sensor.key.clone()),
            value_type: value_type.name(),
            unit: Some(stream.spec.unit.clone()).filter(|unit| !unit.is_empty()),
            is_writable: stream.spec.access_mode == AccessMode::ReadWrite,
            last_value: sensor.last.as_ref().map_or(Value::Null, |reading| value(value_type, reading)),
            last_reading_at: sensor.last.as_ref().map(|reading| iso(reading.ts)),
            created_at: iso(stream.created_at),
            updated_at: iso(stream.updated_at),
            key: sensor.key,
        }
    }
}

/// A reading's value as JSON: whole numbers are exact.
fn value(value_type: ValueType, reading: &Reading) -> Value {
    let text = reading.text.as_deref();
    match (value_type, reading.value, text) {
        (ValueType::Boolean, Some(number), _) => Value::Bool(number != 0.0),
        (ValueType::Text, _, Some(text)) => text.into(),
        (_, _, Some(text)) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        // 64-bit numbers beyond 2^53 are texts.
        (ValueType::Bigint, Some(number), None) => Value::from(number as i64),
        (_, Some(number), None) => Value::from(number),
        (_, None, None) => Value::Null,
    }
}

/// `GET /sensors`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let filter = SensorFilter {
        device: query.uuid("deviceId")?,
        component: query.uuid("componentId")?,
        key: query.text("key").map(str::to_owned),
    };
    let rows = app.sensors(&caller.principal, &filter)?;
    Ok(ok(page.of(rows, sort_key, |row| row.stream.uuid).map(SensorView::from)))
}

fn sort_key(row: &Sensor, property: &str) -> SortKey {
    let spec = &row.stream.spec;
    match property {
        "name" => spec.label.as_deref().unwrap_or(&row.key).into(),
        "key" => row.key.as_str().into(),
        "valueType" => ValueType::of_stream_kind(spec.kind).name().into(),
        "unit" => spec.unit.as_str().into(),
        "deviceId" => row.device.into(),
        "componentId" => row.component.as_ref().map(|component| component.uuid).into(),
        "isWritable" => (spec.access_mode == AccessMode::ReadWrite).into(),
        "lastReadingAt" => row.last.as_ref().map(|reading| reading.ts).into(),
        "updatedAt" => row.stream.updated_at.into(),
        "id" => SortKey::Text(row.stream.uuid.to_string()),
        _ => row.stream.created_at.into(),
    }
}

/// `POST /sensors`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    caller.principal.require(Scope::write(Resource::Data))?;
    let new = read(body.fields(&app).await?, |new| app.sensor_problems(&caller.principal, new))?;
    let made = app.create_sensor(&caller.principal, new).await?;
    Ok(created(COLLECTION, made.stream.uuid, SensorView::from(made)))
}

/// `GET /sensors/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found = app.sensor(&caller.principal, *id).map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(ok(SensorView::from(found)))
}

/// `PUT /sensors/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let named = |error| MkError::named(error, TITLE, *id);
    app.sensor_to_change(&caller.principal, *id).map_err(named)?;
    let new = read(body.fields(&app).await?, SensorSpec::problems)?;
    let changed = app.replace_sensor(&caller.principal, *id, new).await.map_err(named)?;
    Ok(ok(SensorView::from(changed)))
}

/// `DELETE /sensors/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.delete_sensor(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}

fn read(
    mut fields: Fields,
    rules: impl FnOnce(&SensorSpec) -> Vec<FieldError>,
) -> Result<SensorSpec, MkError> {
    let device = fields.required_uuid("deviceId");
    let value_type = fields.required_choice("valueType", &ValueType::ALL, ValueType::name);
    let spec = SensorSpec {
        device: device.unwrap_or_default(),
        component: fields.uuid("componentId"),
        key: fields.text_or_empty("key"),
        name: fields.text_or_empty("name"),
        value_type: value_type.unwrap_or(ValueType::Double),
        unit: fields.text("unit"),
        is_writable: fields.boolean("isWritable").unwrap_or(false),
    };
    fields.finish(rules(&spec))?;
    // Whoever is here has both.
    if device.is_none() || value_type.is_none() {
        return Err(Error::internal("a sensor without a device or type was read").into());
    }
    Ok(spec)
}
