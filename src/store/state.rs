//! State shared by the committing thread, readers and the flusher, under one lock that is held only briefly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use super::lake::LakeVersion;
use super::lake::cache::LakeCache;
use super::lake::file::LakeFile;
use super::lake::location::LakeLocation;
use super::memtable::run::{self, Run};
use super::memtable::{DayRuns, MAX_MERGED_TEXT_BYTES, Memtable};
use super::snapshot::{MemtableDay, Snapshot, UpsertSnapshot};
use super::statistics::invalidations::Invalidations;
use super::statistics::materialization::Materialization;
use super::table::{PerTable, Table};
use super::upsert_rows::UpsertRows;
use super::watermark::Watermarks;
use crate::domain::time::Day;

/// Unflushed rows of a keyed table by day, oldest first.
type UpsertDays = BTreeMap<Day, Vec<UpsertRows>>;

/// Frozen rows being flushed into the lake.
#[derive(Debug)]
pub struct FrozenMemtable {
    pub days: DayRuns,
    pub upserts: PerTable<UpsertDays>,
    /// The watermarks before these rows, which decide which of them are late.
    pub watermarks: Watermarks,
    late_days: BTreeSet<Day>,
    /// Every row up to this seq is in the lake once these rows are.
    pub last_seq: u64,
}

#[derive(Debug)]
struct LockedState {
    lakes: PerTable<Arc<LakeVersion>>,
    active: Memtable,
    late_days: BTreeSet<Day>,
    upserts: PerTable<UpsertDays>,
    frozen: Option<Arc<FrozenMemtable>>,
    watermarks: Watermarks,
    last_seq: u64,
    flushed: u64,
    computed: Materialization,
}

/// State of the store that queries read.
#[derive(Debug)]
pub struct SharedState {
    state: RwLock<LockedState>,
    place: LakeLocation,
    lake_dirs: PerTable<Arc<PathBuf>>,
    cache: Arc<LakeCache>,
}

/// The lake as found when the store opens.
pub struct LoadedTables {
    pub lakes: PerTable<LakeVersion>,
    pub place: LakeLocation,
    /// The highest seq whose rows are in the lake.
    pub flushed: u64,
    pub computed: Materialization,
}

impl SharedState {
    pub fn new(opened: LoadedTables) -> Self {
        let state = LockedState {
            watermarks: Watermarks::new(opened.lakes[Table::Readings].newest_by_day()),
            lakes: opened.lakes.map(Arc::new),
            active: Memtable::default(),
            late_days: BTreeSet::new(),
            upserts: PerTable::default(),
            frozen: None,
            last_seq: opened.flushed,
            flushed: opened.flushed,
            computed: opened.computed,
        };
        let place = opened.place;
        let lake_dirs = PerTable::new(|table| Arc::new(place.table_dir(table)));
        Self { state: RwLock::new(state), place, lake_dirs, cache: Arc::default() }
    }

    /// Adds durable requests in seq order. Small runs of a group are first merged into one; each row keeps its own seq.
    pub fn insert(&self, runs: Vec<(Run, u64)>, keyed: Vec<UpsertRows>) {
        let Some(last_seq) = runs.last().map(|(_, seq)| *seq) else { return };
        let runs: Vec<Run> = runs.into_iter().map(|(run, _)| run).filter(|run| !run.is_empty()).collect();
        let is_small = runs.iter().all(|run| run.len() < 1024)
            && runs.iter().map(Run::text_bytes).sum::<usize>() <= MAX_MERGED_TEXT_BYTES;
        let runs = if is_small { Vec::from_iter(run::merge(&runs)) } else { runs };
        let parts: Vec<(Day, Run)> = runs.into_iter().flat_map(Run::by_day).collect();
        let state = &mut *self.state.write();
        state.last_seq = last_seq;
        for (day, part) in parts {
            if state.watermarks.any_late(day, &part) {
                state.late_days.insert(day);
            }
            state.active.insert(day, part);
        }
        for rows in keyed {
            for (day, part) in rows.by_day() {
                state.upserts[rows.table()].entry(day).or_default().push(part);
            }
        }
    }

    /// Whether no rows wait in memory, apart from frozen ones.
    pub fn is_empty(&self) -> bool {
        self.state.read().is_empty()
    }

    /// Returns the number of days and the number of readings in the active memtable.
    pub fn days_and_rows(&self) -> (usize, usize) {
        let active = &self.state.read().active;
        (active.days().len(), active.rows())
    }

    pub fn last_seq(&self) -> u64 {
        self.state.read().last_seq
    }

