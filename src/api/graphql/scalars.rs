//! Scalar types of the schema: times, durations and 64-bit integers.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use serde::{Serialize, Serializer};

use crate::app::ingest::readings_builder::InputNumber;
use crate::domain::Micros;

/// Largest absolute value that every client reads exactly from a JSON number.
const MAX_EXACT_INTEGER: i64 = 1 << 53;

/// Time with microsecond precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub Micros);

/// ISO-8601 time. Output is always UTC (`Z`) with up to six digits of a second. Input without a zone is UTC; a date
/// alone means midnight.
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

/// ISO-8601 duration, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration(pub String);

/// ISO-8601 duration, such as `PT1M`, `PT1H`, `P1D` or `P1M`.
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

/// Signed 64-bit integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BigInt(pub i64);

impl BigInt {
    /// Converts a number that is not negative; one that does not fit becomes the largest.
    pub fn saturating(number: impl TryInto<i64>) -> BigInt {
        BigInt(number.try_into().unwrap_or(i64::MAX))
    }
}

/// Signed 64-bit integer. Output is a JSON number up to 2^53, which every client reads exactly, and decimal text
/// beyond. Input may be either.
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
        if self.0.unsigned_abs() <= MAX_EXACT_INTEGER.unsigned_abs() {
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

/// Number of the schema's type `Float` in an input, whose integers are as they were written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactFloat(pub InputNumber);

// The trait is named in full: beside `ScalarType`, whose methods have the same names, it makes calls ambiguous.
impl async_graphql::InputType for ExactFloat {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <f64 as async_graphql::InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <f64 as async_graphql::InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let value = value.unwrap_or_default();
        let Value::Number(number) = &value else { return Err(InputValueError::expected_type(value)) };
        let integer = number.as_i64().map(InputNumber::Int);
        let integer = integer.or_else(|| number.as_u64().map(InputNumber::Uint));
        let parsed = integer.or_else(|| number.as_f64().map(InputNumber::Float));
        parsed.map(ExactFloat).ok_or_else(|| InputValueError::custom("Invalid number"))
    }

    fn to_value(&self) -> Value {
        match self.0 {
            InputNumber::Int(number) => Value::Number(Number::from(number)),
            InputNumber::Uint(number) => Value::Number(Number::from(number)),
            InputNumber::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        }
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
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
        for number in
            [0, -1, MAX_EXACT_INTEGER, -MAX_EXACT_INTEGER, MAX_EXACT_INTEGER + 1, i64::MAX, i64::MIN + 1]
        {
            let value = BigInt(number).to_value();
            assert_eq!(matches!(value, Value::String(_)), number.abs() > MAX_EXACT_INTEGER, "{number}");
            assert_eq!(BigInt::parse(value).ok(), Some(BigInt(number)), "{number}");
        }
        assert_eq!(BigInt::saturating(7_u64), BigInt(7));
        assert_eq!(BigInt::saturating(u64::MAX), BigInt(i64::MAX));
        for wrong in [Value::from(1.5), Value::from("x"), Value::Null] {
            assert!(BigInt::parse(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_keep_the_digits_of_their_integers() {
        for (written, expected) in [
            ("9007199254740993", InputNumber::Int(9_007_199_254_740_993)),
            ("-9223372036854775808", InputNumber::Int(i64::MIN)),
            ("18446744073709551615", InputNumber::Uint(u64::MAX)),
            ("1.5", InputNumber::Float(1.5)),
            ("1e17", InputNumber::Float(1e17)),
            ("18446744073709551616", InputNumber::Float(18_446_744_073_709_551_616.0)),
        ] {
            let number = Value::Number(written.parse().unwrap());
            let read = <ExactFloat as async_graphql::InputType>::parse(Some(number.clone())).ok();
            assert_eq!(read, Some(ExactFloat(expected)), "{written}");
            assert_eq!(
                read.map(|exact| async_graphql::InputType::to_value(&exact)),
                Some(number),
                "{written}"
            );
        }
        assert!(<ExactFloat as async_graphql::InputType>::parse(Some(Value::from("1"))).is_err());
        assert!(<ExactFloat as async_graphql::InputType>::parse(None).is_err());
        assert_eq!(<ExactFloat as async_graphql::InputType>::type_name(), "Float");
    }
}
