//! Texts of the values of results, as PostgreSQL shows them: those that SQL casts to, and decimals and arrays.

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::app::sql::{array_texts, has_value_text, value_texts};
use crate::domain::Error;

/// Whether a column of this type has texts of ours in the text format; the encoder writes the others.
pub fn has_own_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal128(..) => true,
        DataType::List(element) => has_element_text(element.data_type()),
        other => has_value_text(other),
    }
}

/// Returns the texts of such a column.
///
/// # Errors
/// A time that does not fit in microseconds, or a span of more days than an interval has.
pub fn texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::List(_) => array_texts(column.as_list()).map_err(external),
        DataType::Decimal128(..) => cast(column, &DataType::Utf8),
        _ => value_texts(column).map_err(external),
    }
}

fn external(why: Error) -> ArrowError {
    ArrowError::ExternalError(Box::new(why))
}

/// Whether arrays with elements of this type have texts of ours.
fn has_element_text(element: &DataType) -> bool {
    match element {
        DataType::List(inner) => has_element_text(inner.data_type()),
        other => !other.is_nested(),
    }
}
