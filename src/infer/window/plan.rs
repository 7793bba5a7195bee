//! The shape of a model's windows: how many samples of how many sources, how far apart.

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_DAY;

/// For how many intervals a value holds when its source says nothing.
pub const HELD_INTERVALS: i64 = 3;
/// Most values in a window, samples times features.
pub const MAX_VALUES: usize = 1 << 22;
/// Longest interval between samples.
pub const MAX_INTERVAL_US: i64 = MICROS_PER_DAY;

/// How readings become samples, and samples windows. Samples are at the multiples of the interval since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    features: usize,
    samples: usize,
    interval_us: i64,
    stride: usize,
}

/// Why there is no such plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongPlan {
    #[error("a window needs at least one sample of one source, and at most {MAX_VALUES} values")]
    Size,
    #[error("`{0}` microseconds between samples are not between 1 and {MAX_INTERVAL_US}")]
    Interval(i64),
    #[error("windows advance by at least one sample")]
    Stride,
}

impl Plan {
    /// Windows of `samples` rows of `features` values, rows `interval_us` apart; a window with every sample.
    pub fn new(features: usize, samples: usize, interval_us: i64) -> Result<Plan, WrongPlan> {
        let values = features.checked_mul(samples).unwrap_or(0);
        if !(1..=MAX_VALUES).contains(&values) {
            return Err(WrongPlan::Size);
        }
        if !(1..=MAX_INTERVAL_US).contains(&interval_us) {
            return Err(WrongPlan::Interval(interval_us));
        }
        Ok(Plan { features, samples, interval_us, stride: 1 })
    }

    /// A window with every so many samples.
    pub fn with_stride(self, stride: usize) -> Result<Plan, WrongPlan> {
        if stride == 0 { Err(WrongPlan::Stride) } else { Ok(Plan { stride, ..self }) }
    }

    /// Sources: values of a sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Samples of a window.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Microseconds from one sample to the next.
    pub fn interval_us(&self) -> i64 {
        self.interval_us
    }

    /// Samples from the end of one window to the end of the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// For how long a value holds: a sample may take it until then, not later.
    pub fn max_gap_us(&self) -> i64 {
        self.interval_us.saturating_mul(HELD_INTERVALS)
    }

    /// The time of the first sample of the window that ends there.
    pub fn window_start(&self, end: Micros) -> Micros {
        let before = i64::try_from(self.samples - 1).unwrap_or(i64::MAX).saturating_mul(self.interval_us);
        Micros(end.0.saturating_sub(before))
    }

    /// From when on, inclusive, readings are needed to continue after the window that ends there.
    pub fn feed_from(&self, position: Micros) -> Micros {
        Micros(self.window_start(position).0.saturating_sub(self.max_gap_us()))
    }

    /// The last sample at or before a time.
    pub fn sample_at_or_before(&self, ts: Micros) -> Micros {
        Micros(ts.0.div_euclid(self.interval_us).saturating_mul(self.interval_us))
    }

    /// The first sample at or after a time: the first that a reading of that time can be in.
    pub fn sample_at_or_after(&self, ts: Micros) -> Micros {
        let before = self.sample_at_or_before(ts);
        if before == ts { ts } else { Micros(before.0.saturating_add(self.interval_us)) }
    }
}
