//! Whether the clock of those who push a device's readings is ahead, judged by the times of the readings.
//!
//! A reading that is ahead of its receipt is of a wrong clock. An old one may be of a backfill, so that a clock that is behind
//! is not found. Several may send for one device, and only one of them may be wrong: a clock is right again only when nothing
//! was ahead for long.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::Micros;
use crate::domain::arrival::AheadBound;
use crate::domain::time::MICROS_PER_HOUR;

/// How long after its last reading ahead a clock counts as ahead.
const HOLD_US: i64 = MICROS_PER_HOUR;
/// Receipt of the last reading ahead where there was none.
const NEVER: i64 = i64::MIN;

/// Known state of the clock of one device's senders.
#[derive(Debug)]
pub(super) struct SenderClock {
    /// Receipt of the last reading ahead, microseconds; [`NEVER`] while the clock is right.
    ahead_at: AtomicI64,
    /// How far that was ahead, microseconds.
    offset_us: AtomicI64,
}

impl Default for SenderClock {
    fn default() -> Self {
        Self { ahead_at: AtomicI64::new(NEVER), offset_us: AtomicI64::new(0) }
    }
}

impl SenderClock {
    /// Learns from the newest reading of a request. Returns whether the clock is found ahead, or right again.
    pub fn observe(&self, newest: Micros, received_at: Micros, bound: AheadBound) -> bool {
        let ahead_at = self.ahead_at.load(Ordering::Relaxed);
        if bound.is_ahead(newest, received_at) {
            self.offset_us.store(newest.0.saturating_sub(received_at.0), Ordering::Relaxed);
            self.ahead_at.store(received_at.0, Ordering::Relaxed);
            return ahead_at == NEVER;
        }
        let is_held = (0..HOLD_US).contains(&received_at.0.saturating_sub(ahead_at));
        if ahead_at == NEVER || is_held {
            return false;
        }
        self.ahead_at.store(NEVER, Ordering::Relaxed);
        true
    }

    /// How far the clock is ahead, seconds; `None` unless it is.
    pub fn offset_s(&self) -> Option<f64> {
        let is_ahead = self.ahead_at.load(Ordering::Relaxed) != NEVER;
        is_ahead.then(|| self.offset_us.load(Ordering::Relaxed) as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::MICROS_PER_SECOND;

    /// rest.md A5.
    #[test]
    fn a_clock_is_ahead_at_once_and_right_again_when_nothing_was_ahead_for_an_hour() {
        let (clock, begin) = (SenderClock::default(), 1_000_000);
        // Second of receipt, time of the newest reading after it, whether that is news, and the offset then.
        let rows: [(i64, i64, bool, Option<f64>); 10] = [
            (0, 0, false, None),
            (1, 60, false, None),
            (2, -999_000, false, None),
            (3, 61, true, Some(61.0)),
            (4, 86_400, false, Some(86_400.0)),
            (5, 0, false, Some(86_400.0)),
            (3603, 0, false, Some(86_400.0)),
            (3604, -5, true, None),
            (3605, 100, true, Some(100.0)),
            // Our own clock was set back.
            (-9000, 0, true, None),
        ];
        for (received_s, ahead_s, is_news, offset_s) in rows {
            let second = |at: i64| Micros((begin + at) * MICROS_PER_SECOND);
            let newest = second(received_s + ahead_s);
            let found = clock.observe(newest, second(received_s), AheadBound::default());
            assert_eq!((found, clock.offset_s()), (is_news, offset_s), "{received_s} {ahead_s}");
        }
    }
}
