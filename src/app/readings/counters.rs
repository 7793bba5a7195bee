//! Counts of received readings since the start, over all organizations.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::quarantine::QuarantineReason;

/// Counters that only grow.
#[derive(Debug, Default)]
pub struct ReadingCounters {
    accepted: AtomicU64,
    duplicates: AtomicU64,
    quarantined: [AtomicU64; QuarantineReason::ALL.len()],
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingCounts {
    /// Readings stored at a time that had none.
    pub accepted: u64,
    /// Readings stored in place of one of the same time, where that was looked up.
    pub duplicates: u64,
    /// Readings that were not accepted, by reason in the order of `QuarantineReason::ALL`.
    pub quarantined: Vec<(QuarantineReason, u64)>,
}

impl ReadingCounters {
    pub(super) fn count_stored(&self, accepted: usize, duplicates: usize) {
        self.accepted.fetch_add(accepted as u64, Ordering::Relaxed);
        self.duplicates.fetch_add(duplicates as u64, Ordering::Relaxed);
    }

    pub(super) fn count_quarantined(&self, reason: QuarantineReason) {
        let place = QuarantineReason::ALL.iter().position(|one| *one == reason);
        if let Some(count) = place.and_then(|place| self.quarantined.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the counts.
    pub fn counts(&self) -> ReadingCounts {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let quarantined = QuarantineReason::ALL.into_iter().zip(self.quarantined.iter().map(load));
        ReadingCounts {
            accepted: load(&self.accepted),
            duplicates: load(&self.duplicates),
            quarantined: quarantined.collect(),
        }
    }
}
