//! The second section of a line: field keys and typed values.

use std::borrow::Cow;

use super::{LineError, unescape, utf8};

/// A value with the type that its notation gives.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue<'a> {
    /// Finite.
    Float(f64),
    /// `12i`
    Int(i64),
    /// `12u`
    Uint(u64),
    Bool(bool),
    Text(Cow<'a, str>),
}

/// Iterates over the fields of a section. It ends after the first error.
#[derive(Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Starts at the first field of a section that is not empty.
    pub fn new(section: &'a [u8]) -> Self {
        Self { rest: Some(section) }
    }
}

impl<'a> Iterator for Fields<'a> {
    /// The key as it was sent, with its escapes, and the value.
    type Item = Result<(&'a [u8], FieldValue<'a>), LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let section = self.rest.take()?;
        let Some(equals) = find_unescaped(section, |byte| byte == b'=' || byte == b',') else {
            return Some(Err(no_field(section)));
        };
        if section[equals] != b'=' || equals == 0 {
            return Some(Err(no_field(section)));
        }
        let (key, value) = (&section[..equals], &section[equals + 1..]);
        let end = match value.first() {
            Some(b'"') => end_of_text(value),
            _ => value.iter().position(|byte| *byte == b',').unwrap_or(value.len()),
        };
        match value.get(end) {
            None => {}
            Some(b',') => self.rest = Some(&value[end + 1..]),
            Some(_) => return Some(Err(no_field(section))),
        }
        let parsed = parse_value(&value[..end]);
        if parsed.is_err() {
            self.rest = None;
        }
        Some(parsed.map(|value| (key, value)))
    }
}

/// Returns a field key without its escapes.
///
/// # Errors
/// Bytes that are not UTF-8.
pub fn parse_key(key: &[u8]) -> Result<Cow<'_, str>, LineError> {
    Ok(unescape(utf8(key)?, super::series::KEY_ESCAPES))
}

fn no_field(section: &[u8]) -> LineError {
    let shown: String = String::from_utf8_lossy(section).chars().take(40).collect();
    format!("`{shown}` is no field: `key=value` is expected").into()
}

fn find_unescaped(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if is_wanted(byte) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Index after the closing quote of a quoted text, or the end.
fn end_of_text(value: &[u8]) -> usize {
    find_unescaped(&value[1..], |byte| byte == b'"').map_or(value.len(), |offset| offset + 2)
}

fn parse_value(value: &[u8]) -> Result<FieldValue<'_>, LineError> {
    match value {
        [] => Err("a field has no value".into()),
        [b'"', text @ .., b'"'] => Ok(FieldValue::Text(unescape(utf8(text)?, &['"', '\\']))),
        b"t" | b"T" | b"true" | b"True" | b"TRUE" => Ok(FieldValue::Bool(true)),
        b"f" | b"F" | b"false" | b"False" | b"FALSE" => Ok(FieldValue::Bool(false)),
        [digits @ .., b'i'] => number(digits, value).map(FieldValue::Int),
        [digits @ .., b'u'] => number(digits, value).map(FieldValue::Uint),
        // Rust reads `nan` and `inf` too, which are no values here.
        digits
            if digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) =>
        {
            let float: f64 = number(digits, value)?;
            if !float.is_finite() {
                return Err(no_value(value));
            }
            Ok(FieldValue::Float(float))
        }
        _ => Err(no_value(value)),
    }
}

/// Reads a number. InfluxDB takes no plus sign, which Rust would.
fn number<T: std::str::FromStr>(digits: &[u8], value: &[u8]) -> Result<T, LineError> {
    if digits.first() == Some(&b'+') {
        return Err(no_value(value));
    }
    utf8(digits)?.parse().map_err(|_| no_value(value))
}

fn no_value(value: &[u8]) -> LineError {
    let shown: String = String::from_utf8_lossy(value).chars().take(40).collect();
    format!("`{shown}` is no value: a number, `12i`, `12u`, `true`, `false` or a \"text\" is expected").into()
}
