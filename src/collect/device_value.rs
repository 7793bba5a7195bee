//! Typed value of one tag with its quality and source time, from a device that knows its own types. Pure.

use std::fmt;

use serde_json::Value as Json;

use super::numeric_value::NumericValue;
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::StreamKind;
use crate::domain::{Micros, StreamId};

/// A number or a text.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceValue {
    Number(NumericValue),
    Text(Box<str>),
}

/// A value with the quality and time that its source gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub value: DeviceValue,
    /// Good or uncertain; a bad sample has no value.
    pub quality: Quality,
    /// When the source had this value, by the source's own clock; `None` when it gives no time.
    pub source_time: Option<Micros>,
    /// Whether the source sends a value of the past after the fact. It is stored at its time and is not the latest one.
    pub is_historical: bool,
}

impl From<NumericValue> for DeviceValue {
    fn from(value: NumericValue) -> Self {
        DeviceValue::Number(value)
    }
}

impl PartialEq<NumericValue> for DeviceValue {
    fn eq(&self, value: &NumericValue) -> bool {
        matches!(self, DeviceValue::Number(own) if own == value)
    }
}

/// For devices that send values without quality or time.
impl From<DeviceValue> for Sample {
    fn from(value: DeviceValue) -> Self {
        Sample { value, quality: Quality::Good, source_time: None, is_historical: false }
    }
}

impl From<NumericValue> for Sample {
    fn from(value: NumericValue) -> Self {
        DeviceValue::from(value).into()
    }
}

impl DeviceValue {
    /// Converts the value to the type of a stream: numbers exactly and within their range, texts unchanged.
    ///
    /// # Errors
    /// A message, when `kind` cannot represent the value.
    pub fn convert_to(self, kind: StreamKind) -> Result<DeviceValue, String> {
        let refused =
            |found: &DeviceValue| Err(format!("the device holds {}, which is no {kind}", found.describe()));
        match (kind, self) {
            (StreamKind::Bit, DeviceValue::Number(value)) => match value.to_integer() {
                Some(bit @ (0 | 1)) => Ok(DeviceValue::Number(NumericValue::Bit(bit == 1))),
                _ => refused(&DeviceValue::Number(value)),
            },
            (StreamKind::Fp16 | StreamKind::Fp32 | StreamKind::Fp64, DeviceValue::Number(value)) => {
                Ok(DeviceValue::Number(NumericValue::Float(value.to_f64())))
            }
            (kind, DeviceValue::Number(value)) if kind.is_numeric() => {
                let whole = value
                    .to_integer()
                    .filter(|whole| kind.integer_range().is_none_or(|range| range.contains(whole)));
                match whole.and_then(exact) {
                    Some(whole) => Ok(DeviceValue::Number(whole)),
                    None => refused(&DeviceValue::Number(value)),
                }
            }
            (StreamKind::Json, DeviceValue::Number(value)) => {
                Ok(DeviceValue::Text(json(value).to_string().into()))
            }
            (StreamKind::Json, DeviceValue::Text(text)) => {
                let is_json = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
                Ok(DeviceValue::Text(if is_json { text } else { Json::from(&*text).to_string().into() }))
            }
            (StreamKind::Text | StreamKind::Location, DeviceValue::Number(value)) => {
                Ok(DeviceValue::Text(value.to_string().into()))
            }
            (StreamKind::Text | StreamKind::Location, text) => Ok(text),
            (_, text) => refused(&text),
        }
    }

    /// `value * scale + offset` for a number; a text stays as it is.
    pub fn scaled(self, scale: f64, offset: f64) -> DeviceValue {
        match self {
            DeviceValue::Number(value) => DeviceValue::Number(value.scaled(scale, offset)),
            text @ DeviceValue::Text(_) => text,
        }
    }

    /// Absolute difference of two numbers; infinite for different texts, or a text and a number.
    pub fn distance(&self, other: &DeviceValue) -> f64 {
        match (self, other) {
            (DeviceValue::Number(a), DeviceValue::Number(b)) => a.distance(*b),
            (a, b) if a == b => 0.0,
            _ => f64::INFINITY,
        }
    }

    /// A reading of this quality; `None` for NaN and infinity, which are never stored.
    pub fn to_reading(&self, stream: StreamId, ts: Micros, quality: Quality) -> Option<Reading> {
        match self {
            DeviceValue::Number(value) => {
                value.to_reading(stream, ts).map(|reading| Reading { quality, ..reading })
            }
            DeviceValue::Text(text) => {
                Some(Reading { stream, ts, value: None, text: Some(text.clone()), quality })
            }
        }
    }

    /// Converts to JSON; NaN and infinity, which JSON lacks, become null.
    pub fn to_json(&self) -> Json {
        match self {
            DeviceValue::Number(value) => json(*value),
            DeviceValue::Text(text) => Json::from(&**text),
        }
    }

    /// Converts a JSON boolean, number or string; integers of 64 bits stay exact.
    pub fn from_json(input: &Json) -> Option<DeviceValue> {
        match input {
            Json::Bool(on) => Some(DeviceValue::Number(NumericValue::Bit(*on))),
            Json::Number(number) => {
                let whole = number
                    .as_u64()
                    .map(NumericValue::Uint)
                    .or_else(|| number.as_i64().map(NumericValue::Int));
                whole.or_else(|| number.as_f64().map(NumericValue::Float)).map(DeviceValue::Number)
            }
            Json::String(text) => Some(DeviceValue::Text(text.as_str().into())),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            DeviceValue::Number(value) => value.to_string(),
            DeviceValue::Text(text) if text.chars().count() <= 40 => format!("{text:?}"),
            DeviceValue::Text(_) => "a long text".to_owned(),
        }
    }
}

impl fmt::Display for DeviceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceValue::Number(value) => value.fmt(f),
            DeviceValue::Text(text) => text.fmt(f),
        }
    }
}

/// Converts an integer that fits into 64 bits.
fn exact(whole: i128) -> Option<NumericValue> {
    u64::try_from(whole).map(NumericValue::Uint).or_else(|_| i64::try_from(whole).map(NumericValue::Int)).ok()
}

fn json(value: NumericValue) -> Json {
    match value {
        NumericValue::Bit(on) => on.into(),
        NumericValue::Int(number) => number.into(),
        NumericValue::Uint(number) => number.into(),
        NumericValue::Float(number) => number.into(),
    }
}

#[cfg(test)]
#[path = "device_value_tests.rs"]
mod tests;
