//! Statistics windows: how a stream's time is cut, also after its interval was changed.
//!
//! A window divides a UTC day and begins at a multiple of its length since midnight, as `time_bucket` does.

use std::sync::{Arc, LazyLock};

use super::Micros;
use super::time::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// Seconds of a window unless the stream says otherwise.
pub const DEFAULT_WINDOW_S: u32 = 60;

/// The windows of one stream: from each step's time on, windows of its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Ascending; the first begins before all time. Lengths in microseconds, each a divisor of a day; each step
    /// begins where a window of both lengths begins.
    steps: Arc<[(i64, i64)]>,
}

impl Default for Windows {
    fn default() -> Self {
        static MINUTES: LazyLock<Windows> = LazyLock::new(|| Windows::of(None));
        MINUTES.clone()
    }
}

impl Windows {
    /// Windows of one length at all times; none is the default.
    ///
    /// The length divides a day: `StreamSpec::problems` refuses any other.
    pub fn of(interval_s: Option<u32>) -> Self {
        Self { steps: [(i64::MIN, micros(interval_s))].into() }
    }

    /// The inverse of `steps`; `None` when a length does not divide a day or nothing is given.
    pub fn from_steps(steps: &[(i64, u32)]) -> Option<Self> {
        let ((_, first), later) = steps.split_first()?;
        if steps.iter().any(|(_, seconds)| *seconds == 0 || 86_400 % seconds != 0) {
            return None;
        }
        let first = Windows::of(Some(*first));
        Some(later.iter().fold(first, |windows, (from, s)| windows.with_step(*from, micros(Some(*s)))))
    }

    /// From which time on, microseconds, windows have how many seconds; ascending, the first before all time.
    pub fn steps(&self) -> Vec<(i64, u32)> {
        let seconds = |length: i64| u32::try_from(length / MICROS_PER_SECOND).unwrap_or(DEFAULT_WINDOW_S);
        self.steps.iter().map(|(from, length)| (*from, seconds(*length))).collect()
    }

    /// The length from the first window on that begins at or after `now` and is whole under both lengths: what was
    /// computed stays as it is.
    pub fn changed(&self, now: Micros, interval_s: Option<u32>) -> Self {
        let length = micros(interval_s);
        let before = self.length_at(now.0);
        if before == length && self.steps.last().is_some_and(|(from, _)| *from <= now.0) {
            return self.clone();
        }
        // Both divide a day, so their common multiple does as well.
        let both = before / gcd(before, length) * length;
        self.with_step(now.0.div_euclid(both) * both + both, length)
    }

    /// A step that takes the place of all at and after its time.
    fn with_step(&self, from: i64, length: i64) -> Self {
        let kept = self.steps.iter().copied().filter(|(earlier, _)| *earlier < from);
        let mut steps: Vec<(i64, i64)> = kept.collect();
        if steps.last().is_none_or(|(_, before)| *before != length) {
            steps.push((from, length));
        }
        Self { steps: steps.into() }
    }

    /// Microseconds of the window that holds a time.
    pub fn length_at(&self, ts: i64) -> i64 {
        let after = self.steps.partition_point(|(from, _)| *from <= ts);
        self.steps[after.saturating_sub(1)].1
    }

    /// The window that holds a time: start and end, the end not included.
    pub fn around(&self, ts: i64) -> (i64, i64) {
        let length = self.length_at(ts);
        let start = ts.div_euclid(length).saturating_mul(length);
        (start, start.saturating_add(length))
    }

    /// Every length used between two times.
    pub fn lengths_between(&self, from: i64, to: i64) -> impl Iterator<Item = i64> {
        let begins = self.steps.partition_point(|(step, _)| *step <= from).saturating_sub(1);
        self.steps[begins..].iter().take_while(move |(step, _)| *step <= to).map(|(_, length)| *length)
    }
}

fn micros(interval_s: Option<u32>) -> i64 {
    let length = i64::from(interval_s.unwrap_or(DEFAULT_WINDOW_S)) * MICROS_PER_SECOND;
    debug_assert!(length > 0 && MICROS_PER_DAY % length == 0, "a window divides a day");
    length
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
