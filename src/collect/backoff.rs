//! How long to wait before trying again: doubling, bounded, never in step with another device.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Short, so that a device that only blinked is back at once.
const FIRST: Duration = Duration::from_millis(200);
/// One connection attempt in five seconds burdens no network, and a device that was away for an hour is back
/// within seconds of its return.
const LONGEST: Duration = Duration::from_secs(5);

/// Delays between attempts, for ever.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next delay.
    pub fn next_delay(&mut self) -> Duration {
        let delay = delay(self.attempts, random_unit());
        self.attempts = self.attempts.saturating_add(1);
        delay
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// Between half and all of the doubled delay; `jitter` is in 0..1.
fn delay(attempts: u32, jitter: f64) -> Duration {
    let full = FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST);
    full.mul_f64(0.5 + jitter / 2.0)
}

/// A number in 0..1 from the standard library's per-process random hash keys: no need of more.
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
        assert!(backoff.next_delay() <= FIRST);
    }
}
