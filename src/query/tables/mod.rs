//! The SQL tables and views, one file each: columns and scan. `registry.rs` has a row for each.

pub mod annotations;
pub mod audit_log;
pub mod clients;
pub mod commands;
pub mod components;
pub mod core_views;
pub mod ddl;
pub mod devices;
pub mod documents;
pub mod events;
pub mod groups;
pub mod jobs;
pub mod latest;
pub mod messages;
pub mod mqtt_sessions;
pub mod nodes;
pub mod paged_scan;
pub mod products;
pub mod quarantine;
pub mod query_log;
pub mod readings;
pub mod registry;
pub mod row_table;
pub mod shards;
pub mod sites;
pub mod statistics;
pub mod streams;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use crate::domain::Micros;

/// Creates a table of rows that are known when the query starts.
fn mem_table(columns: Vec<(Field, ArrayRef)>) -> Result<MemTable> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), arrays)?;
    MemTable::try_new(schema, vec![vec![batch]])
}

fn text<T>(rows: &[T], get: impl Fn(&T) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(get)))
}

fn optional_text<'a, T, S: AsRef<str>>(rows: &'a [T], get: impl Fn(&'a T) -> Option<S>) -> ArrayRef {
    Arc::new(StringArray::from_iter(rows.iter().map(get)))
}

fn ints<T>(rows: &[T], get: impl Fn(&T) -> Option<i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter(rows.iter().map(get)))
}

fn longs<T>(rows: &[T], get: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(rows.iter().map(get)))
}

fn floats<T>(rows: &[T], get: impl Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(rows.iter().map(get)))
}

fn flags<T>(rows: &[T], get: impl Fn(&T) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(get(row)))))
}

fn times<T>(rows: &[T], get: impl Fn(&T) -> Option<Micros>) -> ArrayRef {
    let times = rows.iter().map(|row| get(row).map(|t| t.0));
    Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
}
