//! `POST /ingest` and the routes of senders over a real socket: every form, requests sent again, and everything that must not
//! get in.

mod again;
mod concurrent;
mod forms;
mod line_protocol;
mod otlp;
mod refused;
mod remote_write;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::ipc::writer::StreamWriter;
use serde_json::Value;

use crate::support::Client;

pub const ARROW: &str = "application/vnd.apache.arrow.stream";
pub const PARQUET: &str = "application/vnd.apache.parquet";
pub const NDJSON: &str = "application/x-ndjson";
pub const CSV: &str = "text/csv";

/// Readings of a stream as Arrow: times in microseconds, and values.
pub fn arrow_body(stream: i64, rows: &[(i64, f64)]) -> Vec<u8> {
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|(ts, _)| *ts));
    let columns: [(&str, ArrayRef); 3] = [
        ("stream_id", Arc::new(Int32Array::from_iter_values(rows.iter().map(|_| stream as i32)))),
        ("ts", Arc::new(times.with_timezone("UTC"))),
        ("value", Arc::new(Float64Array::from_iter_values(rows.iter().map(|(_, value)| *value)))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// How many readings there are.
pub async fn count(client: &Client) -> i64 {
    number(&client.sql("SELECT count(*) AS n FROM readings").await)
}

/// The only number of an answer, called `n`.
pub fn number(rows: &[Value]) -> i64 {
    rows[0]["n"].as_i64().unwrap_or_else(|| panic!("no number: {rows:?}"))
}
