//! `streams`: the visible streams.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::devices::json;
use super::{rows_table, text, times};
use crate::domain::stream::Stream;
use crate::store::schema::timestamp;

pub fn table(streams: &[Arc<Stream>]) -> Result<MemTable> {
    let floats = |get: fn(&Stream) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter(streams.iter().map(|s| get(s))))
    };
    let ints = |get: fn(&Stream) -> Option<i32>| -> ArrayRef {
        Arc::new(Int32Array::from_iter(streams.iter().map(|s| get(s))))
    };
    let byteorder = streams.iter().map(|s| s.spec.byteorder.map(|b| b.name()));
    let enabled = streams.iter().map(|s| Some(s.spec.enabled));
    rows_table(vec![
        (Field::new("id", DataType::Int32, false), ints(|s| Some(s.id.0))),
        (Field::new("device_id", DataType::Int32, false), ints(|s| Some(s.spec.device.0))),
        (Field::new("group_id", DataType::Int32, true), ints(|s| s.spec.group.map(|g| g.0))),
        (Field::new("name", DataType::Utf8, false), text(streams, |s| s.spec.name.clone())),
        (Field::new("path", DataType::Utf8, false), text(streams, |s| s.spec.path.clone())),
        (Field::new("type", DataType::Utf8, false), text(streams, |s| s.spec.kind.name().to_owned())),
        (Field::new("unit", DataType::Utf8, false), text(streams, |s| s.spec.unit.clone())),
        (
            Field::new("access_mode", DataType::Utf8, false),
            text(streams, |s| s.spec.access_mode.name().to_owned()),
        ),
        (Field::new("poll_interval", DataType::Float64, true), floats(|s| s.spec.poll_interval_s)),
        (Field::new("scale", DataType::Float64, false), floats(|s| Some(s.spec.scale))),
        (Field::new("offset", DataType::Float64, false), floats(|s| Some(s.spec.offset))),
        (Field::new("byteorder", DataType::Utf8, true), Arc::new(StringArray::from_iter(byteorder))),
        (Field::new("enabled", DataType::Boolean, false), Arc::new(BooleanArray::from_iter(enabled))),
        (Field::new("deadband", DataType::Float64, true), floats(|s| s.spec.deadband)),
        (
            Field::new("statistics_interval", DataType::Int32, true),
            ints(|s| s.spec.statistics_interval_s.and_then(|i| i32::try_from(i).ok())),
        ),
        (Field::new("uuid", DataType::Utf8, false), text(streams, |s| s.uuid.to_string())),
        (Field::new("metadata", DataType::Utf8, false), text(streams, |s| json(&s.spec.metadata))),
        (Field::new("created_at", timestamp(), false), times(streams, |s| Some(s.created_at))),
        (Field::new("updated_at", timestamp(), false), times(streams, |s| Some(s.updated_at))),
    ])
}
