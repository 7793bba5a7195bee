//! `/sensors`: the streams of devices, each under a key.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Value;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
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
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::mk::sensor::{Sensor, SensorFilter, SensorSpec};
use crate::domain::document::ValueType;
use crate::domain::reading::Reading;
use crate::domain::reading_payload::value::number_to_json;
use crate::domain::stream::AccessMode;
use crate::domain::{FieldError, Micros, Resource, Scope};

const COLLECTION: &str = "/api/v1/sensors";
const ONE: &str = "/api/v1/sensors/{id}";
const TITLE: &str = "Sensor";

/// The operations.
pub fn section() -> Section {
    let [list_doc, create_doc, get_doc, put_doc, delete_doc] = NounWords::new("Sensor", "sensor", "sensors")
        .describe([
            paged(Doc::new("listSensors", "List sensors"))
                .query("deviceId", id(), "Only sensors of this device.")
                .query("componentId", id(), "Only sensors of this component.")
                .query("key", schema::string(), "Only sensors with this key."),
            Doc::new("createSensor", "Create a sensor"),
            Doc::new("getSensor", "Get a sensor"),
            Doc::new("replaceSensor", "Replace a sensor")
                .about("`deviceId`, `componentId` and `valueType` are fixed."),
            Doc::new("deleteSensor", "Delete a sensor with its readings"),
        ]);
    Section {
        name: "Sensors",
        about: "The streams of devices. Sensors are also created when a device reports them.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, delete, delete_doc),
        ],
        schemas: vec![schemas::view::<SensorRow>("Sensor"), schemas::body::<SensorRow>("SensorBody")],
    }
}

/// A sensor as shown.
pub struct SensorRow {
    stamp: Stamp,
    spec: SensorSpec,
    last_value: Value,
    last_reading_at: Option<Micros>,
}

impl MkNoun for SensorRow {
    fn blank() -> Self {
        let spec = SensorSpec {
            device: Uuid::nil(),
            component: None,
            key: String::new(),
            name: String::new(),
            value_type: ValueType::Double,
            unit: None,
            is_writable: false,
        };
        SensorRow { stamp: Stamp::default(), spec, last_value: Value::Null, last_reading_at: None }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let SensorSpec { device, component, key, name, value_type, unit, is_writable } = &mut self.spec;
        let any = schema::anything;
        let word = || schema::pattern("^[A-Za-z0-9_.-]{1,128}$");
        let types = schema::choice_of::<ValueType>;
        self.stamp.visit_id(visitor);
        // Keys and names of streams from other interfaces are any text.
        let about = "Device of the sensor; it cannot be changed.";
        visitor.visit(required("deviceId", about, id).returned_as(any), device);
        let about = "Component of the device that the sensor belongs to; null without one.";
        visitor.visit(omittable("componentId", about, || nullable(id())).returned_as(any), component);
        let about = "Key of the sensor, by which readings name it.";
        visitor.visit(required("key", about, word).returned_as(any), key);
        let about = "Name of the sensor for people.";
        visitor.visit(required("name", about, || schema::text(1, 200)).returned_as(any), name);
        let about = "Type of the sensor's values; it cannot be changed.";
        visitor.visit(required("valueType", about, types).returned_as(any), value_type);
        let about = "Engineering unit of the values; null without one.";
        visitor.visit(omittable("unit", about, || nullable(schema::text(0, 32))).returned_as(any), unit);
        let about = "Whether values may be sent to the device.";
        visitor.visit(optional("isWritable", about, schema::boolean).returned_as(any), is_writable);
        let about = "Value of the newest reading, in the sensor's unit; null without one.";
        visitor.visit(read_only("lastValue", about, any), &mut self.last_value);
        let about = "Time of the newest reading, ISO-8601 in UTC; null without one.";
        visitor
            .visit(read_only("lastReadingAt", about, || nullable(schema::time())), &mut self.last_reading_at);
        self.stamp.visit_times(visitor);
    }
}

