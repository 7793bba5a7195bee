//! Exponential backoff with an upper bound, and jitter so that devices do not retry in step.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// Short, so that a device that was gone for a moment is back at once.
const INITIAL_DELAY: Duration = Duration::from_millis(200);
/// One connection attempt in five seconds burdens no network, and a device that was away for an hour is reconnected
/// within seconds of its return.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Endless sequence of delays between attempts.
///
/// A connection that is lost soon after it was made counts as a failed attempt: who lets everybody in and then closes
/// must not be connected to several times a second.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
    /// When the current connection first worked.
    works_since: Option<Instant>,
}

impl Backoff {
    /// Returns the next delay.
    pub fn next_delay(&mut self) -> Duration {
        let delay = delay(self.attempts, random_unit());
        self.attempts = self.attempts.saturating_add(1);
        delay
    }

    /// Returns the delay after a loss at this time. It is the initial one when the connection has worked for longer than
    /// the longest delay.
    pub fn delay_after_loss(&mut self, now: Instant) -> Duration {
        if self.works_since.take().is_some_and(|since| now.duration_since(since) > MAX_DELAY) {
            self.reset();
        }
        self.next_delay()
    }

    /// The connection works.
    pub fn note_success(&mut self, now: Instant) {
        self.works_since.get_or_insert(now);
    }

    /// Starts again at the initial delay.
    pub fn reset(&mut self) {
        *self = Backoff::default();
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

    /// Plant A6: a connection that was lost at once began the delays anew.
    #[test]
    fn only_a_connection_that_has_lasted_begins_anew() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        for _ in 0..10 {
            // It works until just before the bound, however often that is noted.
            backoff.note_success(now);
            now += MAX_DELAY;
            backoff.note_success(now);
            backoff.delay_after_loss(now);
        }
        assert!(backoff.delay_after_loss(now) >= MAX_DELAY / 2);
        backoff.note_success(now);
        now += MAX_DELAY + Duration::from_millis(1);
        assert!(backoff.delay_after_loss(now) <= INITIAL_DELAY);
        // An attempt without a connection is none that has lasted.
        now += MAX_DELAY * 2;
        let second = backoff.delay_after_loss(now);
        assert!(second >= INITIAL_DELAY, "{second:?} is half of twice the first");
    }
}
