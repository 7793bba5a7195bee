//! Scalars of the schema: times, durations, and integers beyond 32 bits.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use serde::{Serialize, Serializer};

use crate::domain::Micros;

/// Integers up to this size are exact in every client.
const EXACT: i64 = 1 << 53;

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub Micros);

/// A time in ISO-8601, in answers always UTC (`Z`) with up to six digits of a second. A time given without a zone is UTC;
/// a date alone is its midnight.
#[Scalar(specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        Micros::parse(text).map(DateTime).ok_or_else(|| {
            InputValueError::custom(format!(
                "`{text}` is not an ISO-8601 time of the years 1970 to 2261, such as 2026-01-31T12:00:00Z"
            ))
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_iso())
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_iso())
    }
}

/// A length of time, in ISO-8601.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration(pub String);

/// A length of time in ISO-8601, such as `PT1M`, `PT1H`, `P1D` or `P1M`.
#[Scalar(specified_by_url = "https://en.wikipedia.org/wiki/ISO_8601#Durations")]
impl ScalarType for Duration {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.starts_with('P') => Ok(Duration(text)),
            other => {
                Err(InputValueError::custom(format!("{other} is not an ISO-8601 duration, such as PT1H")))
            }
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A whole number of up to 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigInt(pub i64);

/// A whole number of up to 64 bits: a JSON number while every client reads it exactly (to 2^53), else its decimal text.
/// Either is taken.
#[Scalar]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        parsed.map(BigInt).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        if self.0.unsigned_abs() <= EXACT.unsigned_abs() {
            Value::Number(Number::from(self.0))
        } else {
            Value::String(self.0.to_string())
        }
    }
}

impl Serialize for BigInt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_leniently_and_written_one_way() {
        let rows = [
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31T13:00:00+01:00", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("2026-01-31T12:00:00.5Z", Some("2026-01-31T12:00:00.500000Z")),
            ("yesterday", None),
            ("1969-12-31", None),
        ];
        for (text, expected) in rows {
            let read = DateTime::parse(Value::from(text)).ok();
            assert_eq!(read.map(|t| t.to_value()), expected.map(Value::from), "{text}");
        }
    }

    #[test]
    fn large_integers_travel_as_text() {
        for number in [0, -1, EXACT, -EXACT, EXACT + 1, i64::MAX, i64::MIN + 1] {
            let value = BigInt(number).to_value();
            assert_eq!(matches!(value, Value::String(_)), number.abs() > EXACT, "{number}");
            assert_eq!(BigInt::parse(value).ok(), Some(BigInt(number)), "{number}");
        }
        for wrong in [Value::from(1.5), Value::from("x"), Value::Null] {
            assert!(BigInt::parse(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
