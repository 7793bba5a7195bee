//! `streams`: the visible streams.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::devices::to_json_text;
use super::row_table::{self, ColumnDef, RowTable, column};
use super::{flags, floats, ints, optional_text, text, times};
use crate::domain::stream::Stream;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

type StreamRow = Arc<Stream>;

/// Creates the table of these streams, in their order; without any it tells the columns.
pub fn table(streams: &[StreamRow]) -> Result<ScanProvider<RowTable<StreamRow>>> {
    Ok(row_table::table("Streams", streams.to_vec(), columns()))
}

fn columns() -> Vec<ColumnDef<StreamRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[StreamRow]| ints(rows, |s| Some(s.id.0))),
        column("device_id", DataType::Int32, false, |rows| ints(rows, |s| Some(s.spec.device.0))),
        column("group_id", DataType::Int32, true, |rows| ints(rows, |s| s.spec.group.map(|g| g.0))),
        column("name", DataType::Utf8, false, |rows| text(rows, |s| s.spec.name.clone())),
        column("path", DataType::Utf8, false, |rows| text(rows, |s| s.spec.path.clone())),
        column("type", DataType::Utf8, false, |rows| text(rows, |s| s.spec.kind.name().to_owned())),
        column("unit", DataType::Utf8, false, |rows| text(rows, |s| s.spec.unit.clone())),
        column("access_mode", DataType::Utf8, false, |rows: &[StreamRow]| {
            text(rows, |s| s.spec.access_mode.name().to_owned())
        }),
        column("poll_interval", DataType::Float64, true, |rows| floats(rows, |s| s.spec.poll_interval_s)),
        column("scale", DataType::Float64, false, |rows| floats(rows, |s| Some(s.spec.scale))),
        column("offset", DataType::Float64, false, |rows| floats(rows, |s| Some(s.spec.offset))),
        column("byteorder", DataType::Utf8, true, |rows| {
            optional_text(rows, |s| s.spec.byteorder.map(|order| order.name()))
        }),
        column("enabled", DataType::Boolean, false, |rows| flags(rows, |s| s.spec.enabled)),
        column("deadband", DataType::Float64, true, |rows| floats(rows, |s| s.spec.deadband)),
        column("statistics_interval", DataType::Int32, true, |rows: &[StreamRow]| {
            ints(rows, |s| s.spec.statistics_interval_s.and_then(|i| i32::try_from(i).ok()))
        }),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |s| s.uuid.to_string())),
        column("channel", DataType::Int32, false, |rows| ints(rows, |s| Some(s.channel))),
        column("pin", DataType::Int32, false, |rows| ints(rows, |s| Some(s.pin()))),
        column("label", DataType::Utf8, false, |rows| text(rows, |s| s.label())),
        column("metadata", DataType::Utf8, false, |rows| text(rows, |s| to_json_text(&s.spec.metadata))),
        column("created_at", timestamp(), false, |rows| times(rows, |s| Some(s.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |s| Some(s.updated_at))),
    ]
}
