//! Statistics: aggregates of one stream over one window, computed by the server or posted by hand.

use super::{FieldError, Micros, StreamId};

/// Origin of a statistics row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// Computed by the server from readings.
    #[default]
    Computed,
    /// Posted through an API.
    Posted,
}

/// One row per stream and window. A posted row may leave out everything but the mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistic {
    /// Stream whose values are aggregated.
    pub stream: StreamId,
    /// Whether the server computed the row.
    pub origin: Origin,
    /// Start of the window.
    pub ts: Micros,
    /// Seconds.
    pub window_s: u32,
    /// Number of values in the window; for a posted row, its weight.
    pub count: i64,
    /// Arithmetic mean, in the stream's unit; required of a posted row.
    pub mean: Option<f64>,
    /// Square root of the mean of squares.
    pub rms: Option<f64>,
    /// Median, in the stream's unit.
    pub median: Option<f64>,
    /// Smallest value, in the stream's unit.
    pub min: Option<f64>,
    /// Largest value, in the stream's unit.
    pub max: Option<f64>,
    /// First quartile, in the stream's unit.
    pub q1: Option<f64>,
    /// Third quartile, in the stream's unit.
    pub q3: Option<f64>,
}

impl Statistic {
    /// Checks every rule of a posted row; field names and messages are DataStone's.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        let numbers = [
            ("mean", self.mean),
            ("rms", self.rms),
            ("median", self.median),
            ("min", self.min),
            ("max", self.max),
            ("q1", self.q1),
            ("q3", self.q3),
        ];
        for (field, _) in numbers.iter().filter(|(_, number)| number.is_some_and(|n| !n.is_finite())) {
            found.push(FieldError::new(*field, "A valid number is required."));
        }
        if self.mean.is_none() {
            found.push(FieldError::new("mean", "This field is required."));
        }
        if self.min.zip(self.max).is_some_and(|(min, max)| min > max) {
            found.push(FieldError::new("min", "Must not exceed max."));
        }
        if self.count < 1 {
            found.push(FieldError::new("count", "Ensure this value is greater than or equal to 1."));
        }
        if !self.ts.is_storable() {
            found.push(FieldError::new("timestamp", "Ensure the year is from 1970 to 2261."));
        }
        found
    }
}

/// Aggregates to compute per bucket, besides the number of values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketFields {
    /// Mean and sum.
    pub mean: bool,
    /// Root mean square.
    pub rms: bool,
    /// Smallest value.
    pub min: bool,
    /// Largest value.
    pub max: bool,
    /// Median, q1 and q3: exact, and read from raw readings unless the buckets are the windows of statistics.
    pub quantiles: bool,
}

/// A non-empty bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Start of the bucket, inclusive.
    pub start: Micros,
    /// Number of values; posted rows add their weight.
    pub count: u64,
    /// `None` unless requested. Quantiles are also `None` where a posted row covers part of the bucket.
    pub mean: Option<f64>,
    /// Root mean square.
    pub rms: Option<f64>,
    /// Sum of the values; infinite if it overflows.
    pub sum: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// First quartile.
    pub q1: Option<f64>,
    /// Third quartile.
    pub q3: Option<f64>,
}

/// The non-empty buckets of one stream, by time.
#[derive(Debug, Clone, PartialEq)]
pub struct BucketSeries {
    /// Stream whose values are aggregated.
    pub stream: StreamId,
    /// Ascending by start; empty buckets are absent.
    pub buckets: Vec<Bucket>,
}
