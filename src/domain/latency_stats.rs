//! Latency statistics: histogram counts over all durations, and quantiles of the latest ones.

use serde::{Deserialize, Serialize};

/// Upper bounds of the histogram buckets in seconds, from a controller on the same switch up to long timeouts.
pub const LATENCY_BUCKET_BOUNDS_S: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A summary of many durations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LatencyStats {
    /// Number of all durations.
    pub count: u64,
    /// Sum of all durations, seconds.
    pub sum_s: f64,
    /// For each of `LATENCY_BUCKET_BOUNDS_S`, how many durations were at most this bound and above the previous one
    /// (not cumulative). Durations above the last bound are only in `count`.
    pub buckets: [u64; LATENCY_BUCKET_BOUNDS_S.len()],
    /// Median of the latest durations, milliseconds; `None` when there are none.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the latest durations, milliseconds.
    pub p99_ms: Option<f64>,
}
