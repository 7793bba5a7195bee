//! How large columns become once every row is spelt out. Dictionaries, views and runs say much in few bytes, so this
//! is asked before anything is converted: a small body must not take a machine's memory.

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::root_as_message;
use parquet::file::metadata::ParquetMetaData;

use super::DECODED_BYTES;
use crate::domain::{Error, Result};

/// Bytes of a row's numbers in memory.
pub const ROW_BYTES: usize = 21;

/// # Errors
/// `TooLarge` when the rows would not fit a request; `Invalid` for a column of a type that is not read.
pub fn check_batch(batch: &RecordBatch) -> Result<()> {
    let mut bytes = batch.num_rows().saturating_mul(ROW_BYTES);
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        bytes = bytes.saturating_add(text_bytes(field.name(), column)?);
    }
    check(bytes)
}

/// The same for an IPC stream before anything of it is decoded: compressed buffers say how long they will be, and the
/// reader takes that much memory at their word (Arrow columnar format, "Compression").
pub fn check_stream(stream: &[u8]) -> Result<()> {
    let cut = || Error::invalid("the Arrow stream is cut short");
    let (mut rest, mut declared) = (stream, 0_usize);
    while let Some((head, after)) = rest.split_at_checked(4) {
        // Since 0.15 a marker stands before the length; a length of zero ends the stream.
        let (length, after) = match head {
            [0xff, 0xff, 0xff, 0xff] => after.split_at_checked(4).ok_or_else(cut)?,
            _ => (head, after),
        };
        let length = u32::from_le_bytes(length.try_into().map_err(|_| cut())?) as usize;
        if length == 0 {
            break;
        }
        let (message, after) = after.split_at_checked(length).ok_or_else(cut)?;
        let damaged = |e| Error::invalid(format!("the Arrow stream cannot be read: {e}"));
        let message = root_as_message(message).map_err(damaged)?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| cut())?;
        let (body, after) = after.split_at_checked(body).ok_or_else(cut)?;
        let dictionary = message.header_as_dictionary_batch().and_then(|d| d.data());
        if let Some(batch) = message.header_as_record_batch().or(dictionary) {
            declared = declared.saturating_add(inflated_bytes(&batch, body));
            check(declared)?;
        }
        rest = after;
    }
    Ok(())
}

/// Bytes of a batch's compressed buffers once decompressed, as their prefixes say; -1 is a buffer left as it is.
fn inflated_bytes(batch: &arrow::ipc::RecordBatch<'_>, body: &[u8]) -> usize {
    if batch.compression().is_none() {
        return 0;
    }
    let prefix = |offset: i64| -> Option<i64> {
        let bytes = body.get(usize::try_from(offset).ok()?..)?.get(..8)?;
        Some(i64::from_le_bytes(bytes.try_into().ok()?))
    };
    let buffers = batch.buffers().into_iter().flatten();
    let lengths = buffers.filter(|b| b.length() > 0).filter_map(|b| prefix(b.offset()));
    lengths
        .filter(|length| *length >= 0)
        .fold(0, |sum: usize, length| sum.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)))
}

/// The same for a Parquet file, by what it says of itself.
pub fn check_parquet(file: &ParquetMetaData) -> Result<()> {
    let rows = usize::try_from(file.file_metadata().num_rows()).unwrap_or(usize::MAX);
    let groups = file.row_groups().iter().map(|group| usize::try_from(group.total_byte_size()));
    let pages = groups.fold(0, |sum: usize, bytes| sum.saturating_add(bytes.unwrap_or(usize::MAX)));
    check(rows.saturating_mul(ROW_BYTES).max(pages))
}

/// The schema with every text as a view, so that reading a text that is stored once does not repeat it.
pub fn with_views(schema: &Schema) -> SchemaRef {
    let to_view = |field: &Field| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => field.clone().with_data_type(DataType::Utf8View),
        _ => field.clone(),
    };
    let fields: Vec<_> = schema.fields().iter().map(|field| to_view(field)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

pub fn check(bytes: usize) -> Result<()> {
    if bytes <= DECODED_BYTES {
        return Ok(());
    }
    let message = format!("the body holds more than {} MiB of rows; send it in parts", DECODED_BYTES >> 20);
    Err(Error::too_large(message))
}

/// Bytes of a column's texts, each row's counted.
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

/// The length of each text; none for numbers and times.
fn lengths(name: &str, column: &ArrayRef) -> Result<Vec<usize>> {
    match column.data_type() {
        DataType::Utf8 => Ok(between(column.as_string::<i32>().offsets())),
        DataType::LargeUtf8 => Ok(between(column.as_string::<i64>().offsets())),
        DataType::Utf8View => Ok(column.as_string_view().lengths().map(|length| length as usize).collect()),
        plain if plain.is_primitive() || matches!(plain, DataType::Boolean | DataType::Null) => {
            Ok(Vec::new())
        }
        other => {
            let message =
                format!("is of the type {other}; use numbers, times, texts or dictionaries of texts");
            Err(Error::field(format!("column `{name}`"), message))
        }
    }
}

fn between<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> Vec<usize> {
    offsets.windows(2).map(|pair| pair[1].as_usize().saturating_sub(pair[0].as_usize())).collect()
}

#[cfg(test)]
#[path = "size_tests.rs"]
mod tests;
