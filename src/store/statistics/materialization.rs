//! How far statistics are computed, and which windows are stale: one state for the windows of the streams, one for hours.

use std::sync::Arc;

use super::invalidations::Invalidations;
use super::time_ranges::TimeRanges;
use crate::domain::window::Windows;

/// Coverage of readings by the computed rows.
#[derive(Debug, Clone)]
pub struct Materialization {
    /// Rows up to this seq are covered.
    pub seq: u64,
    /// Every window that ended by this time, in microseconds, has a row if it contains any reading.
    pub watermark: i64,
    /// Times touched by later flushes, each with the seq that it reaches.
    pub stale: Vec<(u64, Arc<Invalidations>)>,
}

impl Default for Materialization {
    /// Nothing is computed.
    fn default() -> Self {
        Self { seq: 0, watermark: i64::MIN, stale: Vec::new() }
    }
}

impl Materialization {
    /// Returns the state after rows up to `seq` were flushed.
    pub fn with_invalidations(mut self, seq: u64, touched: impl Into<Arc<Invalidations>>) -> Self {
        let touched = touched.into();
        if !touched.is_empty() {
            self.stale.push((seq, touched));
        }
        self
    }

    /// Returns the state after windows were computed from all rows up to `seq`.
    pub fn advanced(mut self, seq: u64, sealed: i64) -> Self {
        self.stale.retain(|(reached, _)| *reached > seq);
        Self { seq, watermark: sealed, ..self }
    }

    /// Returns the windows of a stream, within `[from, to)`, whose computed rows are invalid: rows flushed since
    /// touched them, or they had not ended.
    pub fn stale_windows(&self, stream: i32, windows: &Windows, (from, to): (i64, i64)) -> TimeRanges {
        let touched = self.stale.iter().flat_map(|(_, touched)| touched.of_stream(stream));
        // The window that contains the watermark ends after it.
        let unsealed = (windows.window_containing(self.watermark).0, i64::MAX);
        whole_windows(windows, touched.chain([unsealed]), (from, to))
    }
}

/// Returns the whole windows that times touch, if they begin before `to` and end after `from`.
pub(super) fn whole_windows(
    windows: &Windows,
    times: impl Iterator<Item = (i64, i64)>,
    (from, to): (i64, i64),
) -> TimeRanges {
    let near = times.filter(|(a, b)| *a < windows_end(windows, to) && *b > windows.window_containing(from).0);
    TimeRanges::new(near.map(|(a, b)| (windows.window_containing(a).0, windows_end(windows, b))).collect())
}

/// Returns the end of the window that contains the last time before `to`.
fn windows_end(windows: &Windows, to: i64) -> i64 {
    if to == i64::MAX { to } else { windows.window_containing(to.saturating_sub(1)).1 }
}

#[cfg(test)]
#[path = "materialization_tests.rs"]
mod tests;
