//! Partials: mergeable aggregates of the readings of one stream and one bucket.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;

use crate::domain::summation::{MeanState, RmsState};
use crate::query::functions::buckets::Buckets;
use crate::store::schema::timestamp;

/// Id of the stream.
pub const STREAM_ID: usize = 0;
/// A time in the bucket, of one of the readings or windows.
pub const TS: usize = 1;
/// Count of readings of any quality and kind.
pub const ROWS: usize = 2;
/// Count of values among them.
pub const COUNT: usize = 3;
/// Arithmetic mean of the values; NULL without any.
pub const MEAN: usize = 4;
/// Root mean square of the values; NULL without any.
pub const RMS: usize = 5;
/// Smallest value; NULL without any.
pub const MIN: usize = 6;
/// Largest value; NULL without any.
pub const MAX: usize = 7;

/// Returns the schema of partials. `ts` is the time of one of the readings, or of one of the windows, in the bucket.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let number = |name: &str| Field::new(name, DataType::Float64, true);
        Arc::new(Schema::new(vec![
            Field::new("stream_id", DataType::Int32, false),
            Field::new("ts", timestamp(), false),
            Field::new("rows", DataType::Int64, false),
            Field::new("count", DataType::Int64, false),
            number("mean"),
            number("rms"),
            number("min"),
            number("max"),
        ]))
    });
    SCHEMA.clone()
}

/// Selects the columns that are costly to compute; those not selected are NULL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialFields {
    pub rows: bool,
    pub mean: bool,
    pub rms: bool,
    pub min: bool,
    pub max: bool,
}

impl PartialFields {
    /// Selects those among `columns`, indices into `schema`.
    pub fn of(columns: &[usize]) -> Self {
        let has = |column| columns.contains(&column);
        Self { rows: has(ROWS), mean: has(MEAN), rms: has(RMS), min: has(MIN), max: has(MAX) }
    }
}

/// An accumulated partial.
#[derive(Debug, Clone, Copy)]
pub struct Partial {
    pub rows: u64,
    pub means: MeanState,
    pub squares: RmsState,
    pub min: f64,
    pub max: f64,
}

impl Default for Partial {
    fn default() -> Self {
        let (means, squares) = (MeanState::default(), RmsState::default());
        Self { rows: 0, means, squares, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

/// Aggregates of one window, or a single reading.
#[derive(Debug, Clone, Copy)]
pub struct PartialInput {
    pub rows: u64,
    pub count: u64,
    pub mean: f64,
    pub rms: f64,
    pub min: f64,
    pub max: f64,
}

impl PartialInput {
    /// Creates the input of a single reading; NaN means no value.
    pub fn of_value(value: f64) -> Self {
        let count = u64::from(!value.is_nan());
        Self { rows: 1, count, mean: value, rms: value, min: value, max: value }
    }
}

impl Partial {
    /// Adds a window or a reading: always its counts, of the rest only the selected `fields`.
    pub fn add(&mut self, part: PartialInput, fields: PartialFields) {
        // A statistic that another node sent may have any count.
        self.rows = self.rows.saturating_add(part.rows);
        if part.count == 0 {
            return;
        }
        if fields.mean {
            self.means.add_many(part.mean, part.count);
        } else {
            self.means.count = self.means.count.saturating_add(part.count);
        }
        if fields.rms {
            self.squares.add_many(part.rms, part.count);
        }
        if fields.min {
            self.min = self.min.min(part.min);
        }
        if fields.max {
            self.max = self.max.max(part.max);
        }
    }
}

/// Builds partials from inputs: consecutive inputs of one stream and bucket become one partial.
pub struct PartialBuilder {
    buckets: Option<Buckets>,
    pub fields: PartialFields,
    /// The open stream and bucket; none while it has no rows.
    stream: i32,
    bucket: (i64, i64),
    ts: i64,
    open: Partial,
    done: PartialColumns,
}

#[derive(Default)]
struct PartialColumns {
    streams: Vec<i32>,
    times: Vec<i64>,
    rows: Vec<i64>,
    counts: Vec<i64>,
    means: Vec<Option<f64>>,
    rms: Vec<Option<f64>>,
    mins: Vec<Option<f64>>,
    maxs: Vec<Option<f64>>,
}

impl PartialBuilder {
    /// Without `buckets`, all times are in one bucket.
    pub fn new(buckets: Option<Buckets>, fields: PartialFields) -> Self {
        Self {
            buckets,
            fields,
            stream: 0,
            bucket: (i64::MAX, i64::MIN),
            ts: 0,
            open: Partial::default(),
            done: PartialColumns::default(),
        }
    }

    /// Adds an input of a stream at a time.
    pub fn add(&mut self, stream: i32, ts: i64, part: PartialInput) -> Result<()> {
        if stream != self.stream || ts >= self.bucket.1 || ts < self.bucket.0 {
            self.close();
            self.bucket = match &self.buckets {
                Some(buckets) => buckets.around(ts)?,
                None => (i64::MIN, i64::MAX),
            };
            (self.stream, self.ts) = (stream, ts);
        }
        self.open.add(part, self.fields);
        Ok(())
    }

    /// Returns the number of finished partials that are not yet taken.
    pub fn finished_rows(&self) -> usize {
        self.done.streams.len()
    }

    fn close(&mut self) {
        let partial = std::mem::take(&mut self.open);
        if partial.rows == 0 {
            return;
        }
        let some = |wanted: bool, number: f64| (wanted && partial.means.count > 0).then_some(number);
        let (done, fields) = (&mut self.done, self.fields);
        done.streams.push(self.stream);
        done.times.push(self.ts);
        done.rows.push(partial.rows as i64);
        done.counts.push(partial.means.count as i64);
        done.means.push(if fields.mean { partial.means.mean() } else { None });
        done.rms.push(if fields.rms { partial.squares.rms() } else { None });
        done.mins.push(some(fields.min, partial.min));
        done.maxs.push(some(fields.max, partial.max));
    }

    /// Returns the partials since the last call as a batch of `schema`. The next input starts a new partial.
    pub fn finish_batch(&mut self) -> Result<RecordBatch> {
        self.close();
        self.bucket = (i64::MAX, i64::MIN);
        let done = std::mem::take(&mut self.done);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(done.streams)),
            Arc::new(TimestampMicrosecondArray::from(done.times).with_timezone("UTC")),
            Arc::new(Int64Array::from(done.rows)),
            Arc::new(Int64Array::from(done.counts)),
            Arc::new(Float64Array::from(done.means)),
            Arc::new(Float64Array::from(done.rms)),
            Arc::new(Float64Array::from(done.mins)),
            Arc::new(Float64Array::from(done.maxs)),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
