//! Numeric value of a device: exact, scaled, compared, and converted to a reading. Independent of protocols and word
//! orders.

use std::fmt;

use crate::domain::reading::Reading;
use crate::domain::{Micros, StreamId};

/// Integers up to this magnitude are exact as f64.
const EXACT_F64: i128 = 1 << 53;

/// A value of one of the eleven numeric types. 64-bit integers stay exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumericValue {
    Bit(bool),
    Int(i64),
    Uint(u64),
    /// May be NaN or infinite, because devices send such values. They never become a reading.
    Float(f64),
}

impl NumericValue {
    /// The nearest f64.
    pub fn to_f64(self) -> f64 {
        match self {
            NumericValue::Bit(on) => f64::from(u8::from(on)),
            NumericValue::Int(i) => i as f64,
            NumericValue::Uint(u) => u as f64,
            NumericValue::Float(f) => f,
        }
    }

    /// The exact integer, or `None` for a float that has a fraction, is beyond 64 bits, or is not finite.
    pub fn to_integer(self) -> Option<i128> {
        match self {
            NumericValue::Bit(on) => Some(i128::from(on)),
            NumericValue::Int(i) => Some(i128::from(i)),
            NumericValue::Uint(u) => Some(i128::from(u)),
            // 2^64 is a power of two, so the bound itself is exact.
            NumericValue::Float(f) if f.fract() == 0.0 && f.abs() <= 2f64.powi(64) => Some(f as i128),
            NumericValue::Float(_) => None,
        }
    }

    /// `value * scale + offset`. The identity leaves the value as it is, integers exact; anything else is f64
    /// arithmetic. A scale such as 0.1, which f64 does not have exactly, divides by 10, so that 3 becomes 0.3.
    pub fn scaled(self, scale: f64, offset: f64) -> NumericValue {
        if scale == 1.0 && offset == 0.0 {
            return self;
        }
        let value = self.to_f64();
        NumericValue::Float(whole_divisor(scale).map_or(value * scale, |divisor| value / divisor) + offset)
    }

    /// Absolute difference of two values; exact between integers, NaN when either is NaN.
    pub fn distance(self, other: NumericValue) -> f64 {
        match (self, other) {
            (NumericValue::Float(_), _) | (_, NumericValue::Float(_)) => {
                (self.to_f64() - other.to_f64()).abs()
            }
            _ => match (self.to_integer(), other.to_integer()) {
                (Some(a), Some(b)) => (a - b).unsigned_abs() as f64,
                _ => f64::NAN,
            },
        }
    }

    /// A good reading: the nearest f64, with the exact decimal as text beyond ±2^53. `None` for NaN and infinity,
    /// which are a fault of the tag and are never stored.
    pub fn to_reading(self, stream: StreamId, ts: Micros) -> Option<Reading> {
        let value = self.to_f64();
        if !value.is_finite() {
            return None;
        }
        let mut reading = Reading::good(stream, ts, value);
        if let (NumericValue::Int(_) | NumericValue::Uint(_), Some(exact)) = (self, self.to_integer())
            && exact.abs() > EXACT_F64
        {
            reading.text = Some(exact.to_string().into_boxed_str());
        }
        Some(reading)
    }
}

/// The whole number of which a scale is the reciprocal, to the last bit or the one before.
fn whole_divisor(scale: f64) -> Option<f64> {
    let whole = scale.recip().round();
    let is_reciprocal = (whole.recip() - scale).abs() <= scale.abs() * f64::EPSILON;
    (is_reciprocal && (2.0..=EXACT_F64 as f64).contains(&whole.abs())).then_some(whole)
}

impl fmt::Display for NumericValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumericValue::Bit(on) => on.fmt(f),
            NumericValue::Int(i) => i.fmt(f),
            NumericValue::Uint(u) => u.fmt(f),
            NumericValue::Float(x) => x.fmt(f),
        }
    }
}

#[cfg(test)]
#[path = "numeric_value_tests.rs"]
mod tests;
