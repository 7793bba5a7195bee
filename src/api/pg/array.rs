//! Values that are arrays, as clients bind them to `= ANY($1)`: of one dimension, in either of their forms. Chapters 8.15.2
//! and 8.15.6 of PostgreSQL's manual have the text, `array_recv` in its source has the bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, ListArray, StringArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{CastOptions, cast_with_options, concat};
use arrow::datatypes::{DataType, Field};
use bytes::{Buf, Bytes};
use pgwire::api::Type;

use super::types;

/// Elements of one value: each takes some hundred bytes until it is planned.
pub const MOST: usize = 10_000;

/// Arrays and what they are of.
const ARRAYS: [(Type, Type); 19] = [
    (Type::BOOL_ARRAY, Type::BOOL),
    (Type::INT2_ARRAY, Type::INT2),
    (Type::INT4_ARRAY, Type::INT4),
    (Type::INT8_ARRAY, Type::INT8),
    (Type::OID_ARRAY, Type::OID),
    (Type::FLOAT4_ARRAY, Type::FLOAT4),
    (Type::FLOAT8_ARRAY, Type::FLOAT8),
    (Type::NUMERIC_ARRAY, Type::NUMERIC),
    (Type::TEXT_ARRAY, Type::TEXT),
    (Type::VARCHAR_ARRAY, Type::VARCHAR),
    (Type::BPCHAR_ARRAY, Type::BPCHAR),
    (Type::NAME_ARRAY, Type::NAME),
    (Type::UUID_ARRAY, Type::UUID),
    (Type::BYTEA_ARRAY, Type::BYTEA),
    (Type::DATE_ARRAY, Type::DATE),
    (Type::TIME_ARRAY, Type::TIME),
    (Type::TIMESTAMP_ARRAY, Type::TIMESTAMP),
    (Type::TIMESTAMPTZ_ARRAY, Type::TIMESTAMPTZ),
    (Type::INTERVAL_ARRAY, Type::INTERVAL),
];

/// What an array is of; `None` for what is no array.
pub fn element(declared: &Type) -> Option<Type> {
    ARRAYS.iter().find(|(array, _)| array == declared).map(|(_, element)| element.clone())
}

/// The array of a type.
pub fn of(element: &Type) -> Option<Type> {
    ARRAYS.iter().find(|(_, own)| own == element).map(|(array, _)| array.clone())
}

/// Why bytes are no value.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// They are none of its type.
    Value,
    /// More elements than are taken.
    TooMany,
}

/// Elements, as an array of one row.
fn row(elements: ArrayRef) -> ArrayRef {
    let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    Arc::new(ListArray::new(field, offsets, elements, None))
}

/// `{1,2,NULL}`.
pub fn from_text(element: &Type, text: &str) -> Result<ArrayRef, Wrong> {
    let target = types::arrow_type(element).ok_or(Wrong::Value)?;
    let texts = parse(text)?;
    if target == DataType::Binary {
        let bytes = |text: &str| hex::decode(text.strip_prefix("\\x")?).ok();
        let read = |text: Option<String>| text.map(|text| bytes(&text).ok_or(Wrong::Value)).transpose();
        let elements = texts.into_iter().map(read).collect::<Result<Vec<_>, Wrong>>()?;
        return Ok(row(Arc::new(BinaryArray::from_iter(elements))));
    }
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    Ok(row(cast_with_options(&texts, &target, &strict).map_err(|_| Wrong::Value)?))
}

/// The elements of a text; one that is not there is NULL.
fn parse(text: &str) -> Result<Vec<Option<String>>, Wrong> {
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or(Wrong::Value)?;
    let mut elements = Vec::new();
    if inner.trim().is_empty() {
        return Ok(elements);
    }
    let mut rest = inner;
    loop {
        let (element, behind) = next(rest).ok_or(Wrong::Value)?;
        elements.push(element);
        if elements.len() > MOST {
            return Err(Wrong::TooMany);
        }
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if behind.is_empty() => return Ok(elements),
            None => return Err(Wrong::Value),
        }
    }
}

/// The first element, and what follows it.
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
            // Of one dimension: there is no array within.
            '{' | '}' | '"' if !is_quoted => return None,
            c => element.push(c),
        }
    }
    if is_quoted { None } else { Some((unquoted(&element)?, "")) }
}

/// A bare word, which may be NULL and not be nothing.
fn unquoted(word: &str) -> Option<Option<String>> {
    match word.trim() {
        "" => None,
        word if word.eq_ignore_ascii_case("null") => Some(None),
        word => Some(Some(word.to_owned())),
    }
}

/// Dimensions, whether there are nulls, the elements' type, of each dimension length and lower bound, then the elements.
pub fn from_binary(element: &Type, mut bytes: Bytes) -> Result<ArrayRef, Wrong> {
    let target = types::arrow_type(element).ok_or(Wrong::Value)?;
    let (dimensions, _has_nulls) = (int(&mut bytes)?, int(&mut bytes)?);
    if int(&mut bytes)?.cast_unsigned() != element.oid() {
        return Err(Wrong::Value);
    }
    let count = match dimensions {
        0 => 0,
        1 => {
            let count = usize::try_from(int(&mut bytes)?).map_err(|_| Wrong::Value)?;
            let _lower_bound = int(&mut bytes)?;
            count
        }
        _ => return Err(Wrong::Value),
    };
    if count > MOST {
        return Err(Wrong::TooMany);
    }
    let elements =
        (0..count).map(|_| one(element, &target, &mut bytes)).collect::<Result<Vec<_>, Wrong>>()?;
    if !bytes.is_empty() {
        return Err(Wrong::Value);
    }
    if elements.is_empty() {
        return Ok(row(arrow::array::new_empty_array(&target)));
    }
    let elements: Vec<&dyn Array> = elements.iter().map(|element| &**element).collect();
    concat(&elements).map(row).map_err(|_| Wrong::Value)
}

fn one(element: &Type, target: &DataType, bytes: &mut Bytes) -> Result<ArrayRef, Wrong> {
    let length = int(bytes)?;
    if length == -1 {
        return Ok(new_null_array(target, 1));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len()).ok_or(Wrong::Value)?;
    types::from_binary(element, bytes.split_to(length)).ok_or(Wrong::Value)
}

fn int(bytes: &mut Bytes) -> Result<i32, Wrong> {
    bytes.try_get_i32().map_err(|_| Wrong::Value)
}

/// A value of SQL's own EXECUTE as an array of this type: `'{1,2}'` is one, as is `ARRAY[1, 2]`.
pub fn from_value(element: &Type, value: &ArrayRef) -> Result<ArrayRef, Wrong> {
    let target = types::arrow_type(element).ok_or(Wrong::Value)?;
    let target = DataType::List(Arc::new(Field::new_list_field(target, true)));
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let cast =
        |value: &ArrayRef, to: &DataType| cast_with_options(value, to, &strict).map_err(|_| Wrong::Value);
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
        _ => Err(Wrong::Value),
    }
}

#[cfg(test)]
#[path = "array_tests.rs"]
mod tests;
