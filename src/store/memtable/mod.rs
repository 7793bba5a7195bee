//! Memtable: readings not yet in the lake, by day, in sorted runs. A snapshot shares the runs and never waits.

pub mod chunked_merge;
pub mod run;
pub mod run_merge;

use std::collections::BTreeMap;

use crate::domain::time::Day;
use run::Run;

/// Adjacent runs are merged up to this many rows, so that single values do not leave a thousand runs behind and bulk
/// batches are not copied repeatedly.
const MAX_MERGED_ROWS: usize = 16_384;
/// Adjacent runs are merged up to so many bytes of text, because texts are copied as well.
pub const MAX_MERGED_TEXT_BYTES: usize = 4 << 20;

/// Memory of a row without text, bytes: id, time, value, quality and seq.
pub const ROW_BYTES: usize = 4 + 8 + 8 + 1 + 8;

/// Runs by day, oldest run first.
pub type DayRuns = BTreeMap<Day, Vec<Run>>;

/// The active memtable, to which writers add rows.
#[derive(Debug, Clone, Default)]
pub struct Memtable {
    days: DayRuns,
    rows: usize,
}

impl Memtable {
    /// Adds rows of one day, newer than all rows before.
    pub fn insert(&mut self, day: Day, run: Run) {
        self.rows += run.len();
        push_run(self.days.entry(day).or_default(), run);
    }

    /// Returns the runs by day; cloning them only increments reference counts.
    pub fn days(&self) -> &DayRuns {
        &self.days
    }

    /// Returns the runs by day, for a flush that takes the memtable over.
    pub fn into_days(self) -> DayRuns {
        self.days
    }

    /// Returns the number of rows inserted, including those replaced since.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether no row has been inserted.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// Adds a run to those of its day, whose rows must all be older. Small runs at the end are merged.
pub fn push_run(runs: &mut Vec<Run>, run: Run) {
    let is_small = |earlier: &Run, later: &Run| {
        earlier.len() + later.len() <= MAX_MERGED_ROWS
            && earlier.text_bytes() + later.text_bytes() <= MAX_MERGED_TEXT_BYTES
    };
    runs.push(run);
    merge_end(runs, Run::len, is_small, run::merge);
}

/// Merges runs at the end while two of them are small together and the earlier one is not much longer: runs of single rows then
/// cost as many merges as their number has digits.
pub fn merge_end<R>(
    runs: &mut Vec<R>,
    len: fn(&R) -> usize,
    is_small: impl Fn(&R, &R) -> bool,
    merge: fn(&[R]) -> Option<R>,
) {
    while let [.., earlier, later] = runs.as_slice() {
        if len(earlier) > 2 * len(later) || !is_small(earlier, later) {
            break;
        }
        let merged = merge(&runs[runs.len() - 2..]).expect("two runs were given");
        runs.truncate(runs.len() - 2);
        runs.push(merged);
    }
}

#[cfg(test)]
#[path = "memtable_tests.rs"]
mod tests;
