//! Retention arithmetic: the time from which rows are kept. Policies come from the catalog, rows from the store.
//!
//! All times are microseconds. `BEGINNING_OF_TIME` and `END_OF_TIME` stand for times before and after every row.

use std::collections::HashMap;
use std::sync::Arc;

use super::Micros;
use super::min_max::MinMax;
use super::time::MICROS_PER_SECOND;
use super::window::Windows;

/// Every row is kept.
pub const BEGINNING_OF_TIME: i64 = i64::MIN;
/// No row is kept: rows of deleted streams and devices.
pub const END_OF_TIME: i64 = i64::MAX;

/// Longest time an expired row stays visible.
const MAX_EXPIRY_DELAY_US: i64 = 60 * MICROS_PER_SECOND;

/// Cut-off times of a policy at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionCut {
    /// Rows before this are hidden from all readers: the start of the window that contains the time the policy
    /// reaches back to, or of its minute when windows are longer.
    pub visible_from: i64,
    /// Raw rows before this may be purged. A window starts here, so that every window keeps either all of its rows or
    /// none.
    pub purge_before: i64,
    /// Clock time from which the cut-off must be computed again.
    pub valid_until: i64,
}

/// Computes the cut-off of a policy for a stream with these statistics windows.
pub fn retention_cut(now: Micros, drop_after_s: i64, windows: &Windows) -> RetentionCut {
    let drop_after = drop_after_s.saturating_mul(MICROS_PER_SECOND);
    let reached = now.0.saturating_sub(drop_after);
    if reached < 0 {
        return RetentionCut {
            visible_from: BEGINNING_OF_TIME,
            purge_before: BEGINNING_OF_TIME,
            valid_until: drop_after,
        };
    }
    let (start, end) = windows.window_containing(reached);
    let step = (end - start).min(MAX_EXPIRY_DELAY_US);
    let slot = reached.div_euclid(step) * step;
    let until = end.min(slot + step).saturating_add(drop_after);
    RetentionCut { visible_from: slot.max(start), purge_before: start, valid_until: until }
}

/// A start time per stream, or per device; one without an entry starts at `BEGINNING_OF_TIME`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamStarts(HashMap<i32, i64>);

impl StreamStarts {
    /// The start time of a stream.
    pub fn start_of(&self, id: i32) -> i64 {
        self.0.get(&id).copied().unwrap_or(BEGINNING_OF_TIME)
    }

    /// Sets the start time of a stream; `BEGINNING_OF_TIME` needs no entry.
    pub fn set(&mut self, id: i32, from: i64) {
        if from > BEGINNING_OF_TIME {
            self.0.insert(id, from);
        }
    }

    /// Whether no stream has a start time.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Retention bounds of all streams at one moment, as readers apply them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionBounds {
    /// Raw rows before this are hidden.
    pub visible_from: Arc<StreamStarts>,
    /// Start of the first window whose raw rows count; earlier windows are read from statistics only.
    pub raw_from: Arc<StreamStarts>,
    /// Raw rows before this may have been purged. Rows between here and `raw_from` exist until their windows have
    /// statistics, and are read in place of these.
    pub purged_before: Arc<StreamStarts>,
    /// Statistics before this are hidden. Where raw rows are kept longer, they are authoritative.
    pub statistics_from: Arc<StreamStarts>,
    /// Messages before this are hidden; by device.
    pub messages_from: Arc<StreamStarts>,
}

/// Cut-off time per source of a table. A source is a stream, or a device in `messages`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cutoffs {
    /// Sorted by id.
    known: Vec<(i32, i64)>,
}

impl Cutoffs {
    /// Takes (source id, cut-off) pairs in any order, each id once.
    pub fn new(mut known: Vec<(i32, i64)>) -> Self {
        known.sort_unstable();
        Self { known }
    }

    /// Whether nothing has expired.
    pub fn is_empty(&self) -> bool {
        self.known.iter().all(|(_, from)| *from == BEGINNING_OF_TIME)
    }

    /// The cut-off of a source. Unknown sources are kept: the catalog may be the one that is wrong.
    pub fn cutoff_of(&self, id: i32) -> i64 {
        let at = self.known.binary_search_by_key(&id, |(known, _)| *known);
        at.map_or(BEGINNING_OF_TIME, |at| self.known[at].1)
    }

    /// The cut-offs of rows that each stand for the `length` from their time on, in microseconds: one that reaches past
    /// the cut-off stays.
    pub fn of_periods(&self, length: i64) -> Cutoffs {
        let start = |from: i64| from.div_euclid(length).saturating_mul(length);
        Cutoffs { known: self.known.iter().map(|(id, from)| (*id, start(*from))).collect() }
    }

    /// Whether rows with these ids and times can have expired since the cutoffs `before`, whose rows are gone already.
    pub fn may_expire(&self, ids: MinMax<i32>, ts: MinMax<i64>, before: &Cutoffs) -> bool {
        let first = self.known.partition_point(|(id, _)| *id < ids.min);
        let mut within = self.known[first..].iter().take_while(|(id, _)| *id <= ids.max);
        within.any(|(id, from)| {
            let done = before.cutoff_of(*id);
            *from > ts.min && *from > done && done <= ts.max
        })
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
