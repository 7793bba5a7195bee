//! Expanded size of columns: dictionaries, views and runs can describe many rows in few bytes, so the size is computed
//! before anything is converted. A small body must not use up the machine's memory.

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::file::metadata::ParquetMetaData;

use super::DECODED_BYTES;
use crate::domain::{Error, FieldError, Result};

/// Bytes of a row in memory, without its text.
pub const ROW_BYTES: usize = 21;

/// Column names that are accepted.
const NAMES: [&str; 9] =
    ["stream_id", "device", "stream", "ts", "timestamp", "time", "value", "text", "quality"];

/// Returns the expanded size of a batch's rows in bytes.
///
/// # Errors
/// `TooLarge` when the rows would not fit a request; `Invalid` for a column of an unsupported type.
pub fn check_batch(batch: &RecordBatch) -> Result<usize> {
    let mut bytes = batch.num_rows().saturating_mul(ROW_BYTES);
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        bytes = bytes.saturating_add(text_bytes(field.name(), column)?);
    }
    check(bytes)?;
    Ok(bytes)
}

/// # Errors
/// `Invalid` for the first column of an unsupported type.
pub fn check_types(schema: &Schema) -> Result<()> {
    schema.fields().iter().try_for_each(|field| match field.data_type() {
        DataType::Dictionary(_, values) => check_type(field.name(), values),
        plain => check_type(field.name(), plain),
    })
}

/// # Errors
/// `Invalid` with every column that has an unknown name.
pub fn check_names(schema: &Schema) -> Result<()> {
    let unknown = schema.fields().iter().filter(|field| !NAMES.contains(&field.name().as_str()));
    let wrong = unknown.map(|field| {
        let message = "is not one of stream_id, device, stream, ts, value, text, quality";
        FieldError::new(format!("column `{}`", field.name()), message)
    });
    Error::check(wrong.collect())
}

fn check_type(name: &str, data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(()),
        plain if plain.is_primitive() || matches!(plain, DataType::Boolean | DataType::Null) => Ok(()),
        other => {
            let message =
                format!("is of the type {other}; use numbers, times, texts or dictionaries of texts");
            Err(Error::field(format!("column `{name}`"), message))
        }
    }
}

/// Checks the size of a Parquet file as its footer declares it.
pub fn check_parquet(file: &ParquetMetaData) -> Result<()> {
    let rows = usize::try_from(file.file_metadata().num_rows()).unwrap_or(usize::MAX);
    let groups = file.row_groups().iter().map(|group| usize::try_from(group.total_byte_size()));
    let pages = groups.fold(0, |sum: usize, bytes| sum.saturating_add(bytes.unwrap_or(usize::MAX)));
    check(rows.saturating_mul(ROW_BYTES).max(pages))
}

/// Returns the schema with every text as a view, so that a text stored once is not copied for each row.
pub fn with_views(schema: &Schema) -> SchemaRef {
    let to_view = |field: &Field| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => field.clone().with_data_type(DataType::Utf8View),
        DataType::Dictionary(_, values) if matches!(**values, DataType::Utf8 | DataType::LargeUtf8) => {
            field.clone().with_data_type(DataType::Utf8View)
        }
        _ => field.clone(),
    };
    let fields: Vec<_> = schema.fields().iter().map(|field| to_view(field)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

/// Fails with `TooLarge` when rows of `bytes` bytes are more than a body may hold ([`DECODED_BYTES`]).
pub fn check(bytes: usize) -> Result<()> {
    if bytes <= DECODED_BYTES {
        return Ok(());
    }
    let message = format!("the body holds more than {} MiB of rows; send it in parts", DECODED_BYTES >> 20);
    Err(Error::too_large(message))
}

/// Returns the bytes of a column's texts, counted for each row.
fn text_bytes(name: &str, column: &ArrayRef) -> Result<usize> {
    match column.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Ok(0);
            }
            let lengths = lengths(name, dictionary.values())?;
            let rows = dictionary.normalized_keys().into_iter().map(|key| lengths.get(key).copied());
            Ok(rows.fold(0, |sum: usize, length| sum.saturating_add(length.unwrap_or(0))))
        }
        _ => Ok(lengths(name, column)?.into_iter().fold(0, usize::saturating_add)),
    }
}

/// Returns the length of each text; nothing for numbers and times.
fn lengths(name: &str, column: &ArrayRef) -> Result<Vec<usize>> {
    match column.data_type() {
        DataType::Utf8 => Ok(between(column.as_string::<i32>().offsets())),
        DataType::LargeUtf8 => Ok(between(column.as_string::<i64>().offsets())),
        DataType::Utf8View => Ok(column.as_string_view().lengths().map(|length| length as usize).collect()),
        other => check_type(name, other).map(|()| Vec::new()),
    }
}

fn between<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> Vec<usize> {
    offsets.windows(2).map(|pair| pair[1].as_usize().saturating_sub(pair[0].as_usize())).collect()
}
