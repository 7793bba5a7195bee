//! Window specification of a model: number of sources, samples per window, sample interval and stride.

use crate::domain::Micros;
use crate::domain::time::MICROS_PER_DAY;

/// Number of intervals for which a value holds while its source is silent.
pub const MAX_HOLD_INTERVALS: i64 = 3;
/// Maximum number of values in a window (samples times features).
pub const MAX_VALUES: usize = 1 << 22;
/// Longest interval between samples.
pub const MAX_INTERVAL_US: i64 = MICROS_PER_DAY;

/// Defines how readings become samples and samples become windows. Samples lie at multiples of the interval since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSpec {
    features: usize,
    samples: usize,
    interval_us: i64,
    stride: usize,
}

/// Why a specification is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindowSpec {
    /// Features times samples is zero or exceeds `MAX_VALUES`.
    #[error("a window needs at least one sample of one source, and at most {MAX_VALUES} values")]
    Size,
    /// The interval is outside 1 to `MAX_INTERVAL_US` microseconds; holds the interval given.
    #[error("`{0}` microseconds between samples are not between 1 and {MAX_INTERVAL_US}")]
    Interval(i64),
    /// The stride is zero samples.
    #[error("windows advance by at least one sample")]
    Stride,
}

impl WindowSpec {
    /// Creates windows of `samples` rows of `features` values, rows `interval_us` apart, one window per sample.
    pub fn new(features: usize, samples: usize, interval_us: i64) -> Result<WindowSpec, InvalidWindowSpec> {
        let values = features.checked_mul(samples).unwrap_or(0);
        if !(1..=MAX_VALUES).contains(&values) {
            return Err(InvalidWindowSpec::Size);
        }
        if !(1..=MAX_INTERVAL_US).contains(&interval_us) {
            return Err(InvalidWindowSpec::Interval(interval_us));
        }
        Ok(WindowSpec { features, samples, interval_us, stride: 1 })
    }

    /// Sets the number of samples between two windows.
    pub fn with_stride(self, stride: usize) -> Result<WindowSpec, InvalidWindowSpec> {
        if stride == 0 { Err(InvalidWindowSpec::Stride) } else { Ok(WindowSpec { stride, ..self }) }
    }

    /// Returns the number of sources, which is the number of values per sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Returns the number of samples per window.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Returns the microseconds between two samples.
    pub fn interval_us(&self) -> i64 {
        self.interval_us
    }

    /// Returns the number of samples between the ends of two consecutive windows.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Returns the maximum age in microseconds of a value that a sample may take.
    pub fn max_gap_us(&self) -> i64 {
        self.interval_us.saturating_mul(MAX_HOLD_INTERVALS)
    }

    /// Returns the time of the first sample of the window that ends at `end`.
    pub fn window_start(&self, end: Micros) -> Micros {
        let before = i64::try_from(self.samples - 1).unwrap_or(i64::MAX).saturating_mul(self.interval_us);
        Micros(end.0.saturating_sub(before))
    }

    /// Returns the time, inclusive, from which readings are needed to continue after the window that ends at
    /// `position`.
    pub fn replay_from(&self, position: Micros) -> Micros {
        Micros(self.window_start(position).0.saturating_sub(self.max_gap_us()))
    }

    /// Returns the last sample at or before a time.
    pub fn sample_at_or_before(&self, ts: Micros) -> Micros {
        Micros(ts.0.div_euclid(self.interval_us).saturating_mul(self.interval_us))
    }

    /// Returns the first sample at or after a time, which is the first that a reading of that time can be in.
    pub fn sample_at_or_after(&self, ts: Micros) -> Micros {
        let before = self.sample_at_or_before(ts);
        if before == ts { ts } else { Micros(before.0.saturating_add(self.interval_us)) }
    }
}
