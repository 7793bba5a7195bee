//! Settings that clients read from `pg_settings`, and those that describe what the server does.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::error::Result;

/// The PostgreSQL version that the server reports, which is that of its catalog.
pub const SERVER_VERSION: &str = "16.6";

/// Settings that describe what the server does, and never change.
pub const FIXED_SETTINGS: [(&str, &str); 24] = [
    ("array_nulls", "on"),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, YMD"),
    ("default_transaction_read_only", "on"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("jit", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("lc_monetary", "C"),
    ("lc_numeric", "C"),
    ("lc_time", "C"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("standard_conforming_strings", "on"),
    ("timezone", "UTC"),
    ("transaction_read_only", "on"),
    ("transform_null_equals", "off"),
];

/// The initial value of the only other setting that clients read in a statement.
const SEARCH_PATH: (&str, &str) = ("search_path", "public");

fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIXED_SETTINGS.into_iter().chain([SEARCH_PATH])
}

/// Columns of `pg_settings`.
const COLUMNS: [&str; 17] = [
    "name",
    "setting",
    "unit",
    "category",
    "short_desc",
    "extra_desc",
    "context",
    "vartype",
    "source",
    "min_val",
    "max_val",
    "enumvals",
    "boot_val",
    "reset_val",
    "sourcefile",
    "sourceline",
    "pending_restart",
];

/// Returns the value that a setting has at the start of a connection.
pub(super) fn value(name: &str) -> Option<&'static str> {
    settings().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Creates `pg_settings`.
pub(super) fn table() -> Result<Arc<dyn TableProvider>> {
    let of = |column: &str| -> StringArray {
        let cell = |(name, value)| match column {
            "name" => Some(name),
            "setting" | "boot_val" | "reset_val" => Some(value),
            "context" => Some("internal"),
            "vartype" => Some("string"),
            "source" => Some("default"),
            _ => None,
        };
        settings().map(cell).collect()
    };
    let fields = COLUMNS.map(|name| Field::new(name, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let columns = COLUMNS.map(|name| Arc::new(of(name)) as ArrayRef);
    let rows = RecordBatch::try_new(schema.clone(), columns.to_vec())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}
