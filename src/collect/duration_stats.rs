//! Statistics of durations of one kind: counters since the start, and quantiles over the latest samples.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::latency_stats::{LATENCY_BUCKET_BOUNDS_S, LatencyStats};

/// Number of the latest samples that the quantiles are computed over.
const QUANTILE_SAMPLES: usize = 512;

/// Memory is bounded: a few hundred samples and one counter per bucket.
#[derive(Debug, Clone, Default)]
pub struct DurationStats {
    /// Without the quantiles, which are computed on request.
    timing: LatencyStats,
    latest_ms: VecDeque<f64>,
}

impl DurationStats {
    /// Counts a duration, and keeps it as the latest sample in place of the oldest of `QUANTILE_SAMPLES`.
    pub fn record(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.timing.count += 1;
        self.timing.sum_s += seconds;
        if let Some(bucket) = LATENCY_BUCKET_BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            self.timing.buckets[bucket] += 1;
        }
        if self.latest_ms.len() == QUANTILE_SAMPLES {
            self.latest_ms.pop_front();
        }
        self.latest_ms.push_back(seconds * 1e3);
    }

    /// Counters since the start, with the quantiles of the latest samples.
    pub fn timing(&self) -> LatencyStats {
        let mut sorted: Vec<f64> = self.latest_ms.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        LatencyStats { p50_ms: quantile(&sorted, 0.50), p99_ms: quantile(&sorted, 0.99), ..self.timing }
    }
}

/// Nearest-rank quantile: the smallest value that at least the fraction `q` of all values do not exceed.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_latest() {
        let mut meter = DurationStats::default();
        assert_eq!(meter.timing(), LatencyStats::default());
        // The first hundred are pushed out by the next 512.
        for ms in (0..100).map(|_| 1000).chain(1..=512) {
            meter.record(Duration::from_millis(ms));
        }
        let timing = meter.timing();
        assert_eq!((timing.p50_ms, timing.p99_ms), (Some(256.0), Some(507.0)));
    }

    #[test]
    fn every_duration_is_counted_in_one_bucket_or_above_all() {
        let mut meter = DurationStats::default();
        let durations =
            [("at_a_bound", 1), ("above_it", 2), ("at_the_last_bound", 10_000), ("above_all", 10_001)];
        durations.iter().for_each(|(_, ms)| meter.record(Duration::from_millis(*ms)));
        let timing = meter.timing();
        let mut expected = [0; LATENCY_BUCKET_BOUNDS_S.len()];
        for bound in [0.001, 0.0025, 10.0] {
            expected[LATENCY_BUCKET_BOUNDS_S.iter().position(|b| *b == bound).unwrap()] = 1;
        }
        assert_eq!((timing.count, timing.buckets), (4, expected));
        assert!((timing.sum_s - 20.004).abs() < 1e-9);
    }
}
