//! One value as a device gave it: exact, scaled, compared, and made a reading. Knows no protocol and no word order.

use std::fmt;

use crate::domain::reading::Reading;
use crate::domain::{Micros, StreamId};

/// Integers up to this magnitude are exact as f64.
const EXACT_F64: i128 = 1 << 53;

/// A value of one of the eleven numeric types. 64-bit integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Bit(bool),
    Int(i64),
    Uint(u64),
    /// May be NaN or infinite: devices send them. No reading is ever made of such a value.
    Float(f64),
}

impl Value {
    /// The nearest f64.
    pub fn to_f64(self) -> f64 {
        match self {
            Value::Bit(on) => f64::from(u8::from(on)),
            Value::Int(i) => i as f64,
            Value::Uint(u) => u as f64,
            Value::Float(f) => f,
        }
    }

    /// The exact integer, or `None` for a float with a fraction, beyond 64 bits, or not finite.
    pub fn to_integer(self) -> Option<i128> {
        match self {
            Value::Bit(on) => Some(i128::from(on)),
            Value::Int(i) => Some(i128::from(i)),
            Value::Uint(u) => Some(i128::from(u)),
            // 2^64 is a power of two, so the bound itself is exact.
            Value::Float(f) if f.fract() == 0.0 && f.abs() <= 2f64.powi(64) => Some(f as i128),
            Value::Float(_) => None,
        }
    }

    /// `value * scale + offset`. The identity leaves the value as it is, integers exact; anything else is f64
    /// arithmetic.
    pub fn scaled(self, scale: f64, offset: f64) -> Value {
        if scale == 1.0 && offset == 0.0 { self } else { Value::Float(self.to_f64() * scale + offset) }
    }

    /// How far two values lie apart; exact between integers, NaN when either is NaN.
    pub fn distance(self, other: Value) -> f64 {
        match (self, other) {
            (Value::Float(_), _) | (_, Value::Float(_)) => (self.to_f64() - other.to_f64()).abs(),
            _ => match (self.to_integer(), other.to_integer()) {
                (Some(a), Some(b)) => (a - b).unsigned_abs() as f64,
                _ => f64::NAN,
            },
        }
    }

    /// A good reading: the nearest f64, and beyond ±2^53 the exact decimal beside it. `None` for NaN and
    /// infinity, which are a fault of the tag and never a stored value.
    pub fn to_reading(self, stream: StreamId, ts: Micros) -> Option<Reading> {
        let value = self.to_f64();
        if !value.is_finite() {
            return None;
        }
        let mut reading = Reading::good(stream, ts, value);
        if let (Value::Int(_) | Value::Uint(_), Some(exact)) = (self, self.to_integer())
            && exact.abs() > EXACT_F64
        {
            reading.text = Some(exact.to_string().into_boxed_str());
        }
        Some(reading)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bit(on) => on.fmt(f),
            Value::Int(i) => i.fmt(f),
            Value::Uint(u) => u.fmt(f),
            Value::Float(x) => x.fmt(f),
        }
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
