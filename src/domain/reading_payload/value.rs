//! Values of readings: their type from the JSON literal, what a stream stores for them, and back.

use serde_json::{Number, Value};

use super::MAX_TEXT_CHARS;
use crate::domain::document::ValueType;
use crate::domain::quarantine::{Mistake, QuarantineReason};
use crate::domain::stream::{StreamKind, StreamSpec};

/// Integers up to this size are exact as f64; larger ones are also stored as decimal text.
const MAX_EXACT_INTEGER: i128 = 1 << 53;

/// A value as it stands in a payload.
#[derive(Debug, Clone, PartialEq)]
pub enum SentValue {
    /// A number with a fraction or an exponent, also `20.0`; finite.
    Double(f64),
    /// An integer, of at most 64 bits.
    Integer(i128),
    /// A truth value.
    Boolean(bool),
    /// A string of at most [`MAX_TEXT_CHARS`] characters.
    Text(String),
}

/// Number and text that are stored: a numeric kind has the number, any other the text.
pub type Content = (Option<f64>, Option<Box<str>>);

impl SentValue {
    /// Reads the value of a member; the mistake names `member`.
    ///
    /// # Errors
    /// `MALFORMED` for null, `TYPE_MISMATCH` for an array or an object, `TOO_LARGE` for a long text.
    pub fn read(member: &str, json: &Value) -> Result<SentValue, Mistake> {
        let wrong = |reason, message: &str| Err(Mistake::new(reason, member.to_owned(), message));
        match json {
            Value::Bool(on) => Ok(SentValue::Boolean(*on)),
            Value::Number(number) => Ok(of_number(number)),
            Value::String(text) if text.chars().count() > MAX_TEXT_CHARS => {
                wrong(QuarantineReason::TooLarge, &format!("a text has at most {MAX_TEXT_CHARS} characters"))
            }
            Value::String(text) => Ok(SentValue::Text(text.clone())),
            Value::Null => wrong(QuarantineReason::Malformed, "must not be null"),
            Value::Array(_) | Value::Object(_) => {
                wrong(QuarantineReason::TypeMismatch, "must be a number, a truth value or a text")
            }
        }
    }

    /// Type of a new sensor for this value.
    pub fn value_type(&self) -> ValueType {
        match self {
            SentValue::Double(_) => ValueType::Double,
            SentValue::Integer(_) => ValueType::Bigint,
            SentValue::Boolean(_) => ValueType::Boolean,
            SentValue::Text(_) => ValueType::Text,
        }
    }

    /// Returns what a stream stores for the value. An integer is a number for every numeric stream; a number with a
    /// fraction is none for an integer stream, unless that holds scaled values.
    ///
    /// # Errors
    /// `TYPE_MISMATCH` for another type, `OUT_OF_RANGE` for a number that the stream cannot hold; the mistake names
    /// `member`.
    pub fn fit(&self, member: &str, spec: &StreamSpec) -> Result<Content, Mistake> {
        let kind = spec.kind;
        let mismatch = || {
            let form = match kind {
                StreamKind::Json => ", and its values are JSON documents",
                StreamKind::Location => ", and its values are [longitude, latitude] in degrees",
                _ => "",
            };
            let message = format!("the sensor is {}{form}", ValueType::of_stream_kind(kind).name());
            Mistake::new(QuarantineReason::TypeMismatch, member.to_owned(), message)
        };
        match (self, kind) {
            (SentValue::Boolean(on), StreamKind::Bit) => Ok((Some(f64::from(u8::from(*on))), None)),
            (SentValue::Boolean(_), _) | (_, StreamKind::Bit) => Err(mismatch()),
            (SentValue::Text(text), StreamKind::Text) => Ok((None, Some(text.as_str().into()))),
            (SentValue::Text(text), StreamKind::Json) => match serde_json::from_str::<Value>(text) {
                Ok(document) => Ok((None, Some(document.to_string().into()))),
                Err(_) => Err(mismatch()),
            },
            (SentValue::Text(text), StreamKind::Location) => {
                location(text).map(|text| (None, Some(text))).ok_or_else(mismatch)
            }
            (SentValue::Text(_), _) | (_, StreamKind::Text | StreamKind::Json | StreamKind::Location) => {
                Err(mismatch())
            }
            (SentValue::Integer(whole), _) => self.integer(*whole, member, spec),
            (SentValue::Double(_), _) if kind.integer_range().is_some() && !spec.is_scaled() => {
                let message = format!("the sensor takes integers, without a fraction; it is {kind}");
                Err(Mistake::new(QuarantineReason::TypeMismatch, member.to_owned(), message))
            }
            (SentValue::Double(number), _) => {
                check_float(*number, member, spec)?;
                Ok((Some(*number), None))
            }
        }
    }

