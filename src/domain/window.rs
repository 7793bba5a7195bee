//! Statistics windows: how a stream's time is divided, including past changes of its interval.
//!
//! A window's length divides a UTC day, and windows start at multiples of it since midnight, as `time_bucket` does.

use std::sync::{Arc, LazyLock};

use super::Micros;
use super::time::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// Default window length, seconds.
pub const DEFAULT_WINDOW_S: u32 = 60;

/// The windows of one stream: a list of steps, each a start time and the window length from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Ascending; the first starts at `i64::MIN`. Lengths are microseconds and divide a day; each step starts at a
    /// window boundary of both the old and the new length.
    steps: Arc<[(i64, i64)]>,
}

impl Default for Windows {
    fn default() -> Self {
        static MINUTES: LazyLock<Windows> = LazyLock::new(|| Windows::with_interval(None));
        MINUTES.clone()
    }
}

impl Windows {
    /// Windows of one length at all times; `None` selects the default length.
    ///
    /// The length must divide a day: `StreamSpec::problems` refuses any other.
    pub fn with_interval(interval_s: Option<u32>) -> Self {
        Self { steps: [(i64::MIN, micros(interval_s))].into() }
    }

    /// The inverse of `steps`; `None` when a length does not divide a day or the list is empty.
    pub fn from_steps(steps: &[(i64, u32)]) -> Option<Self> {
        let ((_, first), later) = steps.split_first()?;
        if steps.iter().any(|(_, seconds)| *seconds == 0 || 86_400 % seconds != 0) {
            return None;
        }
        let first = Windows::with_interval(Some(*first));
        Some(later.iter().fold(first, |windows, (from, s)| windows.with_step(*from, micros(Some(*s)))))
    }

    /// The steps as (start in microseconds, window length in seconds), ascending; the first starts at `i64::MIN`.
    pub fn steps(&self) -> Vec<(i64, u32)> {
        let seconds = |length: i64| u32::try_from(length / MICROS_PER_SECOND).unwrap_or(DEFAULT_WINDOW_S);
        self.steps.iter().map(|(from, length)| (*from, seconds(*length))).collect()
    }

    /// Changes the length from the first boundary after `now` that both lengths share, so that statistics already
    /// computed stay valid.
    pub fn with_interval_change(&self, now: Micros, interval_s: Option<u32>) -> Self {
        let length = micros(interval_s);
        let before = self.length_at(now.0);
        if before == length && self.steps.last().is_some_and(|(from, _)| *from <= now.0) {
            return self.clone();
        }
        // Both lengths divide a day, so their least common multiple does as well.
        let both = before / gcd(before, length) * length;
        self.with_step(now.0.div_euclid(both) * both + both, length)
    }

    /// Adds a step and removes all steps at or after its time.
    fn with_step(&self, from: i64, length: i64) -> Self {
        let kept = self.steps.iter().copied().filter(|(earlier, _)| *earlier < from);
        let mut steps: Vec<(i64, i64)> = kept.collect();
        if steps.last().is_none_or(|(_, before)| *before != length) {
            steps.push((from, length));
        }
        Self { steps: steps.into() }
    }

    /// Length of the window that contains `ts`, microseconds.
    #[inline]
    pub fn length_at(&self, ts: i64) -> i64 {
        let after = self.steps.partition_point(|(from, _)| *from <= ts);
        self.steps[after.saturating_sub(1)].1
    }

    /// Start (inclusive) and end (exclusive) of the window that contains `ts`.
    #[inline]
    pub fn window_containing(&self, ts: i64) -> (i64, i64) {
        let length = self.length_at(ts);
        let start = ts.div_euclid(length).saturating_mul(length);
        (start, start.saturating_add(length))
    }

    /// Every window length in use between two times.
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
