//! Counts of deliveries since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::notification::{ChannelKind, DeliveryStatus};

/// Outcomes of attempts: sent, failed for good, or to be tried again.
const OUTCOMES: usize = DeliveryStatus::ALL.len();

/// Counts attempts by kind of channel and outcome, and the deliveries that wait.
#[derive(Debug, Default)]
pub struct NotificationCounters {
    attempts: [[AtomicU64; OUTCOMES]; ChannelKind::ALL.len()],
    running: AtomicU64,
    pending: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotificationCounts {
    /// Attempts by kind of channel and the state of the delivery after them. PENDING are those that will be repeated.
    pub attempts: Vec<(ChannelKind, DeliveryStatus, u64)>,
    /// Attempts under way.
    pub running: u64,
    /// Deliveries that wait for an attempt, those under way among them; a few seconds old.
    pub pending: u64,
}

impl NotificationCounters {
    /// Counts an attempt that left its delivery in this state.
    pub fn count(&self, kind: ChannelKind, status: DeliveryStatus) {
        if let Some(cell) = self.counter(kind, status) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sets the number of attempts under way, after each change of the worker.
    pub fn set_running(&self, count: usize) {
        self.running.store(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Sets the number of deliveries that wait, as the catalog was last asked for it.
    pub fn set_pending(&self, count: u64) {
        self.pending.store(count, Ordering::Relaxed);
    }

    /// Every count, those that are 0 too.
    pub fn counts(&self) -> NotificationCounts {
        let kinds = ChannelKind::ALL.into_iter();
        let cells = kinds.flat_map(|kind| DeliveryStatus::ALL.map(|status| (kind, status)));
        let read = |(kind, status)| {
            let count = self.counter(kind, status).map_or(0, |cell| cell.load(Ordering::Relaxed));
            (kind, status, count)
        };
        NotificationCounts {
            attempts: cells.map(read).collect(),
            running: self.running.load(Ordering::Relaxed),
            pending: self.pending.load(Ordering::Relaxed),
        }
    }

    fn counter(&self, kind: ChannelKind, status: DeliveryStatus) -> Option<&AtomicU64> {
        let kind = ChannelKind::ALL.iter().position(|one| *one == kind)?;
        let status = DeliveryStatus::ALL.iter().position(|one| *one == status)?;
        self.attempts.get(kind)?.get(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_kind_and_outcome() {
        let counters = NotificationCounters::default();
        counters.count(ChannelKind::Email, DeliveryStatus::Sent);
        counters.count(ChannelKind::Webhook, DeliveryStatus::Pending);
        counters.count(ChannelKind::Webhook, DeliveryStatus::Pending);
        counters.set_running(3);
        counters.set_pending(4);
        let counts = counters.counts();
        let seen: Vec<_> = counts.attempts.iter().filter(|(.., count)| *count > 0).copied().collect();
        let expected = [
            (ChannelKind::Email, DeliveryStatus::Sent, 1),
            (ChannelKind::Webhook, DeliveryStatus::Pending, 2),
        ];
        assert_eq!((seen.as_slice(), counts.attempts.len()), (expected.as_slice(), 6));
        assert_eq!((counts.running, counts.pending), (3, 4));
    }
}
