//! How far statistics are computed, and which windows a reader must compute from raw rows.

use std::sync::Arc;

use super::invalidations::{self, Invalidations};
use super::time_ranges::TimeRanges;
use crate::domain::window::Windows;
use crate::store::snapshot::Snapshot;

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
    pub fn with_invalidations(mut self, seq: u64, touched: Invalidations) -> Self {
        if !touched.is_empty() {
            self.stale.push((seq, Arc::new(touched)));
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

impl Snapshot {
    /// Returns the windows of a stream, within `[from, to)`, that must be computed from raw rows. All others are in
    /// computed rows, where a window without a row holds no reading.
    ///
    /// Windows whose raw rows were removed are never included; windows whose computed rows were removed are.
    pub fn raw_windows(&self, stream: i32, windows: &Windows, (from, to): (i64, i64)) -> TimeRanges {
        let mut times = Vec::new();
        for day in self.memory.values() {
            for run in &day.runs {
                // Begin at the first window's start: a row before `from` can invalidate the window that contains it.
                let begin = windows.window_containing(from).0;
                invalidations::merge_times(&mut times, &run.slice_between((stream, begin), (stream, to)).ts);
            }
        }
        let stale = self.materialization.stale_windows(stream, windows, (from, to));
        let fresh = whole_windows(windows, times.into_iter(), (from, to));
        let raw = self.retention_bounds.raw_from.start_of(stream);
        let cut = Some(self.retention_bounds.statistics_from.start_of(stream)).filter(|until| *until > raw);
        let cut = cut.into_iter().map(|until| (raw, until));
        let cut = whole_windows(windows, cut, (from, to)).within(raw, i64::MAX);
        // A policy alone removes no raw row: only a retention cycle does, after computing their windows.
        let there = self.retention_bounds.purged_before.start_of(stream);
        TimeRanges::new(stale.iter().chain(fresh.iter()).chain(cut.iter()).collect()).within(there, i64::MAX)
    }
}

/// Returns the whole windows that times touch, if they begin before `to` and end after `from`.
fn whole_windows(
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
