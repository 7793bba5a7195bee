//! `query_log`: the newest queries of the principal's organization. A principal restricted to some devices or streams
//! sees its own queries only: how many rows another one got would tell of rows it may not see.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::{rows_table, text, times};
use crate::query::log::Record;
use crate::store::schema::timestamp;

/// Files and the memory to merge them are shared by all organizations, so what a query took of them tells of rows that
/// its principal may not see: these columns are NULL unless `sees_the_host`.
pub fn table(records: &[Arc<Record>], sees_the_host: bool) -> Result<MemTable> {
    let millis = |get: fn(&Record) -> Duration| -> ArrayRef {
        let millis = records.iter().map(|r| get(r).as_secs_f64() * 1e3);
        Arc::new(Float64Array::from_iter_values(millis))
    };
    let numbers = |get: fn(&Record) -> u64, is_shown: bool| -> ArrayRef {
        let number = |r: &Arc<Record>| is_shown.then(|| i64::try_from(get(r)).unwrap_or(i64::MAX));
        Arc::new(Int64Array::from_iter(records.iter().map(number)))
    };
    let of_host = |get| numbers(get, sees_the_host);
    let hashes = records.iter().map(|r| r.text_hash.as_deref());
    rows_table(vec![
        (Field::new("started_at", timestamp(), false), times(records, |r| Some(r.started_at))),
        (Field::new("text_hash", DataType::Utf8, true), Arc::new(StringArray::from_iter(hashes))),
        (Field::new("surface", DataType::Utf8, false), text(records, |r| r.surface.name().to_owned())),
        (Field::new("principal", DataType::Utf8, false), text(records, |r| r.caller.to_string())),
        (
            Field::new("organization_id", DataType::Int32, false),
            Arc::new(Int32Array::from_iter_values(records.iter().map(|r| r.org.0))),
        ),
        (Field::new("wait_ms", DataType::Float64, false), millis(|r| r.wait)),
        (Field::new("run_ms", DataType::Float64, false), millis(|r| r.run)),
        (Field::new("rows", DataType::Int64, false), numbers(|r| r.rows, true)),
        (Field::new("outcome", DataType::Utf8, false), text(records, |r| r.outcome.to_owned())),
        (Field::new("bytes_scanned", DataType::Int64, true), of_host(|r| r.reads.bytes)),
        (Field::new("files_scanned", DataType::Int64, true), of_host(|r| r.reads.files)),
        (Field::new("files_pruned", DataType::Int64, true), of_host(|r| r.reads.files_pruned)),
        (Field::new("peak_memory", DataType::Int64, true), of_host(|r| r.peak_memory as u64)),
    ])
}
