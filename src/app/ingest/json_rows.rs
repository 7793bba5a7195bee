//! Decodes NDJSON: one object a line, `{"stream_id":1,"ts":"2026-04-28T12:00:00Z","value":1.5}`.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::readings_builder::{InputNumber, InputRow, ReadingsBuilder};
use crate::domain::reading::Quality;
use crate::domain::{Micros, Result};

/// A line as sent. Unknown members are errors: a misspelt `value` must not be taken for null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    stream_id: Option<i32>,
    #[serde(borrow)]
    device: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(alias = "timestamp", alias = "time")]
    ts: Option<JsonTimestamp>,
    value: Option<InputNumber>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    quality: Option<Cow<'a, str>>,
}

/// Reads every line; blank ones are skipped and not counted.
pub fn decode(rows: &mut ReadingsBuilder, body: &[u8]) -> Result<()> {
    for line in body.split(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Line<'_>>(line) {
            Err(e) => rows.refuse(explain(&e))?,
            Ok(line) => match line.quality.as_deref().map_or(Ok(Quality::Good), str::parse::<Quality>) {
                Err(e) => rows.refuse(e.message)?,
                Ok(quality) => rows.push(InputRow {
                    stream_id: line.stream_id,
                    device: line.device.as_deref(),
                    stream: line.stream.as_deref(),
                    ts: line.ts.map(|t| t.0),
                    value: line.value,
                    text: line.text.as_deref(),
                    quality,
                })?,
            },
        }
    }
    Ok(())
}

/// Returns serde's message without the line number, which is always 1 within a line.
fn explain(e: &serde_json::Error) -> String {
    let text = e.to_string();
    let place = format!(" at line {} column {}", e.line(), e.column());
    format!("{} (column {})", text.replace(&place, ""), e.column())
}

struct JsonTimestamp(Micros);

impl<'de> Deserialize<'de> for JsonTimestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(JsonTimestampVisitor)
    }
}

struct JsonTimestampVisitor;

fn bad_time<E: de::Error>(input: impl fmt::Display) -> E {
    E::custom(format!("ts: `{input}` is not a time: use ISO-8601 or epoch seconds, years 1970 to 2261"))
}

impl Visitor<'_> for JsonTimestampVisitor {
    type Value = JsonTimestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ts: an ISO-8601 text or epoch seconds")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<JsonTimestamp, E> {
        Micros::parse(text).map(JsonTimestamp).ok_or_else(|| bad_time(text))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<JsonTimestamp, E> {
        Micros::parse(&seconds.to_string()).map(JsonTimestamp).ok_or_else(|| bad_time(seconds))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<JsonTimestamp, E> {
        Micros::parse(&seconds.to_string()).map(JsonTimestamp).ok_or_else(|| bad_time(seconds))
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<JsonTimestamp, E> {
        // Rounded to the microsecond: a decimal of seconds is rarely exact in binary.
        let micros = (seconds * 1e6).round();
        let stored = Some(Micros(micros as i64)).filter(|t| micros.is_finite() && t.is_storable());
        stored.map(JsonTimestamp).ok_or_else(|| bad_time(seconds))
    }
}

impl<'de> Deserialize<'de> for InputNumber {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = InputNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("value: a number, true or false")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<InputNumber, E> {
        Ok(InputNumber::Int(i64::from(on)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<InputNumber, E> {
        Ok(InputNumber::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<InputNumber, E> {
        Ok(InputNumber::Uint(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<InputNumber, E> {
        Ok(InputNumber::Float(number))
    }
}
