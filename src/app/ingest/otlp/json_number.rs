//! Numbers as JSON has them in Protocol Buffers: integers of 64 bits are texts, doubles may be `"NaN"`, and either form is
//! taken for both (<https://protobuf.dev/programming-guides/json/>).

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// `fixed64`, `uint64`, `uint32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uint64(pub u64);

/// `int64`, `sfixed64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int64(pub i64);

/// `double`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Double(pub f64);

impl<'de> Deserialize<'de> for Uint64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let integer = integer(deserializer)?;
        integer
            .try_into()
            .map(Uint64)
            .map_err(|_| D::Error::custom("an integer from 0 to 2^64 - 1 is expected"))
    }
}

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let integer = integer(deserializer)?;
        integer
            .try_into()
            .map(Int64)
            .map_err(|_| D::Error::custom("an integer from -2^63 to 2^63 - 1 is expected"))
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Double(match deserializer.deserialize_any(NumberVisitor)? {
            Number::Integer(integer) => integer as f64,
            Number::Double(double) => double,
        }))
    }
}

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
    match deserializer.deserialize_any(NumberVisitor)? {
        Number::Integer(integer) => Ok(integer),
        // Exponents are allowed: 1e3 is an integer.
        Number::Double(double) if double.fract() == 0.0 && double.abs() < 1e19 => Ok(double as i128),
        Number::Double(_) => Err(D::Error::custom("an integer is expected")),
    }
}

enum Number {
    Integer(i128),
    Double(f64),
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a number in quotes")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number::Integer(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        if let Ok(integer) = text.parse::<i128>() {
            return Ok(Number::Integer(integer));
        }
        let shown = || text.chars().take(40).collect::<String>();
        text.parse().map(Number::Double).map_err(|_| E::custom(format!("`{}` is no number", shown())))
    }
}
