//! Writes bodies of InfluxDB's line protocol. A wrong line is refused alone, because its sender (Telegraf, a client
//! library) never sends the batch again; a caller can ask for all lines or none.
//!
//! A line's device is the value of its first tag that the configuration names. Its streams are `measurement.field`,
//! followed by the other tags, sorted: `cpu.usage_user,cpu=cpu0`. Devices and streams that are missing are created.

use std::collections::HashMap;

use bytes::Bytes;

use super::line_protocol::fields::{self, FieldValue, Fields};
use super::line_protocol::lines::{Line, Lines};
use super::line_protocol::timestamp::{self, Precision};
use super::line_protocol::{LineError, series};
use super::readings_builder::InputNumber;
use super::series_rows::{RefusedLines, SeriesRows, SeriesSlot, SeriesValue};
use super::series_write::SeriesOutcome;
use super::{INLINE_BYTES, size};
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::app::bulk_work;
use crate::app::ingest::Ingest;
use crate::domain::{Principal, Resource, Result, Scope};

/// Parameters of a request besides its lines.
#[derive(Debug, Clone, Default)]
pub struct LineRequest {
    pub precision: Precision,
    /// Whether all lines are written, or none.
    pub is_atomic: bool,
    /// Device of the lines without a tag that names one: the database or bucket of the request.
    pub default_device: Option<String>,
}

/// Outcome of the lines of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineOutcome {
    /// Readings that are durable now.
    pub written: usize,
    pub refused: RefusedLines,
}

impl Ingest {
    /// Writes the lines of a body; those that are wrong are in the outcome. With `is_atomic` nothing is written when
    /// there are any.
    ///
    /// # Errors
    /// `Forbidden`; `Busy` and `Unavailable`, when nothing is written and the same request may succeed later.
    pub async fn write_lines(
        &self,
        principal: &Principal,
        request: LineRequest,
        body: Bytes,
    ) -> Result<LineOutcome> {
        principal.require(Scope::write(Resource::Value))?;
        let arrived = self.clock.now();
        let is_atomic = request.is_atomic;
        let settings = self.settings.clone();
        let mut memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
        memory.grow_to(rows_bytes(&body)).await?;
        let max_new = settings.max_new_streams;
        let rows = SeriesRows::new(self.store.clone(), principal.clone(), max_new);
        let is_small = body.len() <= INLINE_BYTES;
        let read = move || read(rows, &body, &request, &settings.device_tags);
        let rows = bulk_work::run(is_small, read).await?;
        let SeriesOutcome { lines, refused } = self.write_series(principal, rows, arrived, is_atomic).await?;
        Ok(LineOutcome { written: lines.len(), refused })
    }
}

/// Estimates the memory of the rows of a body: one for each `=` at most, with its line, and their texts.
fn rows_bytes(body: &[u8]) -> usize {
    body.iter().filter(|byte| **byte == b'=').count() * (size::ROW_BYTES + size_of::<u32>()) + body.len()
}

fn read(mut rows: SeriesRows, body: &[u8], request: &LineRequest, device_tags: &[String]) -> SeriesRows {
    let mut reader = LineReader { request, device_tags, known: HashMap::new() };
    for (number, line) in Lines::new(body) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let before = rows.row_count();
        if let Err(problem) = line.and_then(|line| reader.add(&mut rows, number, &line)) {
            rows.refuse_line(number, before, problem);
        }
    }
    rows
}

/// Reads lines, and remembers the series of those before: most bodies repeat theirs.
struct LineReader<'a> {
    request: &'a LineRequest,
    device_tags: &'a [String],
    /// By the first section of a line, as it was sent.
    known: HashMap<&'a [u8], KnownSeries<'a>>,
}

/// Device and names of a series, and the streams of its fields so far.
struct KnownSeries<'a> {
    device: String,
    measurement: String,
    /// The other tags: `,key=value` for each.
    suffix: String,
    /// By the key of the field, as it was sent.
    slots: Vec<(&'a [u8], SeriesSlot)>,
}

impl<'a> LineReader<'a> {
    fn add(&mut self, rows: &mut SeriesRows, number: u32, line: &Line<'a>) -> Result<(), LineError> {
        let ts = timestamp::parse(line.timestamp, self.request.precision)?;
        if !self.known.contains_key(line.series) {
            let series = self.read_series(line.series)?;
            self.known.insert(line.series, series);
        }
        let Some(series) = self.known.get_mut(line.series) else { return Ok(()) };
        for (position, field) in Fields::new(line.fields).enumerate() {
            let (key, value) = field?;
            let value = series_value(&value);
            let slot = series.slot(rows, position, key, &value)?;
            rows.push(number, slot, ts, &value).map_err(|problem| in_field(key, &problem))?;
        }
        Ok(())
    }

    fn read_series(&self, section: &[u8]) -> Result<KnownSeries<'a>, LineError> {
        let series = series::parse(section)?;
        let is_set = |tag: &&String| series.tags.iter().any(|(key, _)| key == *tag);
        let device_tag = self.device_tags.iter().find(is_set);
        let named = |tag: &String| series.tags.iter().find(|(key, _)| key == tag);
        let device = match (device_tag.and_then(named), &self.request.default_device) {
            (Some((_, value)), _) => value.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => {
                let tags = self.device_tags.join("` or `");
                return Err(
                    format!("names no device: give it the tag `{tags}`, or the request a bucket").into()
                );
            }
        };
        let others = series.tags.iter().filter(|(key, _)| Some(&**key) != device_tag.map(String::as_str));
        let suffix = others.map(|(key, value)| format!(",{key}={value}")).collect();
        Ok(KnownSeries { device, measurement: series.measurement.into_owned(), suffix, slots: Vec::new() })
    }
}

impl<'a> KnownSeries<'a> {
    /// The stream of a field. The fields of a series mostly have the same positions in every line.
    fn slot(
        &mut self,
        rows: &mut SeriesRows,
        position: usize,
        key: &'a [u8],
        value: &SeriesValue<'_>,
    ) -> Result<SeriesSlot, LineError> {
        let at_position = self.slots.get(position).filter(|(known, _)| *known == key);
        if let Some((_, slot)) = at_position.or_else(|| self.slots.iter().find(|(known, _)| *known == key)) {
            return Ok(*slot);
        }
        let stream = format!("{}.{}{}", self.measurement, fields::parse_key(key)?, self.suffix);
        let slot = rows.slot(&self.device, &stream, value.kind())?;
        self.slots.push((key, slot));
        Ok(slot)
    }
}

fn series_value<'v>(value: &'v FieldValue<'_>) -> SeriesValue<'v> {
    match value {
        FieldValue::Float(number) => SeriesValue::Number(InputNumber::Float(*number)),
        FieldValue::Int(number) => SeriesValue::Number(InputNumber::Int(*number)),
        FieldValue::Uint(number) => SeriesValue::Number(InputNumber::Uint(*number)),
        FieldValue::Bool(bit) => SeriesValue::Bool(*bit),
        FieldValue::Text(text) => SeriesValue::Text(text),
    }
}

fn in_field(key: &[u8], problem: &str) -> LineError {
    format!("field `{}`: {problem}", String::from_utf8_lossy(key)).into()
}

#[cfg(test)]
#[path = "line_write_tests.rs"]
mod tests;
