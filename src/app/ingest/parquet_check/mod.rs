//! What a Parquet file claims is checked here before a library believes it: its footer for depth and counts, its columns
//! for their types, its pages by what each says of itself. The pages' contents are not read, but where a compression or an
//! encoding has its lengths inside.

mod codec;
mod footer;
mod grammar;
mod lengths;
mod pages;
mod thrift;

use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type;

use super::size;
use crate::domain::{Error, Result};

/// Bytes of a value of fixed length: the widest decimal.
const MAX_FIXED_BYTES: i32 = 32;

/// A file that was checked, and how to read it.
pub struct CheckedFile {
    pub body: Bytes,
    pub metadata: ArrowReaderMetadata,
    /// What its pages take once they are decompressed.
    pub bytes: usize,
}

/// Checks a file.
///
/// # Errors
/// `Invalid` when it is damaged or has what is not read here, `TooLarge` when its rows would not fit a request.
pub fn check(body: Bytes) -> Result<CheckedFile> {
    footer::check(&body)?;
    let read = |options| {
        ArrowReaderMetadata::load(&body, options)
            .map_err(|e| Error::invalid(format!("the Parquet file cannot be read: {e}")).because(e))
    };
    let found = read(ArrowReaderOptions::new())?;
    size::check_parquet(found.metadata())?;
    size::check_types(found.schema())?;
    size::check_names(found.schema())?;
    check_widths(&found)?;
    let pages = pages::check(&body, found.metadata())?;
    lengths::check(&body, found.metadata(), &pages.with_lengths)?;
    let metadata = read(ArrowReaderOptions::new().with_schema(size::with_views(found.schema())))?;
    Ok(CheckedFile { body, metadata, bytes: pages.bytes })
}

/// Values are as long as their types have it: a long one in a dictionary would be written out for every row.
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
