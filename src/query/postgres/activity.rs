//! `pg_stat_activity` and `pg_cursors`, without rows: which statements run is told by `GET /api/query/`, and drivers know their own
//! cursors.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::error::Result;

pub(super) const ACTIVITY: &str = "pg_stat_activity";
pub(super) const CURSORS: &str = "pg_cursors";

const NUMBERS: [&str; 6] = ["datid", "pid", "leader_pid", "usesysid", "client_port", "query_id"];
const TIMES: [&str; 4] = ["backend_start", "xact_start", "query_start", "state_change"];
const COLUMNS: [&str; 22] = [
    "datid",
    "datname",
    "pid",
    "leader_pid",
    "usesysid",
    "usename",
    "application_name",
    "client_addr",
    "client_hostname",
    "client_port",
    "backend_start",
    "xact_start",
    "query_start",
    "state_change",
    "wait_event_type",
    "wait_event",
    "state",
    "backend_xid",
    "backend_xmin",
    "query_id",
    "query",
    "backend_type",
];

/// Creates `pg_stat_activity`.
pub(super) fn activity() -> Result<Arc<dyn TableProvider>> {
    let fields = COLUMNS.map(|name| {
        let data_type = match name {
            "query_id" => DataType::Int64,
            name if NUMBERS.contains(&name) => DataType::Int32,
            name if TIMES.contains(&name) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => DataType::Utf8,
        };
        Field::new(name, data_type, true)
    });
    empty(fields.to_vec())
}

/// Creates `pg_cursors`.
pub(super) fn cursors() -> Result<Arc<dyn TableProvider>> {
    let texts = ["name", "statement"].map(|name| Field::new(name, DataType::Utf8, true));
    let truths = ["is_holdable", "is_binary", "is_scrollable"];
    let truths = truths.map(|name| Field::new(name, DataType::Boolean, true));
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    empty(texts.into_iter().chain(truths).chain([Field::new("creation_time", time, true)]).collect())
}

fn empty(fields: Vec<Field>) -> Result<Arc<dyn TableProvider>> {
    let schema = Arc::new(Schema::new(fields));
    Ok(Arc::new(MemTable::try_new(schema.clone(), vec![vec![RecordBatch::new_empty(schema)]])?))
}
