//! Tables of the catalog that clients read and that have no rows: which statements run is told by `GET /api/query/`, drivers know their own
//! cursors, and there are neither policies nor extensions to install.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::error::Result;

const ACTIVITY: &str = "pg_stat_activity";
const CURSORS: &str = "pg_cursors";
const EXTENSIONS: &str = "pg_available_extensions";
const POLICIES: &str = "pg_policies";

/// All of these tables.
pub(super) const NAMES: [&str; 4] = [ACTIVITY, EXTENSIONS, CURSORS, POLICIES];

const ACTIVITY_NUMBERS: [&str; 6] = ["datid", "pid", "leader_pid", "usesysid", "client_port", "query_id"];
const ACTIVITY_TIMES: [&str; 4] = ["backend_start", "xact_start", "query_start", "state_change"];
const ACTIVITY_COLUMNS: [&str; 22] = [
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
const EXTENSIONS_COLUMNS: [&str; 4] = ["name", "default_version", "installed_version", "comment"];
const POLICIES_COLUMNS: [&str; 8] =
    ["schemaname", "tablename", "policyname", "permissive", "roles", "cmd", "qual", "with_check"];

pub(super) fn has(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Creates the table of this name; `None` if it is none of these.
pub(super) fn table(name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let fields = match name {
        ACTIVITY => activity(),
        CURSORS => cursors(),
        EXTENSIONS => EXTENSIONS_COLUMNS.map(text).to_vec(),
        POLICIES => POLICIES_COLUMNS.map(text).to_vec(),
        _ => return Ok(None),
    };
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::new_empty(schema.clone());
    Ok(Some(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?)))
}

fn activity() -> Vec<Field> {
    let fields = ACTIVITY_COLUMNS.map(|name| {
        let data_type = match name {
            "query_id" => DataType::Int64,
            name if ACTIVITY_NUMBERS.contains(&name) => DataType::Int32,
            name if ACTIVITY_TIMES.contains(&name) => time(),
            _ => DataType::Utf8,
        };
        Field::new(name, data_type, true)
    });
    fields.to_vec()
}

fn cursors() -> Vec<Field> {
    let texts = ["name", "statement"].map(text);
    let truths = ["is_holdable", "is_binary", "is_scrollable"];
    let truths = truths.map(|name| Field::new(name, DataType::Boolean, true));
    texts.into_iter().chain(truths).chain([Field::new("creation_time", time(), true)]).collect()
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
