//! Readings not yet in the lake, by day, in sorted runs; a snapshot shares the runs and never waits.

pub mod order;
pub mod pieces;
pub mod run;

use std::collections::BTreeMap;

use crate::domain::time::Day;
use run::Run;

/// Neighbouring runs are merged up to this length, so that single values do not leave a thousand runs behind and
/// bulk batches are not copied again and again.
const MERGED_ROWS: usize = 16_384;
/// And up to so many bytes of text, for these are copied as well.
pub const MERGED_TEXT: usize = 4 << 20;

/// What a row without text takes: id, time, value, quality and seq.
pub const ROW_BYTES: usize = 4 + 8 + 8 + 1 + 8;

/// The rows of one day, oldest run first.
pub type DayRuns = BTreeMap<Day, Vec<Run>>;

/// The memtable writers add to.
#[derive(Debug, Clone, Default)]
pub struct Memtable {
    days: DayRuns,
    rows: usize,
}

impl Memtable {
    /// Adds rows of one day, newer than all before them.
    pub fn insert(&mut self, day: Day, run: Run) {
        self.rows += run.len();
        let runs = self.days.entry(day).or_default();
        runs.push(run);
        while let [.., earlier, later] = runs.as_slice() {
            let is_long = earlier.text_bytes() + later.text_bytes() > MERGED_TEXT;
            if earlier.len() + later.len() > MERGED_ROWS || earlier.len() > 2 * later.len() || is_long {
                break;
            }
            let merged = run::merge(&runs[runs.len() - 2..]).expect("two runs were given");
            runs.truncate(runs.len() - 2);
            runs.push(merged);
        }
    }

    /// The runs by day; sharing them costs a reference count each.
    pub fn days(&self) -> &DayRuns {
        &self.days
    }

    pub fn into_days(self) -> DayRuns {
        self.days
    }

    /// Rows inserted, those since replaced included.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

#[cfg(test)]
#[path = "memtable_tests.rs"]
mod tests;
