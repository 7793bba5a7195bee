//! Windows of ten minutes within a UTC day, and sets of them.

use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, MICROS_PER_DAY, MICROS_PER_SECOND};

/// Length of a window, microseconds.
pub const WINDOW_US: i64 = 600 * MICROS_PER_SECOND;
/// Number of windows in a day.
pub const WINDOWS_PER_DAY: usize = (MICROS_PER_DAY / WINDOW_US) as usize;

/// Returns the window of its day that contains a time.
pub fn window_of(ts: i64) -> u8 {
    (ts.rem_euclid(MICROS_PER_DAY) / WINDOW_US) as u8
}

/// Returns the first and the last time of a window.
pub fn bounds_of(day: Day, window: u8) -> MinMax<i64> {
    let start = day.start().0 + i64::from(window) * WINDOW_US;
    MinMax::new(start, start + WINDOW_US - 1)
}

/// Returns the first and the last time of a day.
pub fn day_bounds(day: Day) -> MinMax<i64> {
    MinMax::new(day.start().0, day.start().0 + MICROS_PER_DAY - 1)
}

/// A set of windows of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowSet([u64; WINDOWS_PER_DAY.div_ceil(64)]);

impl WindowSet {
    /// Returns the set of all windows.
    pub fn all() -> Self {
        let mut all = WindowSet::default();
        (0..WINDOWS_PER_DAY as u8).for_each(|window| all.insert(window));
        all
    }

    /// Returns the windows of a day that overlap the times.
    pub fn overlapping(day: Day, ts: MinMax<i64>) -> Self {
        let mut windows = WindowSet::default();
        let within = ts.intersection(day_bounds(day));
        if !within.is_empty() {
            (window_of(within.min)..=window_of(within.max)).for_each(|window| windows.insert(window));
        }
        windows
    }

    /// Adds a window, numbered within its day as by [`window_of`].
    pub fn insert(&mut self, window: u8) {
        self.0[usize::from(window) / 64] |= 1 << (window % 64);
    }

    /// Removes a window, if it is in the set.
    pub fn remove(&mut self, window: u8) {
        self.0[usize::from(window) / 64] &= !(1 << (window % 64));
    }

    /// Whether a window, numbered within its day, is in the set.
    pub fn contains(&self, window: u8) -> bool {
        self.0[usize::from(window) / 64] >> (window % 64) & 1 == 1
    }

    /// Whether no window of the day is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Returns the windows of either set.
    pub fn union(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, more)| *word |= more);
        self
    }

    /// Returns the windows of both sets.
    pub fn intersection(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, mask)| *word &= mask);
        self
    }

    /// Returns the windows of this set that are not in the other.
    pub fn without(mut self, other: Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, gone)| *word &= !gone);
        self
    }

    /// Iterates over the windows, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u8> {
        (0..WINDOWS_PER_DAY as u8).filter(move |window| self.contains(*window))
    }

    /// Returns runs of adjacent windows, each with at most `most` windows, as first and last window, ascending.
    pub fn runs(self, most: usize) -> Vec<(u8, u8)> {
        let mut runs: Vec<(u8, u8)> = Vec::new();
        for window in self.iter() {
            match runs.last_mut() {
                Some((first, last)) if *last + 1 == window && usize::from(window - *first) < most => {
                    *last = window
                }
                _ => runs.push((window, window)),
            }
        }
        runs
    }
}
