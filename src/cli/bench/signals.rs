//! The measured plant: six shapes of signal in equal parts, as instruments give them, and 1% of rows late.
//!
//! Deterministic: the same second of the same stream always has the same value.

use arrow::array::{Float64Array, Int32Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::fmt::Write;
use std::sync::Arc;

use crate::domain::{Micros, StreamId};

/// 2026-01-05T00:00:00Z, a Monday.
pub const START: i64 = 1_767_571_200_000_000;
const SECOND: i64 = 1_000_000;
/// Late rows come up to this much after their time.
const LATE_SECONDS: u64 = 7200;

/// A row to be written.
#[derive(Clone, Copy)]
pub struct Row {
    pub stream: i32,
    pub ts: i64,
    pub value: f64,
}

/// The rows that arrive in one second: one of each stream, of which one in a hundred belongs to an earlier time.
pub fn second(streams: &[StreamId], start: i64, second: usize) -> impl Iterator<Item = Row> + '_ {
    streams.iter().enumerate().map(move |(i, stream)| {
        let dice = mix((i as u64) << 40 | second as u64);
        let late = if dice.is_multiple_of(100) { (dice >> 8) % LATE_SECONDS } else { 0 };
        let at = (second as u64).saturating_sub(late);
        // Between the whole seconds, so that it replaces nothing.
        let beside = if late > 0 { SECOND / 2 + ((dice >> 40) % 400_000) as i64 } else { 0 };
        Row { stream: stream.0, ts: start + at as i64 * SECOND + beside, value: value(i, at) }
    })
}

fn value(stream: usize, second: u64) -> f64 {
    let noise = || mix((stream as u64) << 32 | second) as f64 / u64::MAX as f64;
    let cents = |v: f64| (v * 100.0).round() / 100.0;
    let t = second as f64;
    match stream % 6 {
        0 => cents(20.0 + (t / 9000.0 + stream as f64).sin() * 5.0),
        1 => cents(50.0 + (t / 60.0).sin() * 10.0 + noise()),
        2 => noise() * 1000.0 / 3.0,
        3 => f64::from(u8::from((second / (300 + stream as u64)).is_multiple_of(2))),
        4 => (second % (40_000 + stream as u64 * 100)) as f64,
        _ => (second / 3600) as f64 + stream as f64,
    }
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
