//! The unflushed rows of one organization, as their owner hands them to a query node: all, or those that the node lacks.

use std::collections::BTreeSet;
use std::ops::Range;

use uuid::Uuid;

use super::newer_rows::{newer_readings, newer_runs, newer_upserts};
use crate::domain::Micros;
use crate::domain::cluster::{KnownTail, OwnerStates};
use crate::domain::time::Day;
use crate::store::memtable::DayRuns;
use crate::store::memtable::run::Run;
use crate::store::state::{PinnedState, UpsertDays};
use crate::store::table::{PerTable, Table};
use crate::store::upsert_rows::UpsertRows;

/// The rows of an organization that are not in the lake, as far as the node that asks lacks them, and the versions of the lake that
/// have all others.
#[derive(Debug, Clone, Default)]
pub struct OrgTail {
    /// The owner that has the rows; it is another one after each start.
    pub instance: Uuid,
    /// Versions of the Delta logs.
    pub versions: PerTable<u64>,
    /// Every row up to this seq is in those versions, and none after it.
    pub flushed: u64,
    /// Every acknowledged write up to this seq is in those versions, here, or in the tail that the node has.
    pub seq: u64,
    /// The last seq of the tail that the node has and whose rows are left out; `None` when every row is here.
    pub after: Option<u64>,
    /// The days, of any organization, on which an unflushed reading can share its key with one of the lake.
    pub late_days: BTreeSet<Day>,
    /// Unflushed readings.
    pub readings: DayRuns,
    /// Unflushed rows of the other tables.
    pub upserts: PerTable<UpsertDays>,
    /// Epoch that the owner's commits name; `None` for a lake that it has not claimed.
    pub epoch: Option<i64>,
    /// Version of the catalog with every change that the owner had made when it took all this, and so every one by which rows
    /// are not here or not in those versions of the lake; `None` when it is not known.
    pub catalog_version: Option<i64>,
    /// The time by which rows expire, by the clock of the owner. A node that reads the lake has a clock of its own, which may be
    /// wrong: by that it would hide rows that are kept, or show rows that are not.
    pub expiry_time: Micros,
    /// The newest reading of each stream, by stream, if it was asked for.
    pub newest: Option<Run>,
    /// Knowledge of the owner about devices and clients, if it was asked for.
    pub states: Option<OwnerStates>,
}

/// Tells which of some ids, in their order, are of the organization that asks.
pub type Membership<'a> = dyn Fn(&[i32]) -> Vec<bool> + 'a;

/// Organization whose rows are handed out.
pub struct OrgSources<'a> {
    /// Which streams are the organization's.
    pub streams: &'a Membership<'a>,
    /// Which devices are.
    pub devices: &'a Membership<'a>,
}

impl OrgTail {
    /// Takes the rows of an organization out of a state that `instance` has pinned, without those of the known tail when the state
    /// goes on from it.
    pub fn select(
        pinned: PinnedState,
        instance: Uuid,
        known: Option<KnownTail>,
        sources: &OrgSources<'_>,
    ) -> Self {
        let PinnedState { lakes, memory, upserts, flushed, seq, .. } = pinned;
        // Of a tail that ends before `flushed` no row is in memory any more: every one there is new to the node.
        let is_continued =
            |known: &KnownTail| known.instance == instance && (flushed..=seq).contains(&known.seq);
        let after = known.filter(is_continued).map(|known| known.seq);
        let versions = lakes.map(|lake| lake.version);
        let late_days = memory.iter().filter(|(_, day)| day.is_late).map(|(day, _)| *day).collect();
        let mut tail = OrgTail { instance, versions, flushed, seq, after, late_days, ..OrgTail::default() };
        if after == Some(seq) {
            return tail;
        }
        for (day, rows) in memory {
            let own = own_readings(rows.runs, after, sources.streams);
            if !own.is_empty() {
                tail.readings.insert(day, own);
            }
        }
        for (table, days) in upserts.into_pairs() {
            let are_own = if table == Table::Messages { sources.devices } else { sources.streams };
            for (day, runs) in days {
                let own = own_upserts(runs, after, are_own);
                if !own.is_empty() {
                    tail.upserts[table].insert(day, own);
                }
            }
        }
        tail
    }
}

/// Returns the rows of the organization, those after a seq only if there is one.
fn own_readings(runs: Vec<Run>, after: Option<u64>, are_own: &Membership<'_>) -> Vec<Run> {
    let runs = match after {
        Some(seq) => newer_runs(&runs, |run| newer_readings(run, seq)),
        None => runs,
    };
    let own = runs.iter().map(|run| run.take_ranges(own_ranges(&run.stream, are_own)));
    own.filter(|run| !run.is_empty()).collect()
}

/// Returns the organization's rows of another table, those after a seq only if there is one.
fn own_upserts(runs: Vec<UpsertRows>, after: Option<u64>, are_own: &Membership<'_>) -> Vec<UpsertRows> {
    let runs = match after {
        Some(seq) => newer_runs(&runs, |rows| newer_upserts(rows, seq)),
        None => runs,
    };
    let own = runs.iter().map(|rows| rows.take_ranges(own_ranges(rows.ids(), are_own)));
    own.filter(|rows| !rows.is_empty()).collect()
}

/// Returns the rows whose stream or device is the organization's, of rows with these ascending ids. Rows of one lie together, so
/// the work grows with streams rather than rows.
fn own_ranges(ids: &[i32], are_own: &Membership<'_>) -> Vec<Range<usize>> {
    let (mut distinct, mut ends) = (Vec::new(), Vec::new());
    let mut start = 0;
    while let Some(id) = ids.get(start) {
        start += ids[start..].partition_point(|other| other == id);
        distinct.push(*id);
        ends.push(start);
    }
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (end, is_own) in ends.into_iter().zip(are_own(&distinct)) {
        match kept.last_mut() {
            _ if !is_own => {}
            Some(last) if last.end == start => last.end = end,
            _ => kept.push(start..end),
        }
        start = end;
    }
    kept
}
