//! Converts a posted JSON value to a reading or a register value by its kind. Pure.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::collect::numeric_value::NumericValue as Raw;
use crate::domain::integer::{self, NumericInput};
use crate::domain::stream::{StreamKind, StreamSpec};

/// Integers up to this size are exact as f64; larger ones are also stored as decimal text.
const MAX_EXACT_INTEGER: i128 = 1 << 53;

/// Returns `value` and `text` of the reading, or the message for the field `value`.
///
/// Integer kinds take whole numbers within their type, and floats numbers up to the largest of theirs. A scaled stream
/// holds engineering values, so any finite number is valid there. Numbers written as text are refused.
pub fn parse_reading_value(
    spec: &StreamSpec,
    input: &Value,
) -> Result<(Option<f64>, Option<Box<str>>), String> {
    if let Some(range) = spec.kind.integer_range().filter(|_| !spec.is_scaled()) {
        return integer(input, &range);
    }
    match spec.kind {
        StreamKind::Bit => bit(input).map(|on| (Some(on), None)),
        StreamKind::Fp16 | StreamKind::Fp32 | StreamKind::Fp64 if !spec.is_scaled() => {
            float(spec.kind, input).map(|n| (Some(n), None))
        }
        StreamKind::Enum
        | StreamKind::Byte
        | StreamKind::Int16
        | StreamKind::Int32
        | StreamKind::Int64
        | StreamKind::Uint16
        | StreamKind::Uint32
        | StreamKind::Uint64
        | StreamKind::Fp16
        | StreamKind::Fp32
        | StreamKind::Fp64 => number(input).map(|n| (Some(n), None)),
        StreamKind::Text => string(input).map(|text| (None, Some(text))),
        StreamKind::Json => Ok((None, Some(input.to_string().into()))),
        StreamKind::Location => location(input).map(|text| (None, Some(text))),
    }
}

/// Returns a number for a device register as the register stores it: integers within their type and exact, floats up
/// to the largest finite one. Or returns the message for the field `value`.
pub fn parse_register_value(kind: StreamKind, input: &Value) -> Result<Raw, String> {
    if kind == StreamKind::Bit {
        return bit(input).map(|on| Raw::Bit(on == 1.0));
    }
    if let Some(range) = kind.integer_range() {
        let whole = integer_in(input, &range)?;
        let exact = u64::try_from(whole).map(Raw::Uint).or_else(|_| i64::try_from(whole).map(Raw::Int));
        return exact.map_err(|_| "A valid integer is required.".to_owned());
    }
    float(kind, input).map(Raw::Float)
}

/// A number up to the largest finite one of a float.
fn float(kind: StreamKind, input: &Value) -> Result<f64, String> {
    let largest = kind.largest_float().unwrap_or(f64::MAX);
    let number = number(input)?;
    if number > largest {
        return Err(format!("Ensure this value is less than or equal to {largest:?}."));
    }
    if number < -largest {
        return Err(format!("Ensure this value is greater than or equal to {:?}.", -largest));
    }
    Ok(number)
}

fn bit(input: &Value) -> Result<f64, String> {
    match input {
        Value::Bool(on) => Some(f64::from(u8::from(*on))),
        // The sign of -0 would be that of the minimum in statistics.
        Value::Number(n) => n.as_f64().filter(|n| *n == 0.0 || *n == 1.0).map(f64::abs),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
    .ok_or_else(|| "Must be a valid boolean.".to_owned())
}

fn number(input: &Value) -> Result<f64, String> {
    input.as_f64().filter(|n| n.is_finite()).ok_or_else(|| "A valid number is required.".to_owned())
}

fn integer(input: &Value, range: &RangeInclusive<i128>) -> Result<(Option<f64>, Option<Box<str>>), String> {
    let whole = integer_in(input, range)?;
    let text = (whole.abs() > MAX_EXACT_INTEGER).then(|| whole.to_string().into());
    Ok((Some(whole as f64), text))
}

fn integer_in(input: &Value, range: &RangeInclusive<i128>) -> Result<i128, String> {
    let number = number(input)?;
    let exact = input.as_i64().map(i128::from).or_else(|| input.as_u64().map(i128::from));
    integer::integer_in_range(exact.map_or(NumericInput::Float(number), NumericInput::Integer), range)
}

/// Returns a text, or the message for the field `value`.
pub fn string(input: &Value) -> Result<Box<str>, String> {
    input.as_str().map(Into::into).ok_or_else(|| "Not a valid string.".to_owned())
}

/// `[longitude, latitude]` in degrees.
fn location(input: &Value) -> Result<Box<str>, String> {
    let pair = input.as_array().filter(|pair| pair.len() == 2);
    let degrees = pair.and_then(|pair| Some((pair[0].as_f64()?, pair[1].as_f64()?)));
    let is_on_earth = |(lon, lat): &(f64, f64)| lon.abs() <= 180.0 && lat.abs() <= 90.0;
    if degrees.as_ref().is_some_and(is_on_earth) {
        return Ok(input.to_string().into());
    }
    Err("Expected [longitude, latitude], two numbers within -180..180 and -90..90.".into())
}

#[cfg(test)]
#[path = "value_parsing_tests.rs"]
mod tests;
