//! JSON bodies, whatever their media type: read with the limits of the server, and checked member by member.

use std::collections::HashSet;

use axum::extract::Request;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::error::BlynkError;
use super::parameter::{integer, integer_32, malformed, required, too_many};
use crate::api::{bearer, payload};
use crate::app::App;
use crate::app::blynk::batch_update::BatchUpdate;
use crate::app::blynk::import::{Import, ImportPoint};
use crate::app::blynk::update::DatastreamValue;
use crate::app::blynk::widget::{PropertyChange, WidgetProperty};
use crate::domain::{DeviceId, Error, Result};

/// Maximum values of one device in a request.
const MAX_VALUES: usize = 1000;
/// Maximum rows of a table, and points of an import.
const MAX_ROWS: usize = 10_000;
/// Maximum characters of a widget property.
const MAX_PROPERTY_CHARS: usize = 200;
/// First column of a table.
const DEVICE_COLUMN: &str = "deviceId";

/// The members of a body.
pub struct BodyFields {
    members: Map<String, Value>,
    /// Holds the memory that is reserved for the body.
    _bytes: Bytes,
}

/// A table of values, and how skipped rows are reported.
#[derive(Debug, PartialEq)]
pub struct BatchRequest {
    pub table: BatchUpdate,
    /// Whether the response names each skipped row.
    pub debug: bool,
}

impl BodyFields {
    /// Reads the body of an authenticated request.
    ///
    /// # Errors
    /// `Invalid` when it is no JSON object; the errors of [`payload::read_json`].
    pub async fn read(app: &App, request: Request) -> Result<Self, BlynkError> {
        let (parts, body) = request.into_parts();
        let secret = bearer::token(&parts.headers).unwrap_or_default();
        let limit = app.settings().body_bytes;
        let bytes = payload::read_json(&parts.headers, body, limit, secret).await?;
        Ok(Self::parse(bytes)?)
    }

    /// Parses a body that was read. The fields keep `bytes` alive, and with them the memory that is reserved for the body.
    ///
    /// # Errors
    /// `Invalid` when it is no JSON object.
    pub fn parse(bytes: Bytes) -> Result<Self> {
        let members = serde_json::from_slice(&bytes)
            .map_err(|e| Error::invalid("Request body is not valid JSON.").with_source(e))?;
        Ok(Self { members, _bytes: bytes })
    }

