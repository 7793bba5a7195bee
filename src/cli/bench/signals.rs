//! The measured plant: six shapes of signal in equal parts, as instruments give them, and 1% of rows late.
//!
//! Deterministic: a seed gives the same rows in the same order, everywhere. benches/peers/plant.py has the same in numpy.

use arrow::array::{Float64Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::fmt::Write;
use std::sync::Arc;

use crate::domain::{Micros, StreamId};

/// 2026-01-05T00:00:00Z, a Monday.
pub const START: i64 = 1_767_571_200_000_000;
pub const SECOND: i64 = 1_000_000;
/// Late rows come up to this much after their time.
const LATE_SECONDS: u64 = 7200;

/// A row to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub stream: i32,
    pub ts: i64,
    pub value: f64,
}

/// Signals of some streams from a time on.
#[derive(Clone, Copy)]
pub struct Signals {
    pub seed: u64,
    pub start: i64,
    /// The number of the first stream; the sixth of it is its shape.
    pub first: u64,
    /// Seconds between two rows of a stream.
    pub every: u64,
}

impl Signals {
    /// At 1 Hz from the usual start.
    pub fn of(seed: u64) -> Signals {
        Signals { seed, start: START, first: 0, every: 1 }
    }

    /// The rows that arrive together: one of each stream, of which one in a hundred belongs to an earlier time. No two
    /// rows of a stream have the same time.
    pub fn tick(self, streams: &[StreamId], tick: u64) -> impl Iterator<Item = Row> + '_ {
        let salt = mix(self.seed);
        streams.iter().enumerate().map(move |(i, stream)| {
            let number = self.first + i as u64;
            let dice = mix((number << 40 | tick) ^ salt);
            let is_late = dice.is_multiple_of(100);
            let late = if is_late { (dice >> 8) % (LATE_SECONDS / self.every).max(1) } else { 0 }.min(tick);
            let at = (tick - late) * self.every;
            // Between the whole seconds, each lateness at a place of its own, so that it replaces nothing.
            let beside = if late > 0 { 500_000 + late * 50 + (dice >> 40) % 50 } else { 0 };
            let ts = self.start + at as i64 * SECOND + beside as i64;
            Row { stream: stream.0, ts, value: value(number, at, salt) }
        })
    }
}

fn value(stream: u64, second: u64, salt: u64) -> f64 {
    let noise = || mix((stream << 32 | second) ^ salt) as f64 / u64::MAX as f64;
    let cents = |v: f64| (v * 100.0).round() / 100.0;
    let t = second as f64;
    match stream % 6 {
        0 => cents(20.0 + (t / 9000.0 + stream as f64).sin() * 5.0),
        1 => cents(50.0 + (t / 60.0).sin() * 10.0 + noise()),
        2 => noise() * 1000.0 / 3.0,
        3 => f64::from(u8::from((second / (300 + stream)).is_multiple_of(2))),
        4 => (second % counter_period(stream)) as f64,
        _ => (second / 3600) as f64 + stream as f64,
    }
}

/// Seconds after which the counter of a stream goes on from zero.
pub fn counter_period(stream: u64) -> u64 {
    40_000 + stream * 100
}

/// splitmix64 (Steele, Lea, Flood 2014): a well-spread hash of a counter.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Rows as an Arrow batch with the columns of /ingest.
pub fn to_batch(rows: &[Row]) -> RecordBatch {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Schema::new(vec![
        Field::new("stream_id", DataType::Int32, false),
        Field::new("ts", micros, false),
        Field::new("value", DataType::Float64, false),
    ]);
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.ts)).with_timezone("UTC");
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.stream))),
            Arc::new(times),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.value))),
        ],
    )
    .expect("the columns are built for this schema")
}

/// Rows as NDJSON lines.
pub fn to_ndjson(rows: &[Row]) -> String {
    let mut out = String::with_capacity(rows.len() * 80);
    for row in rows {
        let ts = Micros(row.ts);
        // Writing to a String cannot fail.
        let _ = writeln!(out, r#"{{"stream_id":{},"ts":"{ts}","value":{}}}"#, row.stream, row.value);
    }
    out
}

#[cfg(test)]
#[path = "signals_tests.rs"]
mod tests;
