//! Exponential backoff with an upper bound, and jitter so that devices do not retry in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Short, so that a device that was gone for a moment is back at once.
const INITIAL_DELAY: Duration = Duration::from_millis(200);
/// One connection attempt in five seconds burdens no network, and a device that was away for an hour is reconnected
/// within seconds of its return.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Endless sequence of delays between attempts.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Returns the next delay.
    pub fn next_delay(&mut self) -> Duration {
        let delay = delay(self.attempts, random_unit());
        self.attempts = self.attempts.saturating_add(1);
        delay
    }

    /// Starts again at the initial delay, after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// Returns between half and all of the doubled delay; `jitter` is in 0..1.
fn delay(attempts: u32, jitter: f64) -> Duration {
    let full = INITIAL_DELAY.saturating_mul(1 << attempts.min(16)).min(MAX_DELAY);
    full.mul_f64(0.5 + jitter / 2.0)
}

/// A number in 0..1 from the standard library's per-process random hash keys; jitter needs nothing better.
fn random_unit() -> f64 {
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_bound() {
        for (attempts, full_ms) in [(0, 200), (1, 400), (2, 800), (4, 3200), (5, 5000), (u32::MAX, 5000)] {
            assert_eq!(delay(attempts, 1.0), Duration::from_millis(full_ms), "{attempts}");
            assert_eq!(delay(attempts, 0.0), Duration::from_millis(full_ms) / 2, "{attempts}");
        }
    }

    #[test]
    fn a_success_begins_anew() {
        let mut backoff = Backoff::default();
        (0..10).for_each(|_| {
            backoff.next_delay();
        });
        backoff.reset();
        assert!(backoff.next_delay() <= INITIAL_DELAY);
    }
}