impl From<&Sensor> for SensorRow {
    fn from(sensor: &Sensor) -> Self {
        let stream = &sensor.stream;
        let value_type = ValueType::of_stream_kind(stream.spec.kind);
        let spec = SensorSpec {
            device: sensor.device,
            component: sensor.component.as_ref().map(|component| component.uuid),
            key: sensor.key.clone(),
            name: stream.spec.label.clone().unwrap_or_else(|| sensor.key.clone()),
            value_type,
            unit: Some(stream.spec.unit.clone()).filter(|unit| !unit.is_empty()),
            is_writable: stream.spec.access_mode == AccessMode::ReadWrite,
        };
        let last_value = sensor.last.as_ref().map_or(Value::Null, |reading| value(value_type, reading));
        SensorRow {
            stamp: Stamp { id: stream.uuid, created_at: stream.created_at, updated_at: stream.updated_at },
            spec,
            last_value,
            last_reading_at: sensor.last.as_ref().map(|reading| reading.ts),
        }
    }
}

fn view(sensor: Sensor) -> ShownRow {
    ShownRow::new(SensorRow::from(&sensor))
}

/// A reading's value as JSON: whole numbers are exact.
fn value(value_type: ValueType, reading: &Reading) -> Value {
    let text = reading.text.as_deref();
    match (value_type, reading.value, text) {
        (ValueType::Boolean, Some(number), _) => Value::Bool(number != 0.0),
        (ValueType::Text, _, Some(text)) => text.into(),
        (_, _, Some(text)) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        // 64-bit numbers beyond 2^53 are texts. A scaled stream has fractions.
        (ValueType::Bigint, Some(number), None) => number_to_json(number, true),
        (_, Some(number), None) => Value::from(number),
        (_, None, None) => Value::Null,
    }
}

/// `GET /sensors`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<SensorRow>())?;
    let filter = SensorFilter {
        device: query.uuid("deviceId")?,
        component: query.uuid("componentId")?,
        key: query.text("key").map(str::to_owned),
    };
    let rows = app.mk.sensors.sensors(&caller.principal, &filter)?;
    Ok(ok(page.of(rows, sort_key, |row| row.stream.uuid).map(view)))
}

fn sort_key(row: &Sensor, property: &str) -> SortKey {
    match property {
        "createdAt" => row.stream.created_at.into(),
        _ => sort::sort_key(SensorRow::from(row), property),
    }
}

/// `POST /sensors`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    caller.principal.require(Scope::write(Resource::Data))?;
    let new = read(body.fields(&app).await?, |new| app.mk.sensors.sensor_problems(&caller.principal, new))?;
    let made = app.mk.sensors.create_sensor(&caller.principal, new).await?;
    Ok(created(COLLECTION, made.stream.uuid, view(made)))
}

/// `GET /sensors/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let found =
        app.mk.sensors.sensor(&caller.principal, *id).map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(ok(view(found)))
}

/// `PUT /sensors/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let named = |error| MkError::named(error, TITLE, *id);
    let stored = app.mk.sensors.sensor_to_change(&caller.principal, *id).map_err(named)?;
    let new = read(body.fields(&app).await?, |new| new.problems_beside(&stored))?;
    let changed = app.mk.sensors.replace_sensor(&caller.principal, *id, new).await.map_err(named)?;
    Ok(ok(view(changed)))
}

/// `DELETE /sensors/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let deleted = app.mk.sensors.delete_sensor(&caller.principal, *id).await;
    deleted.map_err(|error| MkError::named(error, TITLE, *id))?;
    Ok(no_content())
}

fn read(
    mut fields: Fields,
    rules: impl FnOnce(&SensorSpec) -> Vec<FieldError>,
) -> Result<SensorSpec, MkError> {
    let spec = read_row::<SensorRow>(&mut fields).spec;
    fields.finish(rules(&spec))?;
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::StreamId;

    #[test]
    fn the_last_value_is_exact_whatever_the_type() {
        let rows = [
            (ValueType::Double, 7.0, None, json!(7.0)),
            (ValueType::Bigint, 7.0, None, json!(7)),
            (ValueType::Bigint, -12.5, None, json!(-12.5)),
            (
                ValueType::Bigint,
                9_007_199_254_740_992.0,
                Some("9007199254740993"),
                json!(9_007_199_254_740_993_i64),
            ),
            (ValueType::Boolean, 1.0, None, json!(true)),
        ];
        for (value_type, number, text, expected) in rows {
            let reading =
                Reading { text: text.map(Into::into), ..Reading::good(StreamId(1), Micros(0), number) };
            assert_eq!(value(value_type, &reading), expected, "{value_type:?} {number}");
        }
    }
}
