//! The SQL tables and views, one file each: schema, then scan.

pub mod audit_log;
pub mod clients;
pub mod commands;
pub mod core_views;
pub mod ddl;
pub mod devices;
pub mod events;
pub mod groups;
pub mod latest;
pub mod messages;
pub mod paged_scan;
pub mod products;
pub mod query_log;
pub mod readings;
pub mod row_table;
pub mod statistics;
pub mod streams;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
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

fn times<T>(rows: &[T], get: impl Fn(&T) -> Option<Micros>) -> ArrayRef {
    let times = rows.iter().map(|row| get(row).map(|t| t.0));
    Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
}
