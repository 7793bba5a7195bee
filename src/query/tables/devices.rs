//! `devices`: the visible devices, with what their collector last knew.

use std::sync::Arc;

use arrow::array::{BooleanArray, Float64Array, Int32Array};
use arrow::datatypes::{DataType, Field};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::{rows_table, text, times};
use crate::domain::device::{Device, DeviceStatus};
use crate::store::schema::timestamp;

/// The password is not a column.
pub fn table(devices: &[Arc<Device>], status: impl Fn(&Device) -> DeviceStatus) -> Result<MemTable> {
    let states: Vec<DeviceStatus> = devices.iter().map(|d| status(d)).collect();
    let ints =
        |get: fn(&Device) -> i32| Arc::new(Int32Array::from_iter_values(devices.iter().map(|d| get(d))));
    let port = devices.iter().map(|d| d.spec.effective_port().map(i32::from));
    let poll = devices.iter().map(|d| d.spec.poll_interval_s);
    let error = states.iter().map(|s| s.last_error.clone());
    rows_table(vec![
        (Field::new("id", DataType::Int32, false), ints(|d| d.id.0)),
        (Field::new("name", DataType::Utf8, false), text(devices, |d| d.spec.name.clone())),
        (Field::new("protocol", DataType::Utf8, false), text(devices, |d| d.spec.protocol.name().to_owned())),
        (Field::new("host", DataType::Utf8, false), text(devices, |d| d.spec.host.clone())),
        (Field::new("port", DataType::Int32, true), Arc::new(Int32Array::from_iter(port))),
        (Field::new("unit", DataType::Int32, false), ints(|d| i32::from(d.spec.unit))),
        (
            Field::new("timeout", DataType::Float64, false),
            Arc::new(Float64Array::from_iter_values(devices.iter().map(|d| d.spec.timeout_s))),
        ),
        (Field::new("poll_interval", DataType::Float64, true), Arc::new(Float64Array::from_iter(poll))),
        (
            Field::new("enabled", DataType::Boolean, false),
            Arc::new(BooleanArray::from_iter(devices.iter().map(|d| Some(d.spec.enabled)))),
        ),
        (Field::new("state", DataType::Utf8, false), text(&states, |s| s.state.name().to_owned())),
        (Field::new("last_seen", timestamp(), true), times(&states, |s| s.last_seen)),
        (
            Field::new("last_error", DataType::Utf8, true),
            Arc::new(arrow::array::StringArray::from_iter(error)),
        ),
        (Field::new("uuid", DataType::Utf8, false), text(devices, |d| d.uuid.to_string())),
        (Field::new("metadata", DataType::Utf8, false), text(devices, |d| json(&d.spec.metadata))),
        (Field::new("created_at", timestamp(), false), times(devices, |d| Some(d.created_at))),
        (Field::new("updated_at", timestamp(), false), times(devices, |d| Some(d.updated_at))),
    ])
}

/// A JSON object as text.
pub fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
