//! Durations of one kind as they happen: counted since the start, the latest kept for their quantiles.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::timing::{BOUNDS_S, Timing};

/// How many of the latest the quantiles are taken over.
const LATEST: usize = 512;

/// Memory is bounded: the latest few hundred and one number a bucket.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    /// Without the quantiles, which are worked out when asked for.
    timing: Timing,
    latest_ms: VecDeque<f64>,
}

impl Meter {
    pub fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.timing.count += 1;
        self.timing.sum_s += seconds;
        if let Some(bucket) = BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            self.timing.buckets[bucket] += 1;
        }
        if self.latest_ms.len() == LATEST {
            self.latest_ms.pop_front();
        }
        self.latest_ms.push_back(seconds * 1e3);
    }

    /// Everything so far, with the quantiles of the latest.
    pub fn timing(&self) -> Timing {
        let mut sorted: Vec<f64> = self.latest_ms.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Timing { p50_ms: quantile(&sorted, 0.50), p99_ms: quantile(&sorted, 0.99), ..self.timing }
    }
}

/// The nearest rank: the smallest value that at least the fraction `q` of all do not exceed.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_latest() {
        let mut meter = Meter::default();
        assert_eq!(meter.timing(), Timing::default());
        // The first hundred are pushed out by the next 512.
        for ms in (0..100).map(|_| 1000).chain(1..=512) {
            meter.add(Duration::from_millis(ms));
        }
        let timing = meter.timing();
        assert_eq!((timing.p50_ms, timing.p99_ms), (Some(256.0), Some(507.0)));
    }

    #[test]
    fn every_duration_is_counted_in_one_bucket_or_above_all() {
        let mut meter = Meter::default();
        let durations =
            [("at_a_bound", 1), ("above_it", 2), ("at_the_last_bound", 10_000), ("above_all", 10_001)];
        durations.iter().for_each(|(_, ms)| meter.add(Duration::from_millis(*ms)));
        let timing = meter.timing();
        let mut expected = [0; BOUNDS_S.len()];
        for bound in [0.001, 0.0025, 10.0] {
            expected[BOUNDS_S.iter().position(|b| *b == bound).unwrap()] = 1;
        }
        assert_eq!((timing.count, timing.buckets), (4, expected));
        assert!((timing.sum_s - 20.004).abs() < 1e-9);
    }
}
