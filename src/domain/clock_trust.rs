//! Whether the clock may be believed where something is deleted by it: a step ahead of the time that has passed is not,
//! until it has stayed so for a day or an operator says that it is right.
//!
//! A machine may start with a wrong year and be told the right time minutes later. What is shown by a wrong clock is
//! right again afterwards; what was deleted by it is gone.

use super::time::MICROS_PER_DAY;
use super::{Clock, Micros};

/// Largest difference between the clock and the time expected at which it is believed, microseconds.
pub const MAX_STEP_US: i64 = MICROS_PER_DAY;
/// Time after which a clock that has stepped is believed, microseconds.
pub const CONFIRM_AFTER_US: i64 = MICROS_PER_DAY;

/// The clock and the time that has passed in this process, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Time of the clock.
    pub now: Micros,
    /// Time since some moment in the life of this process, which setting the clock does not change.
    pub monotonic: Micros,
}

impl ClockReading {
    /// Reads a clock. The monotonic time comes first: a process that is interrupted between the two sees too little time pass,
    /// not too much.
    pub fn read(clock: &dyn Clock) -> ClockReading {
        let monotonic = clock.monotonic();
        ClockReading { now: clock.now(), monotonic }
    }

    /// A reading of a clock that nobody sets.
    pub fn steady(at: Micros) -> ClockReading {
        ClockReading { now: at, monotonic: at }
    }
}

/// How far a clock is from the time expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// By little, or for a day already.
    Trusted,
    /// It is that many microseconds ahead.
    Ahead(i64),
    /// It is that many microseconds behind. What is deleted by an earlier time could be deleted before.
    Behind(i64),
}

/// Reference that a clock is compared with.
#[derive(Debug, Default)]
pub struct ClockTrust {
    /// The last reading that was believed.
    mark: Option<ClockReading>,
    departure: Option<Departure>,
}

/// A step of the clock that is not believed yet.
#[derive(Debug, Clone, Copy)]
struct Departure {
    since: ClockReading,
}

impl ClockTrust {
    /// Whether there is nothing to compare the clock with. Any time is believed then.
    pub fn is_unknown(&self) -> bool {
        self.mark.is_none()
    }

    /// Believes a reading, such as one that an earlier process believed.
    pub fn trust(&mut self, reading: ClockReading) {
        (self.mark, self.departure) = (Some(reading), None);
    }

    /// Returns how far a reading is from the time expected, and believes it where that is little or has lasted.
    pub fn observe(&mut self, reading: ClockReading) -> ClockState {
        let state = self.compare(reading);
        if state == ClockState::Trusted {
            self.trust(reading);
            return state;
        }
        let departure = match self.departure {
            // The same step as before: since then only the time has passed that did pass.
            Some(known) if step(known.since, reading).abs() <= MAX_STEP_US => known,
            _ => Departure { since: reading },
        };
        self.departure = Some(departure);
        let lasted = reading.monotonic.0.saturating_sub(departure.since.monotonic.0);
        if lasted < CONFIRM_AFTER_US {
            return state;
        }
        self.trust(reading);
        ClockState::Trusted
    }

    /// Compares a reading with the time expected.
    pub fn compare(&self, reading: ClockReading) -> ClockState {
        match self.mark.map_or(0, |mark| step(mark, reading)) {
            ahead if ahead > MAX_STEP_US => ClockState::Ahead(ahead),
            behind if behind < -MAX_STEP_US => ClockState::Behind(behind.saturating_neg()),
            _ => ClockState::Trusted,
        }
    }

    /// Returns the time by which rows may expire: what the clock says, or the time expected where it is ahead of that.
    pub fn expiry_time(&self, reading: ClockReading) -> Micros {
        match self.compare(reading) {
            ClockState::Ahead(by) => Micros(reading.now.0.saturating_sub(by)),
            ClockState::Trusted | ClockState::Behind(_) => reading.now,
        }
    }
}

/// Returns by how much the clock moved more than the time that passed between two readings, microseconds.
pub fn step(from: ClockReading, to: ClockReading) -> i64 {
    let passed = to.monotonic.0.saturating_sub(from.monotonic.0);
    to.now.0.saturating_sub(from.now.0).saturating_sub(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = MICROS_PER_DAY;

    fn at(now: i64, monotonic: i64) -> ClockReading {
        ClockReading { now: Micros(now), monotonic: Micros(monotonic) }
    }

    #[test]
    fn a_step_ahead_is_not_believed_until_it_has_lasted_a_day() {
        let mut trust = ClockTrust::default();
        assert_eq!(trust.observe(at(1000 * DAY, 0)), ClockState::Trusted, "there is nothing to compare with");
        assert_eq!(trust.observe(at(1001 * DAY, DAY)), ClockState::Trusted, "time goes by");
        assert_eq!(trust.observe(at(1401 * DAY, DAY)), ClockState::Ahead(400 * DAY));
        assert_eq!(trust.expiry_time(at(1401 * DAY, DAY)), Micros(1001 * DAY));
        let nearly = 2 * DAY - 1;
        assert_eq!(trust.observe(at(1401 * DAY + nearly - DAY, nearly)), ClockState::Ahead(400 * DAY));
        assert_eq!(trust.observe(at(1402 * DAY, 2 * DAY)), ClockState::Trusted);
        assert_eq!(trust.expiry_time(at(1402 * DAY, 2 * DAY)), Micros(1402 * DAY));
    }

    #[test]
    fn a_clock_that_is_set_right_or_steps_again_begins_anew() {
        let mut trust = ClockTrust::default();
        trust.trust(at(1000 * DAY, 0));
        assert_eq!(trust.observe(at(1400 * DAY, 0)), ClockState::Ahead(400 * DAY));
        assert_eq!(trust.observe(at(1000 * DAY + 5, 5)), ClockState::Trusted);
        assert_eq!(trust.observe(at(1400 * DAY, 6)), ClockState::Ahead(400 * DAY - 6));
        assert!(matches!(trust.observe(at(1800 * DAY, DAY)), ClockState::Ahead(_)), "another step");
        assert!(matches!(trust.observe(at(1801 * DAY, 2 * DAY - 1)), ClockState::Ahead(_)));
        assert_eq!(trust.observe(at(1801 * DAY, 2 * DAY)), ClockState::Trusted);
    }

    #[test]
    fn a_clock_that_is_behind_says_so_and_expires_nothing_early() {
        let mut trust = ClockTrust::default();
        trust.trust(at(1000 * DAY, 0));
        assert_eq!(trust.observe(at(10 * DAY, 0)), ClockState::Behind(990 * DAY));
        assert_eq!(trust.expiry_time(at(10 * DAY, 0)), Micros(10 * DAY));
        assert_eq!(trust.observe(at(1000 * DAY, 1)), ClockState::Trusted);
    }
}
