//! Times of arrival by the monotonic clock, which silence is counted by: whoever sets the clock makes no stream silent.
//!
//! The log says what the clock showed when a record arrived. If it was set between then and now, that says nothing; but the
//! record arrived after what was taken before it, and before now.

use std::sync::Arc;

use crate::domain::clock_trust::ClockReading;
use crate::domain::{Clock, Micros};

/// A place in the log whose records arrive after a moment.
#[derive(Debug, Clone, Copy)]
struct LogMark {
    /// Number of the first of them.
    seq: u64,
    /// The moment, by the monotonic clock.
    after: Micros,
}

/// Times of arrival of the records that a session takes.
pub struct ArrivalClock {
    clock: Arc<dyn Clock>,
    mark: LogMark,
    /// Records before the mark that are not taken yet arrived after this.
    before_mark: Micros,
    /// How far silence can be judged; `None` until a record was taken, or none was left.
    heard_until: Option<Micros>,
}

impl ArrivalClock {
    /// A session that begins at a moment before which no record from `end` on arrived.
    pub fn new(clock: Arc<dyn Clock>, began_at: ClockReading, end: u64) -> ArrivalClock {
        let after = began_at.monotonic;
        ArrivalClock { clock, mark: LogMark { seq: end, after }, before_mark: after, heard_until: None }
    }

    /// Takes note of a moment at which the records before `next_seq` are taken. The log ends before `end` a little later.
    pub fn note(&mut self, at: ClockReading, next_seq: u64, end: u64) {
        if next_seq >= self.mark.seq {
            self.before_mark = self.mark.after;
            self.mark = LogMark { seq: end, after: at.monotonic };
        }
        if next_seq >= end {
            self.heard_until = Some(at.monotonic);
        }
    }

    /// Returns when a record arrived that is taken now, and at whose arrival the clock showed `shown`.
    pub fn arrival(&mut self, seq: u64, shown: Micros) -> Micros {
        let reading = ClockReading::read(&*self.clock);
        let after = if seq >= self.mark.seq { self.mark.after } else { self.before_mark };
        let age_us = reading.now.0.saturating_sub(shown.0);
        let at = Micros(reading.monotonic.0.saturating_sub(age_us)).min(reading.monotonic).max(after);
        self.heard_until = self.heard_until.max(Some(at));
        at
    }

    /// The moment up to which everything that arrived is taken; `None` before the first record of the session.
    pub fn heard_until(&self) -> Option<Micros> {
        self.heard_until
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::domain::time::MICROS_PER_SECOND;

    const HOUR_S: i64 = 3600;
    const YEAR_S: i64 = 365 * 86_400;

    /// Clock that a test moves.
    struct SetClock(Mutex<ClockReading>);

    impl Clock for SetClock {
        fn now(&self) -> Micros {
            self.0.lock().now
        }

        fn monotonic(&self) -> Micros {
            self.0.lock().monotonic
        }
    }

    fn reading(now_s: i64, monotonic_s: i64) -> ClockReading {
        ClockReading { now: second(now_s), monotonic: second(monotonic_s) }
    }

    fn second(at: i64) -> Micros {
        Micros(at * MICROS_PER_SECOND)
    }

    /// A session that has taken records up to number 9 at second 20 of the process, when the clock showed `now_s`.
    fn session(now_s: i64) -> (Arc<SetClock>, ArrivalClock) {
        let clock = Arc::new(SetClock(Mutex::new(reading(now_s, 20))));
        let mut arrivals = ArrivalClock::new(clock.clone(), reading(now_s - 20, 0), 5);
        assert_eq!(arrivals.heard_until(), None);
        for _ in 0..2 {
            arrivals.note(reading(now_s, 20), 10, 10);
        }
        assert_eq!(arrivals.heard_until(), Some(second(20)));
        (clock, arrivals)
    }

    #[test]
    fn a_record_that_waits_arrived_when_it_did() {
        let (clock, mut arrivals) = session(100 * YEAR_S);
        *clock.0.lock() = reading(100 * YEAR_S + 30, 50);
        arrivals.note(reading(100 * YEAR_S + 30, 50), 10, 12);
        assert_eq!(arrivals.heard_until(), Some(second(20)), "others wait, too");
        assert_eq!(arrivals.arrival(10, second(100 * YEAR_S + 7)), second(27));
        assert_eq!(arrivals.heard_until(), Some(second(27)));
        assert_eq!(arrivals.arrival(12, second(100 * YEAR_S + 7)), second(50), "it came after the look");
    }

    /// rest.md A2.
    #[test]
    fn a_record_that_waits_while_the_clock_is_set_arrived_after_what_was_taken_and_before_now() {
        for (set_by_s, expected_s) in [(-YEAR_S, 23), (-HOUR_S, 23), (HOUR_S, 20), (YEAR_S, 20)] {
            let (clock, mut arrivals) = session(100 * YEAR_S);
            *clock.0.lock() = reading(100 * YEAR_S + set_by_s + 3, 23);
            let before = second(100 * YEAR_S + 1);
            assert_eq!(arrivals.arrival(10, before), second(expected_s), "{set_by_s}");
            let after = second(100 * YEAR_S + set_by_s + 2);
            assert_eq!(arrivals.arrival(11, after), second(22), "{set_by_s}: it came after that");
            assert_eq!(arrivals.heard_until(), Some(second(expected_s.max(22))), "{set_by_s}");
        }
    }
}
