//! Generator of the measured plant: six signal shapes in equal parts, as instruments give them, with 1% late rows.
//!
//! Deterministic: a seed gives the same rows in the same order everywhere, also in benches/peers/plant.py (numpy).

use arrow::array::{Float64Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::fmt::Write;
use std::sync::Arc;

use crate::domain::{Micros, StreamId};

/// 2026-01-05T00:00:00Z, a Monday.
pub const START_MICROS: i64 = 1_767_571_200_000_000;
/// Microseconds of a second; times of the plant are in microseconds.
pub const SECOND_MICROS: i64 = 1_000_000;
/// Maximum delay of a late row after its timestamp.
const MAX_LATE_SECONDS: u64 = 7200;

/// A row to write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneratedRow {
    pub stream: i32,
    pub ts: i64,
    pub value: f64,
}

/// Signals of consecutive streams from a start time.
#[derive(Clone, Copy)]
pub struct SignalGenerator {
    pub seed: u64,
    pub start: i64,
    /// Number of the first stream; a stream's number modulo six is its shape.
    pub first_number: u64,
    /// Seconds between two rows of a stream.
    pub step_seconds: u64,
    /// How much earlier the time of a late row may be, seconds; 0 for rows in order.
    pub max_late_seconds: u64,
}

impl SignalGenerator {
    /// Creates a generator at 1 Hz from the default start.
    pub fn with_seed(seed: u64) -> SignalGenerator {
        SignalGenerator {
            seed,
            start: START_MICROS,
            first_number: 0,
            step_seconds: 1,
            max_late_seconds: MAX_LATE_SECONDS,
        }
    }

    /// Returns the rows that arrive together: one per stream, of which one in a hundred has an earlier time. No two
    /// rows of a stream have the same time.
    pub fn rows_at(self, streams: &[StreamId], tick: u64) -> impl Iterator<Item = GeneratedRow> + '_ {
        let salt = splitmix64(self.seed);
        streams.iter().enumerate().map(move |(i, stream)| {
            let number = self.first_number + i as u64;
            let dice = splitmix64((number << 40 | tick) ^ salt);
            let is_late = dice.is_multiple_of(100);
            let late =
                if is_late { (dice >> 8) % (self.max_late_seconds / self.step_seconds).max(1) } else { 0 }
                    .min(tick);
            let at = (tick - late) * self.step_seconds;
            // Late rows lie between whole seconds, each delay at its own offset, so that none replaces another row.
            let beside = if late > 0 { 500_000 + late * 50 + (dice >> 40) % 50 } else { 0 };
            let ts = self.start + at as i64 * SECOND_MICROS + beside as i64;
            GeneratedRow { stream: stream.0, ts, value: value(number, at, salt) }
        })
    }
}

fn value(stream: u64, second: u64, salt: u64) -> f64 {
    let noise = || splitmix64((stream << 32 | second) ^ salt) as f64 / u64::MAX as f64;
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

/// Returns the seconds after which the counter of a stream restarts from zero.
pub fn counter_period(stream: u64) -> u64 {
    40_000 + stream * 100
}

/// splitmix64 (Steele, Lea, Flood 2014): a well-spread hash of a counter.
fn splitmix64(n: u64) -> u64 {
    let z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Converts rows to an Arrow batch with the columns of /ingest.
pub fn to_batch(rows: &[GeneratedRow]) -> RecordBatch {
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

/// Converts rows to NDJSON lines.
pub fn to_ndjson(rows: &[GeneratedRow]) -> String {
    let mut out = String::with_capacity(rows.len() * 80);
    for row in rows {
        let ts = Micros(row.ts);
        // Writing to a String cannot fail.
        let _ = writeln!(out, r#"{{"stream_id":{},"ts":"{ts}","value":{}}}"#, row.stream, row.value);
    }
    out
}

#[cfg(test)]
#[path = "generator_tests.rs"]
mod tests;
