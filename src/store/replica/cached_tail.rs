//! The tail of an organization as a query node keeps it between statements, and how an answer of the owner changes it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::newer_rows::{newer_readings, newer_runs, newer_upserts};
use super::org_tail::OrgTail;
use crate::domain::cluster::KnownTail;
use crate::domain::time::Day;
use crate::domain::{Error, Result};
use crate::store::memtable::{DayRuns, MAX_MERGED_TEXT_BYTES, ROW_BYTES, merge_end, push_run};
use crate::store::snapshot::MemtableDay;
use crate::store::state::UpsertDays;
use crate::store::table::{PerTable, Table};
use crate::store::upsert_rows::{self, UpsertRows};

/// Adjacent runs of the other tables are merged up to this many rows, and up to the bytes at which runs of texts are.
const MAX_MERGED_UPSERTS: usize = 4096;

/// Every row of an organization that was not in the lake at one moment of its owner. It never changes: queries share its runs.
#[derive(Debug, Clone, Default)]
pub struct CachedTail {
    instance: Uuid,
    /// Every row up to this seq was in the lake.
    pub flushed: u64,
    /// Every acknowledged row after that and up to this seq is here.
    pub seq: u64,
    /// As in `OrgTail`.
    late_days: BTreeSet<Day>,
    /// Readings by day; no day is without.
    pub readings: DayRuns,
    /// Rows of the other tables.
    pub upserts: PerTable<UpsertDays>,
    size_bytes: usize,
}

impl CachedTail {
    /// Returns the tail that an answer completes, given the one that was named as known when it was asked for.
    ///
    /// # Errors
    /// `Unavailable` when the answer goes on from another tail: rows would be missing.
    pub fn new(known: Option<&CachedTail>, answer: OrgTail) -> Result<Self> {
        let mut tail = match (answer.after, known) {
            (None, _) => CachedTail::default(),
            (Some(_), Some(known)) if known.is_continued_by(&answer) => known.unflushed(answer.flushed),
            (Some(_), _) => {
                return Err(Error::unavailable("the ingest node left out rows that this node does not have"));
            }
        };
        let OrgTail { instance, flushed, seq, late_days, readings, upserts, .. } = answer;
        for (day, runs) in readings {
            let of_day = tail.readings.entry(day).or_default();
            runs.into_iter().for_each(|run| push_run(of_day, run));
        }
        for (table, days) in upserts.into_pairs() {
            for (day, runs) in days {
                let of_day = tail.upserts[table].entry(day).or_default();
                runs.into_iter().for_each(|rows| push_upserts(of_day, rows));
            }
        }
        let tail = CachedTail { instance, flushed, seq, late_days, ..tail };
        let size_bytes = tail.measure();
        Ok(CachedTail { size_bytes, ..tail })
    }

    /// Returns what the owner is told of this tail.
    pub fn known(&self) -> KnownTail {
        KnownTail { instance: self.instance, seq: self.seq }
    }

    /// Returns the readings as a snapshot has them.
    pub fn memory(&self) -> BTreeMap<Day, MemtableDay> {
        let days = self.readings.iter().map(|(day, runs)| {
            (*day, MemtableDay { runs: runs.clone(), is_late: self.late_days.contains(day) })
        });
        days.collect()
    }

    /// Returns the memory of the rows, bytes.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Whether this is of a later moment of the same owner than another.
    pub fn is_after(&self, other: &CachedTail) -> bool {
        self.instance == other.instance && (self.seq, self.flushed) > (other.seq, other.flushed)
    }

    /// Whether an owner that has answered with `newer`, for any organization, would go on from this tail.
    pub fn is_usable_beside(&self, newer: &CachedTail) -> bool {
        self.instance == newer.instance && self.seq >= newer.flushed
    }

    fn is_continued_by(&self, answer: &OrgTail) -> bool {
        self.instance == answer.instance && answer.after == Some(self.seq) && answer.flushed <= self.seq
    }

    /// Returns the rows that are still not in the lake when all up to a seq are.
    fn unflushed(&self, flushed: u64) -> Self {
        if flushed == self.flushed {
            return self.clone();
        }
        let mut left = CachedTail::default();
        for (day, runs) in &self.readings {
            let runs = newer_runs(runs, |run| newer_readings(run, flushed));
            if !runs.is_empty() {
                left.readings.insert(*day, runs);
            }
        }
        for table in Table::UPSERT {
            for (day, runs) in &self.upserts[table] {
                let runs = newer_runs(runs, |rows| newer_upserts(rows, flushed));
                if !runs.is_empty() {
                    left.upserts[table].insert(*day, runs);
                }
            }
        }
        left
    }

    fn measure(&self) -> usize {
        let readings = self.readings.values().flatten().map(|run| run.len() * ROW_BYTES + run.text_bytes());
        let upserts = Table::UPSERT.iter().flat_map(|table| self.upserts[*table].values().flatten());
        readings.sum::<usize>() + upserts.map(UpsertRows::size_bytes).sum::<usize>()
    }
}

/// Adds rows to those of their day, which must all be older. Small runs at the end are merged, as `push_run` does.
fn push_upserts(runs: &mut Vec<UpsertRows>, rows: UpsertRows) {
    let is_small = |earlier: &UpsertRows, later: &UpsertRows| {
        earlier.len() + later.len() <= MAX_MERGED_UPSERTS
            && earlier.size_bytes() + later.size_bytes() <= MAX_MERGED_TEXT_BYTES
    };
    runs.push(rows);
    merge_end(runs, UpsertRows::len, is_small, upsert_rows::merge);
}
