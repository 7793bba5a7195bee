//! What a device that knows its own types says of one tag: a number or a text, how far it can be trusted, and when it
//! was so. Pure.

use std::fmt;

use serde_json::Value as Json;

use super::value::Value;
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::StreamKind;
use crate::domain::{Micros, StreamId};

/// A number or a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Number(Value),
    Text(Box<str>),
}

/// A content with what its source says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub content: Content,
    /// Good or uncertain; what is bad has no content.
    pub quality: Quality,
    /// When the source had this value, by the source's own clock; `None` when it does not say.
    pub source_time: Option<Micros>,
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Content::Number(value)
    }
}

impl PartialEq<Value> for Content {
    fn eq(&self, value: &Value) -> bool {
        matches!(self, Content::Number(own) if own == value)
    }
}

/// What a device that says nothing but values holds.
impl From<Value> for Sample {
    fn from(value: Value) -> Self {
        Sample { content: Content::Number(value), quality: Quality::Good, source_time: None }
    }
}

impl Content {
    /// The content of a stream of this kind: numbers exact and within their type, texts as they are.
    ///
    /// # Errors
    /// In words, when the device holds something that the kind cannot be.
    pub fn of_kind(self, kind: StreamKind) -> Result<Content, String> {
        let refused =
            |found: &Content| Err(format!("the device holds {}, which is no {kind}", found.in_words()));
        match (kind, self) {
            (StreamKind::Bit, Content::Number(value)) => match value.to_integer() {
                Some(bit @ (0 | 1)) => Ok(Content::Number(Value::Bit(bit == 1))),
                _ => refused(&Content::Number(value)),
            },
            (StreamKind::Fp16 | StreamKind::Fp32 | StreamKind::Fp64, Content::Number(value)) => {
                Ok(Content::Number(Value::Float(value.to_f64())))
            }
            (kind, Content::Number(value)) if kind.is_numeric() => {
                let whole = value
                    .to_integer()
                    .filter(|whole| kind.integer_range().is_none_or(|range| range.contains(whole)));
                match whole.and_then(exact) {
                    Some(whole) => Ok(Content::Number(whole)),
                    None => refused(&Content::Number(value)),
                }
            }
            (StreamKind::Json, Content::Number(value)) => Ok(Content::Text(json(value).to_string().into())),
            (StreamKind::Json, Content::Text(text)) => {
                let is_json = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
                Ok(Content::Text(if is_json { text } else { Json::from(&*text).to_string().into() }))
            }
            (StreamKind::Text | StreamKind::Enum | StreamKind::Location, Content::Number(value)) => {
                Ok(Content::Text(value.to_string().into()))
            }
            (StreamKind::Text | StreamKind::Enum | StreamKind::Location, text) => Ok(text),
            (_, text) => refused(&text),
        }
    }

    /// `value * scale + offset` of a number; a text has no scale.
    pub fn scaled(self, scale: f64, offset: f64) -> Content {
        match self {
            Content::Number(value) => Content::Number(value.scaled(scale, offset)),
            text @ Content::Text(_) => text,
        }
    }

    /// How far two contents lie apart: infinitely for different texts, or a text and a number.
    pub fn distance(&self, other: &Content) -> f64 {
        match (self, other) {
            (Content::Number(a), Content::Number(b)) => a.distance(*b),
            (a, b) if a == b => 0.0,
            _ => f64::INFINITY,
        }
    }

    /// A reading of this quality; `None` for NaN and infinity, which are never stored.
    pub fn to_reading(&self, stream: StreamId, ts: Micros, quality: Quality) -> Option<Reading> {
        match self {
            Content::Number(value) => {
                value.to_reading(stream, ts).map(|reading| Reading { quality, ..reading })
            }
            Content::Text(text) => {
                Some(Reading { stream, ts, value: None, text: Some(text.clone()), quality })
            }
        }
    }

    /// As JSON; NaN and infinity, which it does not know, are null.
    pub fn to_json(&self) -> Json {
        match self {
            Content::Number(value) => json(*value),
            Content::Text(text) => Json::from(&**text),
        }
    }

    /// From a boolean, a number or a string of JSON; integers of 64 bits stay exact.
    pub fn from_json(given: &Json) -> Option<Content> {
        match given {
            Json::Bool(on) => Some(Content::Number(Value::Bit(*on))),
            Json::Number(number) => {
                let whole = number.as_u64().map(Value::Uint).or_else(|| number.as_i64().map(Value::Int));
                whole.or_else(|| number.as_f64().map(Value::Float)).map(Content::Number)
            }
            Json::String(text) => Some(Content::Text(text.as_str().into())),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }

    fn in_words(&self) -> String {
        match self {
            Content::Number(value) => value.to_string(),
            Content::Text(text) if text.chars().count() <= 40 => format!("{text:?}"),
            Content::Text(_) => "a long text".to_owned(),
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Number(value) => value.fmt(f),
            Content::Text(text) => text.fmt(f),
        }
    }
}

/// A whole number of at most 64 bits.
fn exact(whole: i128) -> Option<Value> {
    u64::try_from(whole).map(Value::Uint).or_else(|_| i64::try_from(whole).map(Value::Int)).ok()
}

fn json(value: Value) -> Json {
    match value {
        Value::Bit(on) => on.into(),
        Value::Int(number) => number.into(),
        Value::Uint(number) => number.into(),
        Value::Float(number) => number.into(),
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
