//! `query_log`: the newest queries of the principal's organization. A restricted principal sees only its own queries:
//! the row count of another's would reveal rows that it may not see.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::{mem_table, text, times};
use crate::query::log::QueryRecord;
use crate::store::schema::timestamp;

/// All organizations share files and the memory to merge them, so these resources reveal rows that the principal may
/// not see: their columns are NULL unless `sees_the_host`.
pub fn table(records: &[Arc<QueryRecord>], sees_the_host: bool) -> Result<MemTable> {
    let millis = |get: fn(&QueryRecord) -> Duration| -> ArrayRef {
        let millis = records.iter().map(|r| get(r).as_secs_f64() * 1e3);
        Arc::new(Float64Array::from_iter_values(millis))
    };
    let numbers = |get: fn(&QueryRecord) -> u64, is_shown: bool| -> ArrayRef {
        let number = |r: &Arc<QueryRecord>| is_shown.then(|| i64::try_from(get(r)).unwrap_or(i64::MAX));
        Arc::new(Int64Array::from_iter(records.iter().map(number)))
    };
    let of_host = |get| numbers(get, sees_the_host);
    let hashes = records.iter().map(|r| r.text_hash.as_deref());
    mem_table(vec![
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
        (Field::new("bytes_scanned", DataType::Int64, true), of_host(|r| r.usage().bytes)),
        (Field::new("files_scanned", DataType::Int64, true), of_host(|r| r.files.scanned)),
        (Field::new("files_pruned", DataType::Int64, true), of_host(|r| r.files.pruned)),
        (Field::new("peak_memory", DataType::Int64, true), of_host(|r| r.usage().peak_memory)),
    ])
}
