//! Conversion of statistics to and from rows of their table.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};

use super::window_summary::{Quantiles, WindowSummary};
use crate::domain::statistic::{Origin, Statistic};
use crate::domain::{Micros, StreamId};
use crate::store::table::{ORIGIN_COMPUTED, ORIGIN_POSTED, Table};
use crate::store::upsert_rows::{UpsertKey, UpsertRows};

/// A window and the statistics of its readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowRow {
    pub stream: i32,
    /// Microseconds.
    pub start: i64,
    /// Microseconds.
    pub length: i64,
    /// Number of readings of any quality and kind.
    pub rows: u64,
    /// Summary of the values; `None` when there are none.
    pub summary: Option<WindowSummary>,
}

/// Returns a batch of computed rows of `statistics`, or of hours; `windows` must be in key order.
pub fn computed_batch(windows: &[WindowRow], seq: u64) -> RecordBatch {
    let number = |get: fn(&WindowSummary) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter(windows.iter().map(|w| w.summary.as_ref().map(get))))
    };
    let quantile = |get: fn(Quantiles) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter(windows.iter().map(|w| w.summary?.quantiles.map(get))))
    };
    let columns = StatisticsColumns {
        streams: windows.iter().map(|w| w.stream).collect(),
        times: windows.iter().map(|w| w.start).collect(),
        origin: ORIGIN_COMPUTED,
        window_s: windows.iter().map(|w| (w.length / 1_000_000) as i32).collect(),
        counts: windows.iter().map(|w| w.summary.map_or(0, |s| s.count as i64)).collect(),
        numbers: vec![
            number(|s| s.mean),
            number(|s| s.rms),
            quantile(|q| q.median),
            number(|s| s.min),
            number(|s| s.max),
            quantile(|q| q.q1),
            quantile(|q| q.q3),
        ],
        rows: windows.iter().map(|w| w.rows as i64).collect(),
    };
    columns.batch(seq)
}

/// Converts manually posted statistics into rows.
pub fn posted_rows(rows: &[Statistic]) -> UpsertRows {
    let number = |get: fn(&Statistic) -> Option<f64>| -> ArrayRef {
        Arc::new(Float64Array::from_iter(rows.iter().map(get)))
    };
    let columns = StatisticsColumns {
        streams: rows.iter().map(|r| r.stream.0).collect(),
        times: rows.iter().map(|r| r.ts.0).collect(),
        origin: ORIGIN_POSTED,
        window_s: rows.iter().map(|r| r.window_s as i32).collect(),
        counts: rows.iter().map(|r| r.count).collect(),
        numbers: vec![
            number(|r| r.mean),
            number(|r| r.rms),
            number(|r| r.median),
            number(|r| r.min),
            number(|r| r.max),
            number(|r| r.q1),
            number(|r| r.q3),
        ],
        rows: vec![0; rows.len()],
    };
    UpsertRows::new(Table::Statistics, columns.batch(0)).expect("the columns are those of the table")
}

/// Iterates over rows of `statistics` that were read with all columns.
pub fn read_rows(rows: &UpsertRows) -> impl Iterator<Item = Statistic> + '_ {
    let batch = rows.batch();
    let windows = batch.column(3).as_primitive::<Int32Type>();
    let counts = batch.column(4).as_primitive::<Int64Type>();
    let numbers: Vec<&Float64Array> =
        (5..12).map(|at| batch.column(at).as_primitive::<Float64Type>()).collect();
    (0..rows.len()).map(move |i| {
        let UpsertKey { id, ts, label } = rows.key(i);
        let origin = if label == ORIGIN_POSTED { Origin::Posted } else { Origin::Computed };
        let [mean, rms, median, min, max, q1, q3] =
            std::array::from_fn(|at| numbers[at].is_valid(i).then(|| numbers[at].value(i)));
        let window_s = windows.value(i).unsigned_abs();
        let (stream, ts, count) = (StreamId(id), Micros(ts), counts.value(i));
        Statistic { stream, origin, ts, window_s, count, mean, rms, median, min, max, q1, q3 }
    })
}

struct StatisticsColumns {
    streams: Vec<i32>,
    times: Vec<i64>,
    origin: &'static str,
    window_s: Vec<i32>,
    counts: Vec<i64>,
    /// Columns mean, rms, median, min, max, q1, q3.
    numbers: Vec<ArrayRef>,
    rows: Vec<i64>,
}

impl StatisticsColumns {
    fn batch(self, seq: u64) -> RecordBatch {
        let len = self.streams.len();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(self.streams)),
            Arc::new(TimestampMicrosecondArray::from(self.times).with_timezone("UTC")),
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(self.origin, len))),
            Arc::new(Int32Array::from(self.window_s)),
            Arc::new(Int64Array::from(self.counts)),
        ];
        columns.extend(self.numbers);
        columns.push(Arc::new(Int64Array::from(self.rows)));
        columns.push(Arc::new(Int64Array::from_value(seq as i64, len)));
        RecordBatch::try_new(Table::Statistics.schema(), columns).expect("the columns are those of the table")
    }
}
