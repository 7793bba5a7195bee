//! `POST /ingest` and the routes of senders over a real socket: every form, requests sent again, and everything that must not
//! get in.

mod again;
mod concurrent;
mod forms;
mod line_protocol;
mod otlp;
mod refused;
mod remote_write;

use serde_json::Value;

use crate::support::Client;

pub const ARROW: &str = "application/vnd.apache.arrow.stream";
pub const PARQUET: &str = "application/vnd.apache.parquet";
pub const NDJSON: &str = "application/x-ndjson";
pub const CSV: &str = "text/csv";

/// How many readings there are.
pub async fn count(client: &Client) -> i64 {
    number(&client.sql("SELECT count(*) AS n FROM readings").await)
}

/// The only number of an answer, called `n`.
pub fn number(rows: &[Value]) -> i64 {
    rows[0]["n"].as_i64().unwrap_or_else(|| panic!("no number: {rows:?}"))
}
