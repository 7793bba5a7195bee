//! The rows of runs that are newer than a seq.
//!
//! Runs of a day are in order of writing: rows get their seqs in that order, a memtable adds runs at its end and merges only
//! neighbours there, and a flush freezes all rows at once, so those after it come after them. Of two runs the later one therefore
//! has no row with a lower seq than any of the earlier one. What is newer than a seq is at the end, and the search for it ends at
//! the first run without such a row.

use crate::store::memtable::run::Run;
use crate::store::upsert_rows::UpsertRows;

/// Returns the rows of runs, given oldest first, that `newer` takes of each run; it returns `None` for a run without any.
pub(super) fn newer_runs<R>(runs: &[R], newer: impl Fn(&R) -> Option<R>) -> Vec<R> {
    let mut found: Vec<R> = runs.iter().rev().map_while(newer).collect();
    found.reverse();
    found
}

/// Returns the readings of a run with a higher seq.
pub(super) fn newer_readings(run: &Run, seq: u64) -> Option<Run> {
    let rows = run.select(|run, row| run.seq[row] as u64 > seq);
    (!rows.is_empty()).then_some(rows)
}

/// Returns the rows of another table with a higher seq.
pub(super) fn newer_upserts(rows: &UpsertRows, seq: u64) -> Option<UpsertRows> {
    let rows = rows.select(|rows, row| rows.seq(row) as u64 > seq);
    (!rows.is_empty()).then_some(rows)
}