    /// Takes a member; null is no value.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    fn take_required(&mut self, name: &str) -> Result<Value> {
        self.take(name).ok_or_else(|| required(name))
    }

    fn take_integer(&mut self, name: &str) -> Result<i32> {
        integer_32(&self.take_required(name)?).ok_or_else(|| malformed(name))
    }

    fn take_text(&mut self, name: &str) -> Result<String> {
        match self.take_required(name)? {
            Value::String(text) => Ok(text),
            _ => Err(malformed(name)),
        }
    }

    /// Takes a list of 1 to `limit` elements.
    fn take_list(&mut self, name: &str, limit: usize, what: &str) -> Result<Vec<Value>> {
        match self.take_required(name)? {
            Value::Array(list) if list.is_empty() => Err(required(name)),
            Value::Array(list) if list.len() > limit => Err(too_many(limit, what)),
            Value::Array(list) => Ok(list),
            _ => Err(malformed(name)),
        }
    }

    fn take_device(&mut self) -> Result<DeviceId> {
        self.take_integer("deviceId").map(DeviceId)
    }

    /// Reads an update of one datastream.
    pub fn update(mut self) -> Result<(DeviceId, DatastreamValue)> {
        let device = self.take_device()?;
        let datastream = self.take_integer("dataStreamId")?;
        Ok((device, DatastreamValue { datastream, value: self.take_required("value")? }))
    }

    /// Reads an update of several datastreams. An entry that is none is left out.
    pub fn update_many(mut self) -> Result<(DeviceId, Vec<DatastreamValue>)> {
        let device = self.take_device()?;
        // Older clients call the list `values`. The vendor's public documentation has a map by datastream id there.
        let is_given = |name: &str| self.members.get(name).is_some_and(|value| !value.is_null());
        let old_name = !is_given("dataStreams") && self.members.contains_key("values");
        let name = if old_name { "values" } else { "dataStreams" };
        if old_name && let Some(Value::Object(values)) = self.members.get_mut(name) {
            let entries = std::mem::take(values).into_iter().map(entry_of_map).collect();
            self.members.insert(name.to_owned(), Value::Array(entries));
        }
        let entries = self.take_list(name, MAX_VALUES, "data streams")?;
        Ok((device, entries.into_iter().filter_map(datastream_value).collect()))
    }

    /// Reads a table.
    pub fn batch_update(mut self) -> Result<BatchRequest> {
        let fields = self.take_required("fields")?;
        let labels = labels(fields).ok_or_else(|| malformed("fields"))?;
        let rows = self.take_list("updates", MAX_ROWS, "updates")?;
        let debug = match self.take("debug") {
            None => false,
            Some(Value::Bool(debug)) => debug,
            Some(_) => return Err(malformed("debug")),
        };
        Ok(BatchRequest { table: BatchUpdate { labels, rows }, debug })
    }

    /// Reads an import.
    pub fn import(mut self) -> Result<Import> {
        let device = self.take_device()?;
        let datastream = self.take_integer("dataStreamId")?;
        let values = self.take_list("values", MAX_ROWS, "data points")?;
        let points = values.into_iter().map(import_point).collect::<Result<_>>()?;
        Ok(Import { device, datastream, points })
    }

    /// Reads a new value of a widget property.
    pub fn property_change(mut self) -> Result<PropertyChange> {
        let device = self.take_device()?;
        let datastream = self.take_integer("dataStreamId")?;
        let property = WidgetProperty::parse(&self.take_text("property")?)?;
        let value = self.take_text("value")?;
        if !(1..=MAX_PROPERTY_CHARS).contains(&value.chars().count()) {
            return Err(malformed("value"));
        }
        Ok(PropertyChange { device, datastream, property, value })
    }
}

/// The entry of a list for a value by datastream id.
fn entry_of_map((id, value): (String, Value)) -> Value {
    json!({"dataStreamId": id.parse::<i32>().ok(), "value": value})
}

fn datastream_value(entry: Value) -> Option<DatastreamValue> {
    let Value::Object(mut entry) = entry else { return None };
    let datastream = integer_32(entry.get("dataStreamId")?)?;
    let value = entry.remove("value").filter(|value| !value.is_null())?;
    Some(DatastreamValue { datastream, value })
}

/// Reads the columns of a table: that of the device, then at least one label, each once.
fn labels(fields: Value) -> Option<Vec<String>> {
    let Value::Array(fields) = fields else { return None };
    let text = |field: Value| match field {
        Value::String(text) => Some(text),
        _ => None,
    };
    let mut columns = fields.into_iter().map(text);
    if columns.next()?? != DEVICE_COLUMN {
        return None;
    }
    let labels: Vec<String> = columns.collect::<Option<_>>()?;
    let is_sound = {
        let mut seen: HashSet<&str> = HashSet::from([DEVICE_COLUMN]);
        !labels.is_empty() && labels.iter().all(|label| seen.insert(label))
    };
    is_sound.then_some(labels)
}

fn import_point(entry: Value) -> Result<ImportPoint> {
    let Value::Object(mut entry) = entry else { return Err(malformed("values")) };
    let mut take = |name: &str| entry.remove(name).filter(|value| !value.is_null());
    let value = take("value").ok_or_else(|| required("value"))?;
    let ts = take("ts").ok_or_else(|| required("ts"))?;
    let ts_ms = integer(&ts).filter(|ms| *ms > 0).ok_or_else(|| malformed("ts"))?;
    Ok(ImportPoint { ts_ms, value })
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
