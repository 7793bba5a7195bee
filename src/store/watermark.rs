//! Flush watermarks per (stream, day): a row not newer than its watermark is late and must be merged when read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::memtable::run::Run;
use crate::domain::time::Day;

/// Maximum number of days with per-stream marks. Older days fall back to the newest time in any of their files, which
/// may treat rows as late that are not, but never the reverse.
const MAX_TRACKED_DAYS: usize = 400;
/// Maximum number of marks, of some 30 bytes each: with a million streams those of four days.
const MAX_MARKS: usize = 4 << 20;
/// Days that have marks however many streams there are: today and yesterday.
const MIN_TRACKED_DAYS: usize = 2;

/// The newest flushed time of each (stream, day).
#[derive(Debug, Clone, Default)]
pub struct Watermarks {
    /// Newest time in the files of a day: the lower bound for every stream's mark.
    floor: BTreeMap<Day, i64>,
    /// Shared with the clones that flushes use.
    marks: BTreeMap<Day, Arc<HashMap<i32, i64>>>,
}

impl Watermarks {
    /// Creates the watermarks from the files in the lake at start.
    pub fn new(newest_by_day: BTreeMap<Day, i64>) -> Self {
        Self { floor: newest_by_day, marks: BTreeMap::new() }
    }

    /// Returns the newest flushed time of a stream's day. A row not after it could share its key with a flushed row.
    pub fn newest(&self, day: Day, stream: i32) -> Option<i64> {
        let mark = self.marks.get(&day).and_then(|marks| marks.get(&stream));
        self.floor.get(&day).max(mark).copied()
    }

    fn is_late(&self, day: Day, stream: i32, ts: i64) -> bool {
        self.newest(day, stream).is_some_and(|newest| ts <= newest)
    }

    /// Whether any row of a day's run is late. Only the first row of each stream is checked, because it is the oldest.
    pub fn any_late(&self, day: Day, run: &Run) -> bool {
        if !self.floor.contains_key(&day) && !self.marks.contains_key(&day) {
            return false;
        }
        let first_of_stream = |i: &usize| *i == 0 || run.stream[*i] != run.stream[*i - 1];
        (0..run.len()).filter(first_of_stream).any(|i| self.is_late(day, run.stream[i], run.ts[i]))
    }

    /// Marks a day's run as flushed.
    pub fn advance(&mut self, day: Day, run: &Run) {
        let marks = Arc::make_mut(self.marks.entry(day).or_default());
        for i in 0..run.len() {
            let is_last = i + 1 == run.len() || run.stream[i + 1] != run.stream[i];
            if is_last {
                let mark = marks.entry(run.stream[i]).or_insert(i64::MIN);
                *mark = (*mark).max(run.ts[i]);
            }
        }
        while exceeds_limits(self.marks.len(), self.count()) {
            let Some((oldest, marks)) = self.marks.pop_first() else { break };
            let newest = marks.values().copied().max().unwrap_or(i64::MIN);
            let floor = self.floor.entry(oldest).or_insert(i64::MIN);
            *floor = (*floor).max(newest);
        }
    }

    /// Returns the number of marks.
    fn count(&self) -> usize {
        self.marks.values().map(|marks| marks.len()).sum()
    }
}

/// Whether the marks of the oldest day have to go.
fn exceeds_limits(days: usize, marks: usize) -> bool {
    days > MAX_TRACKED_DAYS || (days > MIN_TRACKED_DAYS && marks > MAX_MARKS)
}

#[cfg(test)]
#[path = "watermark_tests.rs"]
mod tests;
