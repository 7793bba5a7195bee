//! Whether the clock of a device is right, judged by the times that it gives. Pure.
//!
//! A time ahead of its receipt is wrong at once. A time behind is none of a wrong clock as such: it may be that of the
//! last change, or of a message that waited. A clock is behind when times that run on as fast as ours say of values that
//! they changed before we looked last and found something else. Messages that waited come faster than they were sent.

use crate::domain::Micros;
use crate::domain::arrival::AheadBound;

/// How long a clock must have been seen behind.
const OBSERVATION_US: i64 = 10_000_000;
/// How long after its last time ahead a clock counts as right.
const HOLD_US: i64 = 60_000_000;
/// No value is so old: the controller's clock was never set.
const MAX_AGE_US: i64 = 10 * 366 * 86_400 * 1_000_000;

/// A time that a source gives with a live value.
#[derive(Debug, Clone, Copy)]
pub struct SourceTime {
    pub time: Micros,
    pub received_at: Micros,
    /// The time of the same stream before it, with the time of receipt of the last value.
    pub before: Option<(Micros, Micros)>,
}

/// Known state of the clock of one device.
#[derive(Debug, Default)]
pub struct SourceClock {
    bound: AheadBound,
    /// How far it is ahead, negative behind; `None` while it is right or nothing is known.
    offset_us: Option<i64>,
    /// When the last time ahead was received.
    ahead_at: Option<Micros>,
    /// The first time behind, and its receipt.
    behind_since: Option<(Micros, Micros)>,
}

impl SourceClock {
    /// A clock that nothing is known of. One that is off by less than `bound` is right.
    pub fn new(bound: AheadBound) -> SourceClock {
        SourceClock { bound, ..SourceClock::default() }
    }

    /// How far the clock is ahead, seconds, negative behind; `None` unless it is off.
    pub fn offset_s(&self) -> Option<f64> {
        self.offset_us.map(|us| us as f64 / 1e6)
    }

    /// Forgets what is known: another device, or the same after a pause.
    pub fn forget(&mut self) {
        *self = SourceClock::new(self.bound);
    }

    /// Learns from a time and returns whether it is to be believed.
    pub fn observe(&mut self, given: SourceTime) -> bool {
        let SourceTime { time, received_at, before } = given;
        let offset = time.0.saturating_sub(received_at.0);
        // What is said again says nothing about the clock.
        let is_new = before.is_none_or(|(before, _)| before != time);
        if self.bound.is_ahead(time, received_at) {
            if is_new {
                (self.offset_us, self.ahead_at, self.behind_since) = (Some(offset), Some(received_at), None);
            }
            return false;
        }
        if !self.bound.is_ahead(received_at, time) {
            if is_new {
                self.observe_right(received_at);
            }
            return true;
        }
        let was_looked_at = before.is_some_and(|(_, looked_at)| self.bound.is_ahead(looked_at, time));
        if is_new && was_looked_at && self.runs_behind(time, received_at) {
            (self.offset_us, self.ahead_at) = (Some(offset), None);
        }
        offset >= -MAX_AGE_US && self.offset_us.is_none_or(|us| us > 0)
    }

    fn observe_right(&mut self, received_at: Micros) {
        self.behind_since = None;
        let is_held = |at: Micros| (0..HOLD_US).contains(&(received_at.0 - at.0));
        if !self.ahead_at.is_some_and(is_held) {
            (self.offset_us, self.ahead_at) = (None, None);
        }
    }

    /// Whether times behind ours have run as fast as ours for long enough.
    fn runs_behind(&mut self, time: Micros, received_at: Micros) -> bool {
        let Some((first, first_at)) = self.behind_since else {
            self.behind_since = Some((time, received_at));
            return false;
        };
        let (theirs, ours) = (time.0.saturating_sub(first.0), received_at.0.saturating_sub(first_at.0));
        if (0..OBSERVATION_US).contains(&ours) {
            return false;
        }
        self.behind_since = Some((time, received_at));
        (0..=ours.saturating_mul(2)).contains(&theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// A clock and one stream of its device.
    struct Source {
        clock: SourceClock,
        before: Option<(Micros, Micros)>,
    }

    impl Source {
        fn new() -> Source {
            Source { clock: SourceClock::new(AheadBound::default()), before: None }
        }

        /// Whether a time is believed, and the offset then, in seconds.
        fn tell(&mut self, received_s: i64, source_s: i64) -> (bool, Option<i64>) {
            let (time, received_at) = (Micros(source_s * SECOND), Micros(received_s * SECOND));
            let is_believed = self.clock.observe(SourceTime { time, received_at, before: self.before });
            self.before = Some((time, received_at));
            (is_believed, self.clock.offset_s().map(|s| s as i64))
        }
    }

    #[test]
    fn a_time_ahead_is_wrong_at_once_and_right_again_a_minute_later() {
        let mut source = Source::new();
        for (received_s, source_s, expected) in [
            (1000, 1060, (true, None)),
            (1001, 1062, (false, Some(61))),
            (1002, 1002, (true, Some(61))),
            (1060, 1060, (true, Some(61))),
            (1061, 1061, (true, None)),
            (1070, 90_000, (false, Some(88_930))),
            (90_000, 90_000, (true, Some(88_930))),
            (90_001, 90_001, (true, None)),
        ] {
            assert_eq!(source.tell(received_s, source_s), expected, "{received_s} {source_s}");
        }
    }

    #[test]
    fn a_clock_that_runs_an_hour_behind_is_found_and_found_right_again() {
        let mut source = Source::new();
        let found: Vec<_> = (0..=11).map(|s| source.tell(10_000 + s, 6400 + s)).collect();
        assert_eq!(found[10], (true, None));
        assert_eq!(found[11], (false, Some(-3600)), "{found:?}");
        assert_eq!(source.tell(10_020, 6411), (false, Some(-3600)), "said again");
        assert_eq!(source.tell(10_021, 10_021), (true, None));
    }

    #[test]
    fn messages_that_waited_and_times_of_the_last_change_are_of_no_wrong_clock() {
        let mut source = Source::new();
        for second in 0..3600 {
            // A broker sends an hour's messages, 60 a second.
            assert_eq!(source.tell(10_000 + second / 60, 6400 + second), (true, None), "{second}");
        }
        let mut source = Source::new();
        for (received_s, source_s) in [(10_000, 5000), (10_100, 5000), (10_900, 10_200), (12_000, 11_000)] {
            let known = source.tell(received_s, source_s);
            assert_eq!(known, (true, None), "changed since the last look, and looked at seldom");
            source.before = Some((Micros(source_s * SECOND), Micros((source_s - 1) * SECOND)));
        }
    }

    /// Plant A3: the clock of a controller that was never set.
    #[test]
    fn a_time_of_more_than_ten_years_ago_is_never_believed() {
        let mut source = Source::new();
        let (now, unset) = (1_790_000_000, 1_325_376_000);
        assert_eq!(source.tell(now, unset), (false, None));
        assert_eq!(source.tell(now, 12), (false, None));
        assert_eq!(source.tell(now + 1, now - 5 * 366 * 86_400), (true, None), "five years unchanged");
    }
}
