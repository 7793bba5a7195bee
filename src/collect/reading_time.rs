//! The time that a reading of a live value is stored at. Pure.
//!
//! It is the source's time where that can be believed, else the time of receipt. Both are later than the last reading of
//! the stream while our clock runs evenly, so that no reading is overwritten.
//!
//! After a step of our clock backwards times are right again at once, which takes them to where readings are stored
//! already. So the time of receipt is given to 8 microseconds: readings after a step have another remainder than those
//! before it, and none is overwritten.

use crate::domain::Micros;
use crate::domain::arrival::AheadBound;

/// Resolution of the time of receipt.
const SLOT_US: i64 = 8;
/// Our clock was set back when it shows this much less than before. Below, times go on after the last one.
const MIN_STEP_US: i64 = 1_000_000;

/// The time of a stored reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingTime {
    pub ts: Micros,
    /// Time of receipt; `None` for a reading of before the start.
    pub received_at: Option<Micros>,
    /// The latest time of the source's that a reading was stored at.
    source_time: Option<Micros>,
    /// Remainder of the times of receipt; `None` before the first.
    slot: Option<i64>,
}

impl ReadingTime {
    /// Returns the same with another time of the reading.
    pub fn with_ts(self, ts: Micros) -> ReadingTime {
        ReadingTime { ts, ..self }
    }

    /// The time of the last reading that the store has from before the start.
    pub fn recalled(ts: Micros) -> ReadingTime {
        ReadingTime { ts, received_at: None, source_time: None, slot: None }
    }

    /// Whether our clock, which shows `now`, was set back since this reading.
    pub fn is_before_step(self, now: Micros, bound: AheadBound) -> bool {
        let is_less = |received: Micros| now.0.saturating_add(MIN_STEP_US) <= received.0;
        self.received_at.is_some_and(is_less) || bound.is_ahead(self.ts, now)
    }

    /// The time of receipt, as it is stored.
    pub fn of_receipt(self) -> Micros {
        self.received_at.map_or(self.ts, |at| in_slot(at, None, self.slot.unwrap_or(0)))
    }

    /// The time of the next reading, after `last`. `source_time` is one that is believed.
    pub fn next(
        last: Option<ReadingTime>,
        received_at: Micros,
        source_time: Option<Micros>,
        bound: AheadBound,
    ) -> ReadingTime {
        let is_set_back = last.is_some_and(|last| last.is_before_step(received_at, bound));
        let slot = match last {
            Some(last) if is_set_back => (last.slot.unwrap_or(last.ts.0) + 1).rem_euclid(SLOT_US),
            Some(last) => last.slot.unwrap_or(0),
            None => 0,
        };
        let floor = last.filter(|_| !is_set_back).map(|last| last.ts);
        let used = last.and_then(|last| last.source_time);
        let source_time = source_time.filter(|time| Some(*time) > floor && Some(*time) > used);
        ReadingTime {
            ts: source_time.unwrap_or_else(|| in_slot(received_at, floor, slot)),
            received_at: Some(received_at),
            source_time: source_time.max(used),
            slot: Some(slot),
        }
    }
}

/// The time of receipt, or just after the last reading, with this remainder.
fn in_slot(received_at: Micros, floor: Option<Micros>, slot: i64) -> Micros {
    let place = |at: Micros| at.0 - at.0.rem_euclid(SLOT_US) + slot;
    let ts = place(received_at);
    match floor.filter(|floor| ts <= floor.0) {
        None => Micros(ts),
        Some(floor) if place(floor) > floor.0 => Micros(place(floor)),
        Some(floor) => Micros(place(floor) + SLOT_US),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Times of receipt, in seconds, as they are stored.
    fn stored(received_s: &[i64]) -> Vec<i64> {
        let mut last = None;
        let mut next = |at_s: &i64| {
            let time = ReadingTime::next(last, Micros(at_s * SECOND), None, AheadBound::default());
            last = Some(time);
            time.ts.0
        };
        received_s.iter().map(&mut next).collect()
    }

    #[test]
    fn times_increase_while_the_clock_stands_still() {
        assert_eq!(stored(&[5, 5, 5, 6]), [5 * SECOND, 5 * SECOND + 8, 5 * SECOND + 16, 6 * SECOND]);
    }

    /// Plant A2: a step of NTP by an hour gave times 1 us apart for that hour.
    #[test]
    fn times_are_right_at_once_after_our_clock_is_set_back_and_none_is_overwritten() {
        let received: Vec<i64> = (0..7200).chain(3600..7200).chain(10..3600).collect();
        let times = stored(&received);
        for (time, received_s) in times.iter().zip(&received) {
            assert!((0..8).contains(&(time - received_s * SECOND)), "{time} for {received_s}");
        }
        let distinct: std::collections::BTreeSet<_> = times.iter().collect();
        assert_eq!(distinct.len(), times.len());
    }

    #[test]
    fn a_stored_reading_far_ahead_of_the_clock_does_not_hold_the_time_of_the_next() {
        let last = ReadingTime::recalled(Micros(7200 * SECOND));
        let time = ReadingTime::next(Some(last), Micros(3600 * SECOND), None, AheadBound::default());
        assert_eq!(time.ts, Micros(3600 * SECOND + 1), "another remainder than the stored one");
        let last = ReadingTime::recalled(Micros(3630 * SECOND));
        let time = ReadingTime::next(Some(last), Micros(3600 * SECOND), None, AheadBound::default());
        assert_eq!(time.ts, Micros(3630 * SECOND + 8), "within the bound the order of readings is kept");
    }

    #[test]
    fn a_time_of_the_source_is_used_once_also_over_a_step_of_our_clock() {
        let bound = AheadBound::default();
        let next = |last, received_s: i64, source_s: i64| {
            let source = Some(Micros(source_s * SECOND));
            ReadingTime::next(last, Micros(received_s * SECOND), source, bound)
        };
        // Our clock is an hour fast, the source's is right.
        let first = next(None, 7200, 3600);
        assert_eq!(first.ts, Micros(3600 * SECOND));
        let back = next(Some(first), 3610, 3610);
        assert_eq!(back.ts, Micros(3610 * SECOND), "ours was set");
        assert_eq!(next(Some(back), 3620, 3600).ts.0 / SECOND, 3620, "a time that was used already");
    }
}