    fn integer(&self, whole: i128, member: &str, spec: &StreamSpec) -> Result<Content, Mistake> {
        let Some(range) = spec.kind.integer_range().filter(|_| !spec.is_scaled()) else {
            // 64 bits, so that the nearest f64 is finite.
            let number = whole as f64;
            check_float(number, member, spec)?;
            return Ok((Some(number), None));
        };
        if !range.contains(&whole) {
            let message = format!("must be from {} to {}", range.start(), range.end());
            return Err(Mistake::new(QuarantineReason::OutOfRange, member.to_owned(), message));
        }
        let text = (spec.kind.is_wide_integer() && whole.abs() > MAX_EXACT_INTEGER)
            .then(|| Box::from(whole.to_string()));
        Ok((Some(whole as f64), text))
    }
}

/// The literal decides: without a fraction and an exponent it is an integer, unless it has more than 64 bits.
fn of_number(number: &Number) -> SentValue {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole, number.as_f64()) {
        (Some(whole), _) => SentValue::Integer(whole),
        (None, Some(float)) => SentValue::Double(float),
        // The parser yields integers of 64 bits and finite floats only.
        (None, None) => SentValue::Text(number.to_string()),
    }
}

/// A register of 16 or 32 bits holds no larger number than its format.
fn check_float(number: f64, member: &str, spec: &StreamSpec) -> Result<(), Mistake> {
    let largest = match spec.kind {
        StreamKind::Fp16 if !spec.is_scaled() => 65_504.0,
        StreamKind::Fp32 if !spec.is_scaled() => f64::from(f32::MAX),
        _ => f64::MAX,
    };
    if number.abs() <= largest {
        return Ok(());
    }
    let message = format!("must be from {:?} to {largest:?}", -largest);
    Err(Mistake::new(QuarantineReason::OutOfRange, member.to_owned(), message))
}

/// `[longitude, latitude]` in degrees, as a text.
fn location(text: &str) -> Option<Box<str>> {
    let document: Value = serde_json::from_str(text).ok()?;
    let [lon, lat] = document.as_array()?.as_slice() else { return None };
    let is_on_earth = lon.as_f64()?.abs() <= 180.0 && lat.as_f64()?.abs() <= 90.0;
    is_on_earth.then(|| document.to_string().into())
}

/// Returns a stored value as JSON by the type under which its stream is shown; null when there is none. Integers are
/// exact.
pub fn to_json(kind: StreamKind, value: Option<f64>, text: Option<&str>) -> Value {
    if !kind.is_numeric() {
        return text.map_or(Value::Null, Value::from);
    }
    let Some(number) = value else { return Value::Null };
    if kind == StreamKind::Bit {
        return Value::Bool(number != 0.0);
    }
    if let Some(digits) = text {
        let exact =
            digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from));
        if let Ok(exact) = exact {
            return Value::Number(exact);
        }
    }
    number_to_json(number, kind.integer_range().is_some())
}

/// Returns a number as JSON: null unless it is finite; as an integer where the stream holds integers and it is exact.
pub fn number_to_json(number: f64, is_integer: bool) -> Value {
    if is_integer && number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER as f64 {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
