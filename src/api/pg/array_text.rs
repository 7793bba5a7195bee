//! Text format of arrays, as PostgreSQL shows them: `{1,NULL,"a b"}`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::text;

/// Whether arrays with elements of this type have texts of ours.
pub fn has_own_text(element: &DataType) -> bool {
    match element {
        DataType::List(inner) => has_own_text(inner.data_type()),
        other => !other.is_nested(),
    }
}

/// Returns the texts of a column of lists.
///
/// # Errors
/// An element that has no text.
pub fn texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let lists = column.as_list::<i32>();
    let is_nested = matches!(lists.value_type(), DataType::List(_));
    let elements = element_texts(lists.values())?;
    let elements = elements.as_string::<i32>();
    let (mut texts, mut text) = (StringBuilder::new(), String::new());
    for row in 0..lists.len() {
        if lists.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        text.push('{');
        // Offsets of lists are never negative.
        let (first, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
        for at in first..end {
            if at > first {
                text.push(',');
            }
            match elements.is_valid(at).then(|| elements.value(at)) {
                None => text.push_str("NULL"),
                Some(element) if !is_nested && needs_quotes(element) => write_quoted(&mut text, element),
                Some(element) => text.push_str(element),
            }
        }
        text.push('}');
        texts.append_value(&text);
    }
    Ok(Arc::new(texts.finish()))
}

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
        own if text::has_own_text(own) => text::texts(elements),
        _ => cast(elements, &DataType::Utf8),
    }
}

/// Whether an element is written in quotes (`array_out`).
fn needs_quotes(element: &str) -> bool {
    let is_special = |c: char| matches!(c, '{' | '}' | '"' | '\\' | ',') || c.is_ascii_whitespace();
    element.is_empty() || element.eq_ignore_ascii_case("null") || element.contains(is_special)
}

fn write_quoted(out: &mut String, element: &str) {
    out.push('"');
    for c in element.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
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
