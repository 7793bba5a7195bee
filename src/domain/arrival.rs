//! The rule about time, which everything that watches readings obeys.
//!
//! A reading *arrives* when the server acknowledges it; the number of its record in the log is the order of arrival. What
//! arrived when decides what is current, and what a rule or a model sees next. The reading's own time only decides where
//! it is stored, because clocks of devices, and that of the server, are wrong now and then and are set.
//!
//! A reading whose time is more than a bound ahead of the server's clock when it arrives is *ahead*. It is stored as it
//! was sent, but it is not current, no rule and no model sees it, and it moves nobody's position. Its time has come when
//! the clock reaches it: then it is current and is seen, unless something newer by its own time arrived meanwhile.
//!
//! Among readings that are not ahead, the one that arrived last is current; of one request the newest by its time. What a
//! protocol marks as historical becomes current only if it is newer by its time than what is. A step of the server's clock
//! backwards may leave what is current ahead: it gives way to whatever arrives next.

use std::time::Duration;

use super::Micros;

/// How far a time may be ahead of the clock by default.
pub const DEFAULT_MAX_AHEAD_LIVE: Duration = Duration::from_secs(60);

/// How far the time of a reading may be ahead of the clock when it arrives, and is still one of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AheadBound {
    micros: i64,
}

impl Default for AheadBound {
    fn default() -> Self {
        AheadBound::new(DEFAULT_MAX_AHEAD_LIVE)
    }
}

impl AheadBound {
    /// A bound of this length.
    pub fn new(length: Duration) -> AheadBound {
        AheadBound { micros: i64::try_from(length.as_micros()).unwrap_or(i64::MAX) }
    }

    /// The latest time that is not ahead at `now`.
    pub fn latest(self, now: Micros) -> Micros {
        Micros(now.0.saturating_add(self.micros))
    }

    /// Whether a time is ahead of the clock, which shows `now`.
    pub fn is_ahead(self, ts: Micros, now: Micros) -> bool {
        ts > self.latest(now)
    }
}

/// When a reading arrived: exactly, or between two times where it is read from the lake, which has no times of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    earliest: Micros,
    latest: Micros,
    bound: AheadBound,
    /// Time of arrival by the monotonic clock; `None` where that was before the present watch began.
    monotonic: Option<Micros>,
}

impl Arrival {
    /// An arrival while the clock shows `now`. Unless [`Arrival::with_monotonic`] says otherwise, nobody sets that clock.
    pub fn at(now: Micros, bound: AheadBound) -> Arrival {
        Arrival { earliest: now, latest: now, bound, monotonic: Some(now) }
    }

    /// An arrival between two times, in any order, because the clock may have been set back since. It was before the present
    /// watch began.
    pub fn between(one: Micros, other: Micros, bound: AheadBound) -> Arrival {
        Arrival { earliest: one.min(other), latest: one.max(other), bound, monotonic: None }
    }

    /// Returns this arrival as that of a reading that came before the present watch began and is read again.
    pub fn read_again(self) -> Arrival {
        Arrival { monotonic: None, ..self }
    }

    /// Returns this arrival with its time by the monotonic clock.
    pub fn with_monotonic(self, at: Micros) -> Arrival {
        Arrival { monotonic: Some(at), ..self }
    }

    /// Returns the time of arrival by the monotonic clock, which silence is counted by. `None` where that was before the present watch began:
    /// silence is counted from that begin.
    pub fn monotonic(self) -> Option<Micros> {
        self.monotonic
    }

    /// How far a time may be ahead of the clock.
    pub fn bound(self) -> AheadBound {
        self.bound
    }

    /// The earliest time at which the reading may have arrived.
    pub fn earliest(self) -> Micros {
        self.earliest
    }

    /// The latest time that is not ahead.
    pub fn latest_time(self) -> Micros {
        self.bound.latest(self.latest)
    }

    /// Whether a time is ahead of the clock at the arrival.
    pub fn is_ahead(self, ts: Micros) -> bool {
        ts > self.latest_time()
    }

    /// Whether a time was more than this before the arrival.
    pub fn is_older(self, ts: Micros, age_us: i64) -> bool {
        self.earliest.0.saturating_sub(ts.0) > age_us
    }
}

/// Whether the time of a reading that was ahead has come.
pub fn has_come(ts: Micros, now: Micros) -> bool {
    ts <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_ahead_only_beyond_the_bound() {
        let bound = AheadBound::default();
        let now = Micros(1_000_000_000);
        let rows = [(-1, false), (0, false), (60_000_000, false), (60_000_001, true), (i64::MAX / 2, true)];
        for (ahead_us, expected) in rows {
            assert_eq!(bound.is_ahead(Micros(now.0 + ahead_us), now), expected, "{ahead_us}");
        }
        assert!(AheadBound::new(Duration::ZERO).is_ahead(Micros(1), Micros(0)));
        assert!(!bound.is_ahead(Micros(i64::MAX), Micros(i64::MAX)), "no clock overflows");
        assert!(has_come(now, now) && !has_come(Micros(now.0 + 1), now));
    }
}
