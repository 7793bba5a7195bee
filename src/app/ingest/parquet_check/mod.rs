//! Validates a Parquet file before a library reads it: its footer for depth and counts, its columns for their types,
//! its pages by their headers. Page contents are read only where a compression or an encoding stores lengths inside.

mod codec;
mod footer;
mod pages;
mod text_counts;
mod thrift;
mod thrift_schema;

use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type;

use super::size;
use crate::domain::{Error, Result};

/// Maximum bytes of a fixed-length value: the widest decimal.
const MAX_FIXED_BYTES: i32 = 32;

/// A checked file with its metadata.
pub struct CheckedFile {
    pub body: Bytes,
    pub metadata: ArrowReaderMetadata,
    /// Decompressed size of its pages, bytes.
    pub bytes: usize,
}

/// Checks a file.
///
/// # Errors
/// `Invalid` when it is damaged or uses unsupported features; `TooLarge` when its rows would not fit a request.
pub fn check(body: Bytes) -> Result<CheckedFile> {
    footer::check(&body)?;
    let read = |options| {
        ArrowReaderMetadata::load(&body, options)
            .map_err(|e| Error::invalid(format!("the Parquet file cannot be read: {e}")).with_source(e))
    };
    let found = read(ArrowReaderOptions::new())?;
    size::check_parquet(found.metadata())?;
    size::check_types(found.schema())?;
    size::check_names(found.schema())?;
    check_widths(&found)?;
    let pages = pages::check(&body, found.metadata())?;
    text_counts::check(&body, found.metadata(), &pages.with_lengths)?;
    let metadata = read(ArrowReaderOptions::new().with_schema(size::with_views(found.schema())))?;
    Ok(CheckedFile { body, metadata, bytes: pages.bytes })
}

/// Checks the width of values: a long value in a dictionary would be repeated for every row.
fn check_widths(found: &ArrowReaderMetadata) -> Result<()> {
    for column in found.parquet_schema().columns() {
        let is_decimal = found.schema().field_with_name(column.name()).is_ok_and(|field| {
            matches!(field.data_type(), DataType::Decimal32(..) | DataType::Decimal64(..))
                || matches!(field.data_type(), DataType::Decimal128(..) | DataType::Decimal256(..))
        });
        let is_wide = match column.physical_type() {
            Type::FIXED_LEN_BYTE_ARRAY => column.type_length() > MAX_FIXED_BYTES,
            Type::BYTE_ARRAY => is_decimal,
            _ => false,
        };
        if is_wide {
            let message =
                format!("has values of more than {MAX_FIXED_BYTES} bytes, or of any length; use numbers");
            return Err(Error::field(format!("column `{}`", column.name()), message));
        }
    }
    Ok(())
}

fn damaged(what: &str) -> Error {
    Error::invalid(format!("the Parquet file cannot be read: {what}"))
}

#[cfg(test)]
#[path = "parquet_check_tests.rs"]
mod tests;
