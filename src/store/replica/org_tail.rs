//! The unflushed rows of one organization, as its owner hands them to a query node.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::domain::cluster::OwnerStates;
use crate::domain::time::Day;
use crate::store::memtable::run::Run;
use crate::store::snapshot::MemtableDay;
use crate::store::state::{PinnedState, UpsertDays};
use crate::store::table::{PerTable, Table};

/// The rows of an organization that are not in the lake, and the versions of the lake that have all others.
#[derive(Debug, Clone, Default)]
pub struct OrgTail {
    /// Versions of the Delta logs.
    pub versions: PerTable<u64>,
    /// Every acknowledged write up to this seq is in those versions or here.
    pub seq: u64,
    /// Unflushed readings.
    pub readings: BTreeMap<Day, MemtableDay>,
    /// Unflushed rows of the other tables.
    pub upserts: PerTable<UpsertDays>,
    /// The newest reading of each stream, by stream, if it was asked for.
    pub newest: Option<Run>,
    /// What the owner knows of devices and clients, if it was asked for.
    pub states: Option<OwnerStates>,
}

impl OrgTail {
    /// Takes the rows of these streams and devices, whose ids are ascending, out of a pinned state.
    pub fn select(pinned: PinnedState, streams: &[i32], devices: &[i32]) -> Self {
        let PinnedState { lakes, memory, upserts, seq, .. } = pinned;
        let days = memory.into_iter().map(|(day, MemtableDay { runs, is_late })| {
            let runs = runs.iter().map(|run| rows_of(run, streams)).filter(|run| !run.is_empty()).collect();
            (day, MemtableDay { runs, is_late })
        });
        let mut kept: PerTable<UpsertDays> = PerTable::default();
        for (table, days) in upserts.into_pairs() {
            let ids = if table == Table::Messages { devices } else { streams };
            for (day, runs) in days {
                let own = runs.iter().map(|rows| rows.select(|rows, i| has(ids, rows.key(i).id)));
                let own: Vec<_> = own.filter(|rows| !rows.is_empty()).collect();
                if !own.is_empty() {
                    kept[table].insert(day, own);
                }
            }
        }
        OrgTail {
            versions: lakes.map(|lake| lake.version),
            seq,
            readings: days.filter(|(_, day)| !day.runs.is_empty()).collect(),
            upserts: kept,
            newest: None,
            states: None,
        }
    }
}

fn has(ids: &[i32], id: i32) -> bool {
    ids.binary_search(&id).is_ok()
}

/// Returns the rows of some streams. Rows of a stream lie together, so the work grows with streams rather than rows.
fn rows_of(run: &Run, streams: &[i32]) -> Run {
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while start < run.len() {
        let stream = run.stream[start];
        let end = start + run.stream[start..].partition_point(|other| *other == stream);
        if has(streams, stream) {
            match kept.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => kept.push(start..end),
            }
        }
        start = end;
    }
    match kept.as_slice() {
        [all] if all.len() == run.len() => run.clone(),
        _ => run.take_ranges(kept),
    }
}
