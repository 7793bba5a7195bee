//! How far statistics are computed, and what a reader must take from raw rows instead.

use std::sync::Arc;

use super::ranges::Ranges;
use super::touched::{self, Touched};
use crate::domain::window::Windows;
use crate::store::snapshot::Snapshot;

/// How far computed rows take readings into account.
#[derive(Debug, Clone)]
pub struct Computed {
    /// Rows up to this seq are in them.
    pub seq: u64,
    /// Windows that ended by this time, microseconds, have a row if any reading lies in them.
    pub sealed: i64,
    /// What was flushed since, with the seq it reaches.
    pub stale: Vec<(u64, Arc<Touched>)>,
}

impl Default for Computed {
    /// Nothing is computed.
    fn default() -> Self {
        Self { seq: 0, sealed: i64::MIN, stale: Vec::new() }
    }
}

impl Computed {
    /// After rows up to `seq` were flushed.
    pub fn with_stale(mut self, seq: u64, touched: Touched) -> Self {
        if !touched.is_empty() {
            self.stale.push((seq, Arc::new(touched)));
        }
        self
    }

    /// After windows were computed from all rows up to `seq`.
    pub fn advanced(mut self, seq: u64, sealed: i64) -> Self {
        self.stale.retain(|(reached, _)| *reached > seq);
        Self { seq, sealed, ..self }
    }

    /// The windows of a stream, within `[from, to)`, whose computed rows do not count: flushed rows touched them since,
    /// or they were not over yet.
    pub fn stale_windows(&self, stream: i32, windows: &Windows, (from, to): (i64, i64)) -> Ranges {
        let touched = self.stale.iter().flat_map(|(_, touched)| touched.of(stream));
        // The window that holds the time it is sealed by ends later.
        let unsealed = (windows.around(self.sealed).0, i64::MAX);
        whole_windows(windows, touched.chain([unsealed]), (from, to))
    }
}

impl Snapshot {
    /// The windows of a stream, within `[from, to)`, that must be read from raw rows: everything else is in computed
    /// rows, where a window without one holds no reading.
    ///
    /// Windows whose raw rows are gone are never among them; those whose computed rows are gone are.
    pub fn raw_windows(&self, stream: i32, windows: &Windows, (from, to): (i64, i64)) -> Ranges {
        let mut times = Vec::new();
        for day in self.memory.values() {
            for run in &day.runs {
                // From the first window's start: a row before `from` can dirty the window that holds it.
                let begin = windows.around(from).0;
                touched::join(&mut times, &run.slice_between((stream, begin), (stream, to)).ts);
            }
        }
        let stale = self.computed.stale_windows(stream, windows, (from, to));
        let fresh = whole_windows(windows, times.into_iter(), (from, to));
        let raw = self.kept.raw.of(stream);
        let cut = Some(self.kept.statistics.of(stream)).filter(|until| *until > raw);
        let cut = cut.into_iter().map(|until| (raw, until));
        let cut = whole_windows(windows, cut, (from, to)).within(raw, i64::MAX);
        // A policy alone takes no raw row: that is for the cycle, which computes their windows before.
        let there = self.kept.there.of(stream);
        Ranges::new(stale.iter().chain(fresh.iter()).chain(cut.iter()).collect()).within(there, i64::MAX)
    }
}

/// The whole windows that times touch, as far as they begin before `to` and end after `from`.
fn whole_windows(
    windows: &Windows,
    times: impl Iterator<Item = (i64, i64)>,
    (from, to): (i64, i64),
) -> Ranges {
    let near = times.filter(|(a, b)| *a < windows_end(windows, to) && *b > windows.around(from).0);
    Ranges::new(near.map(|(a, b)| (windows.around(a).0, windows_end(windows, b))).collect())
}

/// The end of the window that holds the last time before `to`.
fn windows_end(windows: &Windows, to: i64) -> i64 {
    if to == i64::MAX { to } else { windows.around(to.saturating_sub(1)).1 }
}

#[cfg(test)]
#[path = "computed_tests.rs"]
mod tests;
