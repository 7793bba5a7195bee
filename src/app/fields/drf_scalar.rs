//! Conversion of JSON values to scalars with Django REST framework's leniency and error messages. Pure.
//!
//! It differs in two points: a boolean is never a number, and NaN and infinities never pass in any spelling.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Number, Value};

use crate::domain::Micros;

/// Message of a value that is not a whole number.
pub const INTEGER: &str = "A valid integer is required.";
/// Message of a value that is not a finite number.
pub const NUMBER: &str = "A valid number is required.";
/// Message of a value that is not a boolean in any of the accepted spellings.
pub const BOOLEAN: &str = "Must be a valid boolean.";
/// Message of a value that is not a string.
pub const STRING: &str = "Not a valid string.";
/// Message of a string with a NUL character, which a PostgreSQL catalog cannot store.
pub const NUL: &str = "Null characters are not allowed.";
/// Message of a value that is not a time.
pub const DATETIME: &str = "Datetime has wrong format. Use one of these formats instead: \
                            YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";

/// End of the message of a word outside a closed set.
const NOT_A_CHOICE: &str = " is not a valid choice.";

/// The Python name of a JSON value's type, as the framework's messages use it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// A string; a number counts as its text.
pub fn text(value: Value) -> Result<String, String> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(STRING.into()),
    };
    if text.contains('\0') { Err(NUL.into()) } else { Ok(text) }
}

/// A boolean, also as 0, 1 or one of the framework's words.
pub fn boolean(value: Value) -> Result<bool, String> {
    match &value {
        Value::Bool(is_true) => return Ok(*is_true),
        Value::Number(number) if number.as_f64() == Some(1.0) => return Ok(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => return Ok(false),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => return Ok(true),
            "false" | "f" | "no" | "n" | "off" | "0" => return Ok(false),
            _ => {}
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    Err(BOOLEAN.into())
}

/// A whole number, also as `12.0` or as text. Numbers beyond 128 bits count as the nearest one.
pub fn whole(value: &Value) -> Result<i128, String> {
    match value {
        Value::Number(number) => whole_number(number),
        Value::String(text) => whole_text(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
    .ok_or_else(|| INTEGER.to_owned())
}

fn whole_number(number: &Number) -> Option<i128> {
    let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    exact.or_else(|| number.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i128))
}

/// Digits with an optional sign; a fraction of zeros is dropped as the framework drops it.
pub fn whole_text(text: &str) -> Option<i128> {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    let (is_negative, digits) = match whole.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, whole.strip_prefix('+').unwrap_or(whole)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // All digits, so the only way to fail is to be too large.
    let size: i128 = digits.parse().unwrap_or(i128::MAX);
    Some(if is_negative { -size } else { size })
}

/// Fails outside the range with a message naming the violated bound.
pub fn within(number: i128, range: RangeInclusive<i128>) -> Result<i128, String> {
    if number < *range.start() {
        return Err(format!("Ensure this value is greater than or equal to {}.", range.start()));
    }
    if number > *range.end() {
        return Err(format!("Ensure this value is less than or equal to {}.", range.end()));
    }
    Ok(number)
}

/// A finite number, also as text.
pub fn number(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.filter(|n| n.is_finite()).ok_or_else(|| NUMBER.to_owned())
}

/// A JSON object without NUL characters, which PostgreSQL cannot store.
pub fn object(value: Value) -> Result<Map<String, Value>, String> {
    if holds_nul(&value) {
        return Err(NUL.into());
    }
    match value {
        Value::Object(map) => Ok(map),
        other => Err(format!("Expected a dictionary of items but got type \"{}\".", type_name(&other))),
    }
}

/// A JSON list.
pub fn list(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("Expected a list of items but got type \"{}\".", type_name(&other))),
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(map) => map.iter().any(|(key, item)| key.contains('\0') || holds_nul(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A row id, also as text. An integer that cannot be one names a row that does not exist.
pub fn row_id(value: &Value) -> Result<i32, String> {
    let mistyped = || format!("Incorrect type. Expected pk value, received {}.", type_name(value));
    let number = whole(value).map_err(|_| mistyped())?;
    i32::try_from(number).ok().filter(|id| *id > 0).ok_or_else(|| no_such_row(number))
}

/// The message for an id of no existing row.
pub fn no_such_row(id: impl std::fmt::Display) -> String {
    format!("Invalid pk \"{id}\" - object does not exist.")
}

/// ISO-8601 text, or epoch seconds as a number or as text.
pub fn timestamp(value: &Value) -> Result<Micros, String> {
    let parsed = match value {
        Value::String(text) => Micros::parse(text),
        Value::Number(number) => Micros::parse(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    parsed.ok_or_else(|| DATETIME.to_owned())
}

/// One of a closed set of words. Any other value counts as its JSON text.
pub fn choice<T: FromStr>(value: &Value) -> Result<T, String> {
    choice_by(value, |word| word.parse().ok())
}

/// One of the words that `parse` knows. Any other value counts as its JSON text.
pub fn choice_by<T>(value: &Value, parse: fn(&str) -> Option<T>) -> Result<T, String> {
    let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    parse(&word).ok_or_else(|| not_a_choice(&word))
}

/// The message for a word outside a closed set.
pub fn not_a_choice(input: &str) -> String {
    format!("\"{input}\"{NOT_A_CHOICE}")
}

/// Whether a message is that for a word outside a closed set, and says no more.
pub fn is_not_a_choice(message: &str) -> bool {
    message.ends_with(NOT_A_CHOICE)
}

#[cfg(test)]
#[path = "drf_scalar_tests.rs"]
mod tests;
