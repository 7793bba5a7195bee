//! Texts of the values of results, as PostgreSQL shows them: those that SQL casts to, and decimals and arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::array_text;
use crate::app::sql::{has_value_text, value_texts};

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
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let elements = element_texts(lists.values())?;
            Ok(Arc::new(array_text::texts(lists, elements.as_string())))
        }
        DataType::Decimal128(..) => cast(column, &DataType::Utf8),
        _ => value_texts(column).map_err(|why| ArrowError::ExternalError(Box::new(why))),
    }
}

/// Whether arrays with elements of this type have texts of ours.
fn has_element_text(element: &DataType) -> bool {
    match element {
        DataType::List(inner) => has_element_text(inner.data_type()),
        other => !other.is_nested(),
    }
}

/// Returns the texts of the elements of arrays, of which some differ from those of columns.
fn element_texts(elements: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match elements.data_type() {
        DataType::Null => Ok(new_null_array(&DataType::Utf8, elements.len())),
        DataType::Boolean => {
            let shown = |value| if value { "t" } else { "f" };
            let texts = elements.as_boolean().iter().map(|value| value.map(shown));
            Ok(Arc::new(texts.collect::<StringArray>()))
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            let bytes = cast(elements, &DataType::Binary)?;
            let shown = |value: &[u8]| format!("\\x{}", hex::encode(value));
            let texts = bytes.as_binary::<i32>().iter().map(|value| value.map(shown));
            Ok(Arc::new(texts.collect::<StringArray>()))
        }
        own if has_own_text(own) => texts(elements),
        _ => cast(elements, &DataType::Utf8),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ListArray, TimestampMicrosecondArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;

    use super::*;

    fn shown(elements: ArrayRef) -> String {
        let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([elements.len()]);
        let list: ArrayRef = Arc::new(ListArray::new(field, offsets, elements, None));
        texts(&list).unwrap().as_string::<i32>().value(0).to_owned()
    }

    #[test]
    fn elements_are_quoted_where_postgresql_quotes_them() {
        let words = vec![Some("a"), None, Some(""), Some("null"), Some("a b"), Some("say \"\\\""), Some("ü")];
        assert_eq!(shown(Arc::new(StringArray::from(words))), r#"{a,NULL,"","null","a b","say \"\\\"",ü}"#);
        let times = TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC");
        assert_eq!(shown(Arc::new(times)), r#"{"1970-01-01 00:00:00+00"}"#);
        assert_eq!(shown(Arc::new(arrow::array::BooleanArray::from(vec![true, false]))), "{t,f}");
        assert_eq!(shown(Arc::new(arrow::array::Float64Array::from(vec![1.0, 0.5]))), "{1,0.5}");
        assert_eq!(shown(Arc::new(arrow::array::BinaryArray::from_vec(vec![b"\x01"]))), r#"{"\\x01"}"#);
        assert_eq!(shown(arrow::array::new_empty_array(&DataType::Int64)), "{}");
    }
}
