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

/// Readings as a table: stream, time in microseconds, value.
pub fn readings_batch(rows: &[(i64, i64, f64)]) -> RecordBatch {
    let ids = Int32Array::from_iter_values(rows.iter().map(|row| row.0 as i32));
    let times =
        TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.1)).with_timezone("UTC");
    let values = Float64Array::from_iter_values(rows.iter().map(|row| row.2));
    let columns: [(&str, ArrayRef); 3] =
        [("stream_id", Arc::new(ids)), ("ts", Arc::new(times)), ("value", Arc::new(values))];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

/// A table as a stream of Arrow.
pub fn arrow_body(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a stream");
    writer.write(batch).expect("written");
    writer.into_inner().expect("finished")
}

/// How many readings there are.
pub async fn count(client: &Client) -> i64 {
    number(&client.sql("SELECT count(*) AS n FROM readings").await)
}

/// The only number of an answer, called `n`.
pub fn number(rows: &[Value]) -> i64 {
    rows[0]["n"].as_i64().unwrap_or_else(|| panic!("no number: {rows:?}"))
}
