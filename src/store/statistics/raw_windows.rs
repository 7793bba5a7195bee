//! The windows of a snapshot that a reader must compute from raw rows.

use super::invalidations;
use super::materialization::whole_windows;
use super::time_ranges::TimeRanges;
use crate::domain::window::Windows;
use crate::store::snapshot::Snapshot;

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
