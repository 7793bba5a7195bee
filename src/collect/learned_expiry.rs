//! Expiry of the rules learned from a device's refusals, so that what it refused together is requested together again: the
//! refusal may have been a fault that is repaired by now. Pure; the caller passes the time.

use std::time::Duration;

use tokio::time::Instant;

/// After the first refusal. A new attempt costs one refused request and one for each of its streams.
const INITIAL_EXPIRY: Duration = Duration::from_secs(600);
/// Rules that are learned again after each expiry expire up to this many times later.
const MAX_EXPIRY_FACTOR: u32 = 16;

/// Expiry of all rules learned from one device, postponed longer each time that they are learned again.
#[derive(Debug)]
pub struct LearnedExpiry {
    first: Duration,
    delay: Duration,
    due: Option<Instant>,
    forgotten: Option<Instant>,
}

impl Default for LearnedExpiry {
    fn default() -> Self {
        LearnedExpiry::after(INITIAL_EXPIRY)
    }
}

impl LearnedExpiry {
    /// An expiry with the initial delay `first`; `default` has ten minutes.
    pub fn after(first: Duration) -> Self {
        LearnedExpiry { first, delay: first, due: None, forgotten: None }
    }

    /// Starts the expiry, after a rule was learned.
    pub fn record_learned(&mut self, now: Instant) {
        if self.due.is_some() {
            return;
        }
        let is_still_so = self.forgotten.is_some_and(|at| now.duration_since(at) < self.delay);
        let longest = self.first.saturating_mul(MAX_EXPIRY_FACTOR);
        self.delay = if is_still_so { self.delay.saturating_mul(2).min(longest) } else { self.first };
        self.due = Some(now + self.delay);
    }

    /// Whether the rules expire now. Returns true once per expiry.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            (self.due, self.forgotten) = (None, Some(now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learnt_again_is_forgotten_more_seldom() {
        let (second, mut now) = (Duration::from_secs(1), Instant::now());
        let mut relearn = LearnedExpiry::after(10 * second);
        assert!(!relearn.is_due(now), "nothing is learnt");
        for delay in [10, 20, 40, 80, 160, 160] {
            relearn.record_learned(now);
            relearn.record_learned(now + 5 * second);
            now += delay * second;
            assert!(!relearn.is_due(now - second / 2), "{delay}");
            assert!(relearn.is_due(now), "{delay}");
            assert!(!relearn.is_due(now), "once");
            now += second;
        }
        now += 1000 * second;
        relearn.record_learned(now);
        assert!(relearn.is_due(now + 10 * second), "all was well for a long time");
    }
}
