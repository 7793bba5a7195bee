//! Texts of arrays, as PostgreSQL shows them and casts them: `{1,NULL,"a b"}`. Arrow writes `[1, , a b]`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StringBuilder, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::return_field::as_nullable_as_arguments;
use super::text;
use crate::domain::Error;

/// Returns the texts of a column of arrays.
///
/// # Errors
/// A time that does not fit in microseconds, or a span of more days than an interval has.
pub fn texts(lists: &ListArray) -> Result<ArrayRef> {
    let elements = element_texts(lists.values())?;
    let elements = elements.as_string::<i32>();
    let is_nested = matches!(lists.value_type(), DataType::List(_));
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

/// Returns the texts of the elements of arrays, of which some differ from those of columns.
pub(super) fn element_texts(elements: &ArrayRef) -> Result<ArrayRef> {
    match elements.data_type() {
        DataType::Null => Ok(new_null_array(&DataType::Utf8, elements.len())),
        DataType::List(_) => texts(elements.as_list()),
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
        _ => Ok(cast(elements, &DataType::Utf8)?),
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

/// `text_of_array(array)`: an array as text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TextOfArray {
    signature: Signature,
}

impl Default for TextOfArray {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

/// Refuses to cast a text to an array, of which DataFusion (55) makes an array of the one text. Constants are arrays before this.
///
/// # Errors
/// `Invalid` that says what to write instead.
pub(super) fn refuse_array_of(source: &DataType) -> Result<()> {
    if !source.is_string() {
        return Ok(());
    }
    let message = "has a text that is cast to an array and is none of one dimension: write it as in ARRAY['a', 'b'] or '{a,\"b,c\"}', and \
                   divide a column by string_to_array(column, ',')";
    Err(DataFusionError::External(Box::new(Error::field("query", message))))
}

/// The function for a cast to text of an expression of this type; `None` for one that is no array.
pub(super) fn cast_to_text(source: &DataType) -> Option<ScalarUDF> {
    matches!(source, DataType::List(_)).then(|| ScalarUDF::from(TextOfArray::default()))
}

impl ScalarUDFImpl for TextOfArray {
    fn name(&self) -> &str {
        "text_of_array"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists] = args.args.as_slice() else { return exec_err!("text_of_array takes one array") };
        let lists = lists.to_array(args.number_rows)?;
        match lists.as_list_opt::<i32>() {
            Some(lists) => Ok(ColumnarValue::Array(texts(lists)?)),
            None => exec_err!("text_of_array takes an array"),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, BooleanArray, Float64Array, TimestampMicrosecondArray, new_empty_array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;

    use super::*;

    fn shown(elements: ArrayRef) -> String {
        let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([elements.len()]);
        let texts = texts(&ListArray::new(field, offsets, elements, None)).unwrap();
        texts.as_string::<i32>().value(0).to_owned()
    }

    #[test]
    fn elements_are_quoted_where_postgresql_quotes_them() {
        let words = vec![Some("a"), None, Some(""), Some("null"), Some("a b"), Some("say \"\\\""), Some("ü")];
        assert_eq!(shown(Arc::new(StringArray::from(words))), r#"{a,NULL,"","null","a b","say \"\\\"",ü}"#);
        let times = TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC");
        assert_eq!(shown(Arc::new(times)), r#"{"1970-01-01 00:00:00+00"}"#);
        assert_eq!(shown(Arc::new(BooleanArray::from(vec![true, false]))), "{t,f}");
        assert_eq!(shown(Arc::new(Float64Array::from(vec![1.0, 0.5]))), "{1,0.5}");
        assert_eq!(shown(Arc::new(BinaryArray::from_vec(vec![b"\x01"]))), r#"{"\\x01"}"#);
        assert_eq!(shown(new_empty_array(&DataType::Int64)), "{}");
    }
}
