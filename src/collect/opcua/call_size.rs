//! Size of calls that a device takes, as learned from those that it refused or lost. Pure; the caller passes the time.

use tokio::time::Instant;

use crate::collect::learned_expiry::LearnedExpiry;

/// The largest size that is known to work, until it expires and a larger one is tried again.
#[derive(Debug, Default)]
pub struct CallSize {
    learned: Option<usize>,
    expiry: LearnedExpiry,
}

impl CallSize {
    /// The size to use, at least 1 and at most `limit`.
    pub fn at_most(&mut self, limit: usize, now: Instant) -> usize {
        self.get(now).map_or(limit, |learned| learned.min(limit)).max(1)
    }

    /// The size that was learned and has not expired.
    pub fn get(&mut self, now: Instant) -> Option<usize> {
        if self.expiry.is_due(now) {
            self.learned = None;
        }
        self.learned
    }

    /// Records that calls of this size work where a larger one does not.
    pub fn learn(&mut self, size: usize, now: Instant) {
        let size = size.max(1);
        self.learned = Some(self.learned.map_or(size, |learned| learned.min(size)));
        self.expiry.record_learned(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_learned_size_only_shrinks_until_it_expires() {
        let (mut size, now) = (CallSize::default(), Instant::now());
        assert_eq!((size.at_most(1000, now), size.at_most(0, now)), (1000, 1));
        for (learned, expected) in [(500, 500), (125, 125), (250, 125), (0, 1)] {
            size.learn(learned, now);
            assert_eq!(size.at_most(1000, now), expected, "{learned}");
        }
        assert_eq!(size.at_most(1000, now + Duration::from_secs(599)), 1);
        assert_eq!(size.at_most(1000, now + Duration::from_secs(600)), 1000, "a larger one is tried again");
    }
}
