//! Values of datastreams: from JSON by the kind of the stream, and back. Pure.

use serde_json::{Number, Value};

use crate::app::value_parsing;
use crate::domain::integer::exact_integer;
use crate::domain::stream::{StreamKind, StreamSpec};

/// Longest text that a datastream takes, bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// Number and text of a reading; a numeric kind has the number, any other the text.
pub type Content = (Option<f64>, Option<Box<str>>);

/// Returns what is stored for a value, or `None` when the stream does not take it. Numbers are moved to the nearest
/// that the bounds of the stream allow. JSON is sent as a text.
pub fn parse(spec: &StreamSpec, input: &Value) -> Option<Content> {
    match spec.kind {
        StreamKind::Text => short_text(input).map(|text| (None, Some(text.into()))),
        StreamKind::Json => {
            let document: Value = serde_json::from_str(short_text(input)?).ok()?;
            Some((None, Some(document.to_string().into())))
        }
        StreamKind::Location => value_parsing::parse_reading_value(spec, input).ok(),
        _ => {
            let (value, text) = value_parsing::parse_reading_value(spec, input).ok()?;
            clamp(spec, value?, text)
        }
    }
}

fn short_text(input: &Value) -> Option<&str> {
    input.as_str().filter(|text| text.len() <= MAX_TEXT_BYTES)
}

fn clamp(spec: &StreamSpec, value: f64, text: Option<Box<str>>) -> Option<Content> {
    let bounded = spec.clamp(value);
    if bounded == value {
        return Some((Some(value), text));
    }
    let nearest = match spec.kind.integer_range().filter(|_| !spec.is_scaled()) {
        Some(_) if bounded < value => integer(bounded.floor())?,
        Some(_) => integer(bounded.ceil())?,
        None => Number::from_f64(bounded)?,
    };
    value_parsing::parse_reading_value(spec, &Value::Number(nearest)).ok()
}

/// The integer of a whole number, if it has at most 64 bits.
fn integer(whole: f64) -> Option<Number> {
    // Saturates, which lies beyond 64 bits.
    let whole = whole as i128;
    let positive = u64::try_from(whole).map(Number::from);
    positive.or_else(|_| i64::try_from(whole).map(Number::from)).ok()
}

/// Returns a stored value as JSON: integers of 64 bits exactly, a location as its pair, JSON as a compact text; `None`
/// when there is none.
pub fn to_json(kind: StreamKind, value: Option<f64>, text: Option<&str>) -> Option<Value> {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (kind, text) {
        (StreamKind::Location, Some(text)) => Some(parsed(text).unwrap_or_else(|| text.into())),
        (StreamKind::Json, Some(text)) => {
            // A columnar write may hold any text.
            Some(parsed(text).map_or_else(|| text.to_owned(), |document| document.to_string()).into())
        }
        (kind, Some(digits)) if kind.is_wide_integer() => {
            Some(parsed(digits).filter(Value::is_number).unwrap_or_else(|| digits.into()))
        }
        (_, Some(text)) => Some(text.into()),
        (_, None) => number(value?),
    }
}

fn number(value: f64) -> Option<Value> {
    exact_integer(value).map(Number::from).or_else(|| Number::from_f64(value)).map(Value::Number)
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