    /// Pins the current lake and memory. The caller adds the retention bounds.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state.read();
        let mut memory: BTreeMap<Day, MemtableDay> = BTreeMap::new();
        let frozen = state.frozen.iter().map(|f| (&f.days, &f.late_days));
        for (days, late) in frozen.chain([(state.active.days(), &state.late_days)]) {
            for (day, runs) in days {
                let entry = memory.entry(*day).or_default();
                entry.runs.extend_from_slice(runs);
                entry.is_late |= late.contains(day);
            }
        }
        let keyed = |table: Table| {
            let mut memory = UpsertDays::new();
            let frozen = state.frozen.as_ref().map(|f| &f.upserts[table]);
            for (day, runs) in frozen.into_iter().chain([&state.upserts[table]]).flatten() {
                memory.entry(*day).or_default().extend_from_slice(runs);
            }
            let (lake, lake_dir) = (state.lakes[table].clone(), self.lake_dirs[table].clone());
            UpsertSnapshot { lake, lake_dir, memory }
        };
        Snapshot {
            lake: state.lakes[Table::Readings].clone(),
            lake_dir: self.lake_dirs[Table::Readings].clone(),
            location: self.place.clone(),
            cache: self.cache.clone(),
            memory,
            seq: state.last_seq,
            upsert_tables: PerTable::from_array([
                UpsertSnapshot::default(),
                keyed(Table::Statistics),
                keyed(Table::Messages),
            ]),
            materialization: state.computed.clone(),
            retention_bounds: Arc::default(),
        }
    }

    /// Returns the current lake version of a table.
    pub fn lake(&self, table: Table) -> Arc<LakeVersion> {
        self.state.read().lakes[table].clone()
    }

    /// Returns the location of the lake.
    pub fn location(&self) -> &LakeLocation {
        &self.place
    }

    pub fn lake_dir(&self, table: Table) -> Arc<PathBuf> {
        self.lake_dirs[table].clone()
    }

    /// Returns the flushed state: readings, statistics, how far these are computed, and the highest seq in the lake.
    pub fn flushed_state(&self) -> (Arc<LakeVersion>, Arc<LakeVersion>, Materialization, u64) {
        let state = self.state.read();
        let lake = |table| state.lakes[table].clone();
        (lake(Table::Readings), lake(Table::Statistics), state.computed.clone(), state.flushed)
    }

    /// Returns the cache of footers and pages for all tables.
    pub fn cache(&self) -> &Arc<LakeCache> {
        &self.cache
    }

    /// Returns the time by which ended windows have their statistics, as far as rows are flushed.
    pub fn statistics_watermark(&self) -> i64 {
        self.state.read().computed.watermark
    }

    /// Replaces files of the lake by others with their remaining rows. The caller must hold the lock on the Delta
    /// table.
    pub fn replace_files(&self, table: Table, version: u64, gone: &[Arc<LakeFile>], new: Vec<LakeFile>) {
        let mut state = self.state.write();
        state.lakes[table] = Arc::new(state.lakes[table].replacing(version, gone, new));
    }

    /// Sets another version of the lake that holds the same rows.
    pub fn set_lake(&self, table: Table, lake: LakeVersion) {
        self.state.write().lakes[table] = Arc::new(lake);
    }

    /// Records that statistics cover every row up to `seq`, in windows that ended by `sealed`.
    pub fn advance_materialization(&self, lake: Option<LakeVersion>, seq: u64, sealed: i64) {
        let mut state = self.state.write();
        if let Some(lake) = lake {
            state.lakes[Table::Statistics] = Arc::new(lake);
        }
        state.computed = std::mem::take(&mut state.computed).advanced(seq, sealed);
    }

    /// Returns the rows that a failed flush left frozen, if any.
    pub fn frozen(&self) -> Option<Arc<FrozenMemtable>> {
        self.state.read().frozen.clone()
    }

    /// Freezes the active memtable for a flush; `None` when it is empty. No frozen rows may be left.
    pub fn freeze(&self) -> Option<Arc<FrozenMemtable>> {
        let state = &mut *self.state.write();
        if state.is_empty() {
            return None;
        }
        let days = std::mem::take(&mut state.active).into_days();
        let frozen = Arc::new(FrozenMemtable {
            watermarks: state.watermarks.clone(),
            late_days: std::mem::take(&mut state.late_days),
            upserts: std::mem::take(&mut state.upserts),
            last_seq: state.last_seq,
            days,
        });
        for (day, runs) in &frozen.days {
            runs.iter().for_each(|run| state.watermarks.advance(*day, run));
        }
        state.frozen = Some(frozen.clone());
        Some(frozen)
    }

    /// Publishes that the frozen rows, up to `seq`, are in the lake. From now on they are read there, and statistics of
    /// the times they touched are stale.
    pub fn finish_flush(&self, lakes: PerTable<Option<LakeVersion>>, seq: u64, touched: Invalidations) {
        let mut state = self.state.write();
        for (table, lake) in lakes.into_pairs() {
            if let Some(lake) = lake {
                state.lakes[table] = Arc::new(lake);
            }
        }
        state.frozen = None;
        state.flushed = seq;
        state.computed = std::mem::take(&mut state.computed).with_invalidations(seq, touched);
    }
}

impl LockedState {
    fn is_empty(&self) -> bool {
        self.active.is_empty() && Table::UPSERT.iter().all(|table| self.upserts[*table].is_empty())
    }
}
