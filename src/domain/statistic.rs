//! Statistics: what the values of one window amount to, computed by the server or written by hand.

use super::{FieldError, Micros, StreamId};

/// Who made a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// The server, from readings.
    #[default]
    Computed,
    /// Somebody, by hand.
    Posted,
}

/// One row a stream and window. Written by hand, everything but the mean may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistic {
    pub stream: StreamId,
    pub origin: Origin,
    /// Start of the window.
    pub ts: Micros,
    /// Seconds.
    pub window_s: u32,
    /// Values in the window; what a row written by hand weighs.
    pub count: i64,
    pub mean: Option<f64>,
    /// Square root of the mean of squares.
    pub rms: Option<f64>,
    pub median: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub q1: Option<f64>,
    pub q3: Option<f64>,
}

impl Statistic {
    /// Every rule of a row written by hand; field names and messages as DataStone's.
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

/// What is wanted of each bucket, beside the number of its values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepFields {
    /// The sum too.
    pub mean: bool,
    pub rms: bool,
    pub min: bool,
    pub max: bool,
    /// Median, q1 and q3: exact, and read from raw readings unless buckets are the windows of statistics.
    pub quantiles: bool,
}

/// A bucket that holds a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    pub start: Micros,
    pub count: u64,
    /// `None` unless asked for; quantiles also where a row written by hand covers a part of the bucket.
    pub mean: Option<f64>,
    pub rms: Option<f64>,
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub median: Option<f64>,
    pub q1: Option<f64>,
    pub q3: Option<f64>,
}

/// The buckets of one stream by time, the empty ones left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub stream: StreamId,
    pub buckets: Vec<Bucket>,
}
