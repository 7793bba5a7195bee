//! How long something took, many times: counts in buckets, and quantiles of the latest times.

/// Upper bounds of the buckets, seconds: from a controller on the same switch to the longest wait that can be set.
pub const BOUNDS_S: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is known of many durations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Timing {
    pub count: u64,
    pub sum_s: f64,
    /// For each of `BOUNDS_S` how many were above the bound before it and not above this one. Those above the last bound
    /// are only in `count`.
    pub buckets: [u64; BOUNDS_S.len()],
    /// Half of the latest took no longer, milliseconds; `None` when there are none.
    pub p50_ms: Option<f64>,
    /// The same for 99 of 100.
    pub p99_ms: Option<f64>,
}
