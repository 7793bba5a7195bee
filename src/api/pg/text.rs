//! Texts of the values of results, as PostgreSQL shows them: those that SQL casts to, and decimals and arrays.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::array_text;
use crate::app::sql::{has_value_text, value_texts};

/// Whether a column of this type has texts of ours in the text format; the encoder writes the others.
pub fn has_own_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal128(..) => true,
        DataType::List(element) => array_text::has_own_text(element.data_type()),
        other => has_value_text(other),
    }
}

/// Returns the texts of such a column.
///
/// # Errors
/// A time that does not fit in microseconds, or a span of more days than an interval has.
pub fn texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::List(_) => array_text::texts(column),
        DataType::Decimal128(..) => cast(column, &DataType::Utf8),
        _ => value_texts(column).map_err(|why| ArrowError::ExternalError(Box::new(why))),
    }
}
