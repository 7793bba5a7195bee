//! Arrow schema of `readings`, and conversion between runs and record batches.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};

use super::memtable::run::Run;
use crate::domain::reading::Quality;
use crate::domain::{Error, Result};

/// Index of `stream_id` among the columns of `readings`, which are sorted by it and `ts`.
pub const STREAM_ID: usize = 0;
/// Index of `ts`, of the type [`timestamp`].
pub const TS: usize = 1;
/// Index of `value`, null for a reading without a number.
pub const VALUE: usize = 2;
/// Index of `text`, null for a reading without one.
pub const TEXT: usize = 3;
/// Index of `quality`, the name of a [`Quality`].
pub const QUALITY: usize = 4;
/// Index of `seq`, the number of the request that wrote the row.
pub const SEQ: usize = 5;

/// `readings(stream_id, ts, value, text, quality, seq)`.
pub fn readings() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            Field::new("stream_id", DataType::Int32, false),
            Field::new("ts", timestamp(), false),
            Field::new("value", DataType::Float64, true),
            Field::new("text", DataType::Utf8, true),
            Field::new("quality", DataType::Utf8, false),
            Field::new("seq", DataType::Int64, false),
        ]))
    });
    SCHEMA.clone()
}

/// The type of every timestamp column: microseconds, UTC.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Returns one column of a run.
pub fn column(run: &Run, index: usize) -> ArrayRef {
    match index {
        STREAM_ID => Arc::new(Int32Array::new(run.stream.clone(), None)),
        TS => Arc::new(TimestampMicrosecondArray::new(run.ts.clone(), None).with_timezone("UTC")),
        VALUE => {
            let has_null = run.value.iter().any(|v| v.is_nan());
            let nulls = has_null.then(|| NullBuffer::from_iter(run.value.iter().map(|v| !v.is_nan())));
            Arc::new(Float64Array::new(run.value.clone(), nulls))
        }
        TEXT => match &run.text {
            Some(text) => Arc::new(text.clone()),
            None => Arc::new(StringArray::new_null(run.len())),
        },
        QUALITY => {
            let name = |byte: &u8| Quality::from_byte(*byte).unwrap_or(Quality::Bad).name();
            Arc::new(StringArray::from_iter_values(run.quality.iter().map(name)))
        }
        _ => Arc::new(Int64Array::new(run.seq.clone(), None)),
    }
}

/// Converts a run into a batch with the given columns of `readings()`; it is sorted as the run is.
pub fn run_to_batch(run: &Run, columns: &[usize]) -> RecordBatch {
    let schema = Arc::new(readings().project(columns).expect("columns are indices of this schema"));
    let arrays = columns.iter().map(|i| column(run, *i)).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(run.len()));
    RecordBatch::try_new_with_options(schema, arrays, &options).expect("columns are built from the schema")
}

/// Indices of all columns.
pub const ALL_COLUMNS: [usize; 6] = [STREAM_ID, TS, VALUE, TEXT, QUALITY, SEQ];

/// Returns a column of a batch, whichever other columns the batch has.
fn read<'a>(batch: &'a RecordBatch, index: usize, kind: &DataType) -> Result<&'a ArrayRef> {
    let name = readings().field(index).name().clone();
    batch
        .column_by_name(&name)
        .filter(|column| column.data_type() == kind)
        .ok_or_else(unexpected_columns_error)
}

fn unexpected_columns_error() -> Error {
    Error::unavailable("a file of the lake has other columns than readings have")
}

/// Streams, times and values of a batch.
pub struct PointColumns {
    pub stream: ScalarBuffer<i32>,
    /// Microseconds since the epoch, UTC.
    pub ts: ScalarBuffer<i64>,
    /// NaN represents null.
    pub value: ScalarBuffer<f64>,
}

/// Returns streams, times and values of a batch.
///
/// # Errors
/// `Unavailable` when the batch lacks one of these columns.
pub fn points_from_batch(batch: &RecordBatch) -> Result<PointColumns> {
    let stream = read(batch, STREAM_ID, &DataType::Int32)?.as_primitive::<Int32Type>();
    let ts = read(batch, TS, &timestamp())?.as_primitive::<TimestampMicrosecondType>();
    let value = read(batch, VALUE, &DataType::Float64)?.as_primitive::<Float64Type>();
    let value = match value.null_count() {
        0 => value.values().clone(),
        _ => value.iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
    };
    Ok(PointColumns { stream: stream.values().clone(), ts: ts.values().clone(), value })
}

/// Converts a batch, sorted and unique like a run, back into a run. Without a text column no row has a text; without a
/// quality column all are good.
///
/// # Errors
/// `Unavailable` when the other columns are not those of `readings()`.
pub fn run_from_batch(batch: &RecordBatch) -> Result<Run> {
    let PointColumns { stream, ts, value } = points_from_batch(batch)?;
    let found = |index| {
        batch.column_by_name(readings().field(index).name()).map(|_| read(batch, index, &DataType::Utf8))
    };
    let text = found(TEXT).transpose()?.map(|text| text.as_string::<i32>());
    let quality = match found(QUALITY).transpose()? {
        Some(names) => {
            let byte = |name: &str| name.parse::<Quality>().ok().map(|q| q as u8);
            let bytes = names
                .as_string::<i32>()
                .iter()
                .map(|name| name.and_then(byte).ok_or_else(unexpected_columns_error));
            bytes.collect::<Result<Vec<u8>>>()?
        }
        None => vec![Quality::Good as u8; batch.num_rows()],
    };
    Ok(Run {
        stream,
        ts,
        value,
        quality: quality.into(),
        seq: read(batch, SEQ, &DataType::Int64)?.as_primitive::<Int64Type>().values().clone(),
        text: text.filter(|text| text.null_count() < text.len()).cloned(),
        is_import: false,
        arrived_at: None,
    })
}
