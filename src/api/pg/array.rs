//! One-dimensional PostgreSQL arrays, as clients bind them to `= ANY($1)`, in text and binary format. The text format
//! is in chapters 8.15.2 and 8.15.6 of PostgreSQL's manual, the binary one in `array_recv` of its source.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, ListArray, StringArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{CastOptions, cast_with_options, concat};
use arrow::datatypes::{DataType, Field};
use bytes::{Buf, Bytes};
use pgwire::api::Type;

use super::{scalar, types};

/// Maximum elements of one array: each takes some hundred bytes until the statement is planned.
pub const MAX_ARRAY_ELEMENTS: usize = 10_000;

/// Why an array cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum ArrayError {
    /// The bytes are not a value of the type.
    InvalidValue,
    /// The array has more than [`MAX_ARRAY_ELEMENTS`] elements.
    TooManyElements,
}

/// Wraps the elements in a list array of one row.
fn row(elements: ArrayRef) -> ArrayRef {
    let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    Arc::new(ListArray::new(field, offsets, elements, None))
}

/// Decodes the text format, such as `{1,2,NULL}`.
pub fn from_text(element: &Type, text: &str) -> Result<ArrayRef, ArrayError> {
    let target = types::arrow_type(element).ok_or(ArrayError::InvalidValue)?;
    let texts = parse(text)?;
    if target == DataType::Binary {
        let bytes = |text: &str| hex::decode(text.strip_prefix("\\x")?).ok();
        let read =
            |text: Option<String>| text.map(|text| bytes(&text).ok_or(ArrayError::InvalidValue)).transpose();
        let elements = texts.into_iter().map(read).collect::<Result<Vec<_>, ArrayError>>()?;
        return Ok(row(Arc::new(BinaryArray::from_iter(elements))));
    }
    let readable = |text: &String| {
        let readable = scalar::readable(text, element, &target).ok_or(ArrayError::InvalidValue);
        readable.map(Cow::into_owned)
    };
    let texts = texts.iter().map(|text| text.as_ref().map(readable).transpose());
    let texts: ArrayRef = Arc::new(texts.collect::<Result<StringArray, ArrayError>>()?);
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(row(cast_with_options(&texts, &target, &strict).map_err(|_| ArrayError::InvalidValue)?))
}

/// Splits the text format into its elements; `None` is NULL.
fn parse(text: &str) -> Result<Vec<Option<String>>, ArrayError> {
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or(ArrayError::InvalidValue)?;
    let mut elements = Vec::new();
    if inner.trim().is_empty() {
        return Ok(elements);
    }
    let mut rest = inner;
    loop {
        let (element, behind) = next(rest).ok_or(ArrayError::InvalidValue)?;
        elements.push(element);
        if elements.len() > MAX_ARRAY_ELEMENTS {
            return Err(ArrayError::TooManyElements);
        }
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if behind.is_empty() => return Ok(elements),
            None => return Err(ArrayError::InvalidValue),
        }
    }
}

/// Splits off the first element; returns it and the rest.
fn next(text: &str) -> Option<(Option<String>, &str)> {
    let text = text.trim_start();
    let is_quoted = text.starts_with('"');
    let mut element = String::new();
    let mut chars = text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => element.push(chars.next()?.1),
            '"' if is_quoted => return Some((Some(element), text[at + 1..].trim_start())),
            ',' if !is_quoted => return Some((unquoted(&element)?, &text[at..])),
            // Nested arrays are not supported.
            '{' | '}' | '"' if !is_quoted => return None,
            c => element.push(c),
        }
    }
    if is_quoted { None } else { Some((unquoted(&element)?, "")) }
}

/// An unquoted element: NULL or a non-empty word.
fn unquoted(word: &str) -> Option<Option<String>> {
    match word.trim() {
        "" => None,
        word if word.eq_ignore_ascii_case("null") => Some(None),
        word => Some(Some(word.to_owned())),
    }
}

/// Decodes the binary format: number of dimensions, null flag, element type, length and lower bound of each dimension,
/// then the elements.
pub fn from_binary(element: &Type, mut bytes: Bytes) -> Result<ArrayRef, ArrayError> {
    let target = types::arrow_type(element).ok_or(ArrayError::InvalidValue)?;
    let (dimensions, _has_nulls) = (int(&mut bytes)?, int(&mut bytes)?);
    if int(&mut bytes)?.cast_unsigned() != element.oid() {
        return Err(ArrayError::InvalidValue);
    }
    let count = match dimensions {
        0 => 0,
        1 => {
            let count = usize::try_from(int(&mut bytes)?).map_err(|_| ArrayError::InvalidValue)?;
            let _lower_bound = int(&mut bytes)?;
            count
        }
        _ => return Err(ArrayError::InvalidValue),
    };
    if count > MAX_ARRAY_ELEMENTS {
        return Err(ArrayError::TooManyElements);
    }
    let elements = (0..count)
        .map(|_| read_element(element, &target, &mut bytes))
        .collect::<Result<Vec<_>, ArrayError>>()?;
    if !bytes.is_empty() {
        return Err(ArrayError::InvalidValue);
    }
    if elements.is_empty() {
        return Ok(row(arrow::array::new_empty_array(&target)));
    }
    let elements: Vec<&dyn Array> = elements.iter().map(|element| &**element).collect();
    concat(&elements).map(row).map_err(|_| ArrayError::InvalidValue)
}

fn read_element(element: &Type, target: &DataType, bytes: &mut Bytes) -> Result<ArrayRef, ArrayError> {
    let length = int(bytes)?;
    if length == -1 {
        return Ok(new_null_array(target, 1));
    }
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= bytes.len())
        .ok_or(ArrayError::InvalidValue)?;
    scalar::from_binary(element, bytes.split_to(length)).ok_or(ArrayError::InvalidValue)
}

fn int(bytes: &mut Bytes) -> Result<i32, ArrayError> {
    bytes.try_get_i32().map_err(|_| ArrayError::InvalidValue)
}

/// Converts an argument of SQL `EXECUTE` to an array of this type: `'{1,2}'` or `ARRAY[1, 2]`.
pub fn from_value(element: &Type, value: &ArrayRef) -> Result<ArrayRef, ArrayError> {
    let target = types::arrow_type(element).ok_or(ArrayError::InvalidValue)?;
    let target = DataType::List(Arc::new(Field::new_list_field(target, true)));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |value: &ArrayRef, to: &DataType| {
        cast_with_options(value, to, &strict).map_err(|_| ArrayError::InvalidValue)
    };
    match value.data_type() {
        DataType::Null => Ok(new_null_array(&target, 1)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(value, &DataType::Utf8)?;
            match texts.as_string::<i32>().iter().next().flatten() {
                Some(text) => from_text(element, text),
                None => Ok(new_null_array(&target, 1)),
            }
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => cast(value, &target),
        _ => Err(ArrayError::InvalidValue),
    }
}

#[cfg(test)]
#[path = "array_tests.rs"]
mod tests;
