//! State shared by the committing thread, readers and the flusher, under one lock that is held only briefly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;

use super::lake::LakeVersion;
use super::lake::file::LakeFile;
use super::memtable::run::{self, Run};
use super::memtable::{DayRuns, MAX_MERGED_TEXT_BYTES, Memtable};
use super::snapshot::MemtableDay;
use super::statistics::invalidations::Invalidations;
use super::statistics::materialization::Materialization;
use super::table::{PerTable, Table};
use super::upsert_rows::UpsertRows;
use super::watermark::Watermarks;
use crate::domain::time::Day;

/// Unflushed rows of a keyed table by day, oldest first.
pub type UpsertDays = BTreeMap<Day, Vec<UpsertRows>>;

/// Frozen rows being flushed into the lake.
#[derive(Debug)]
pub struct FrozenMemtable {
    pub days: DayRuns,
    pub upserts: PerTable<UpsertDays>,
    /// The watermarks before these rows, which decide which of them are late.
    pub watermarks: Watermarks,
    late_days: BTreeSet<Day>,
    /// When the oldest of these rows arrived.
    since: Option<Instant>,
    /// Every row up to this seq is in the lake once these rows are.
    pub last_seq: u64,
}

#[derive(Debug)]
struct LockedState {
    lakes: PerTable<Arc<LakeVersion>>,
    active: Memtable,
    late_days: BTreeSet<Day>,
    upserts: PerTable<UpsertDays>,
    /// When the oldest row that is not frozen arrived.
    since: Option<Instant>,
    frozen: Option<Arc<FrozenMemtable>>,
    watermarks: Watermarks,
    last_seq: u64,
    flushed: u64,
    computed: Materialization,
    hours: Materialization,
}

/// State of the store that queries read.
#[derive(Debug)]
pub struct SharedState {
    state: RwLock<LockedState>,
}

/// The lake versions and the rows in memory at one moment.
pub struct PinnedState {
    pub lakes: PerTable<Arc<LakeVersion>>,
    /// Unflushed readings.
    pub memory: BTreeMap<Day, MemtableDay>,
    /// Unflushed rows of the other tables.
    pub upserts: PerTable<UpsertDays>,
    /// Every row up to this seq is in the lake, and no row in memory is.
    pub flushed: u64,
    /// The seq of the last row in memory or in the lake.
    pub seq: u64,
    pub materialization: Materialization,
    pub hours: Materialization,
}

/// The flushed rows that statistics and counts of messages are computed from, and the statistics that there are.
pub struct FlushedState {
    pub readings: Arc<LakeVersion>,
    pub messages: Arc<LakeVersion>,
    pub statistics: Arc<LakeVersion>,
    pub hourly_statistics: Arc<LakeVersion>,
    /// How far `statistics` cover `readings`.
    pub materialization: Materialization,
    /// How far `hourly_statistics` do.
    pub hours: Materialization,
    /// The highest seq whose rows are in the lake.
    pub seq: u64,
}

/// Size of the active memtable.
pub struct MemtableSize {
    /// Number of days with readings.
    pub days: usize,
    /// Number of readings.
    pub rows: usize,
}

/// The lake as found when the store opens.
pub struct LoadedTables {
    pub lakes: PerTable<LakeVersion>,
    /// The highest seq whose rows are in the lake.
    pub flushed: u64,
    pub computed: Materialization,
    pub hours: Materialization,
}

impl SharedState {
    /// Creates the state of the lake as found, without rows in memory.
    pub fn new(opened: LoadedTables) -> Self {
        let state = LockedState {
            watermarks: Watermarks::new(opened.lakes[Table::Readings].newest_by_day()),
            lakes: opened.lakes.map(Arc::new),
            active: Memtable::default(),
            late_days: BTreeSet::new(),
            upserts: PerTable::default(),
            since: None,
            frozen: None,
            last_seq: opened.flushed,
            flushed: opened.flushed,
            computed: opened.computed,
            hours: opened.hours,
        };
        Self { state: RwLock::new(state) }
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
        if !state.is_empty() {
            state.since.get_or_insert_with(Instant::now);
        }
    }

    /// Whether no rows wait in memory, apart from frozen ones.
    pub fn is_empty(&self) -> bool {
        self.state.read().is_empty()
    }

    /// Returns the size of the active memtable.
    pub fn memtable_size(&self) -> MemtableSize {
        let active = &self.state.read().active;
        MemtableSize { days: active.days().len(), rows: active.rows() }
    }

    /// Returns when the oldest row arrived that is not in the lake; `None` when all are.
    pub fn oldest_unflushed(&self) -> Option<Instant> {
        let state = self.state.read();
        state.frozen.as_ref().and_then(|frozen| frozen.since).or(state.since)
    }

    /// Returns the seq of the last row in memory or in the lake; a new reader of the feed begins after it.
    pub fn last_seq(&self) -> u64 {
        self.state.read().last_seq
    }

    /// Pins the current lake and memory.
    pub fn pin(&self) -> PinnedState {
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
        let mut upserts: PerTable<UpsertDays> = PerTable::default();
        for table in Table::UPSERT {
            let frozen = state.frozen.as_ref().map(|f| &f.upserts[table]);
            for (day, runs) in frozen.into_iter().chain([&state.upserts[table]]).flatten() {
                upserts[table].entry(*day).or_default().extend_from_slice(runs);
            }
        }
        PinnedState {
            lakes: state.lakes.clone(),
            memory,
            upserts,
            flushed: state.flushed,
            seq: state.last_seq,
            materialization: state.computed.clone(),
            hours: state.hours.clone(),
        }
    }

    /// Returns the current lake version of a table.
    pub fn lake(&self, table: Table) -> Arc<LakeVersion> {
        self.state.read().lakes[table].clone()
    }

    /// Returns the flushed readings and their statistics.
    pub fn flushed(&self) -> FlushedState {
        let state = self.state.read();
        let lake = |table| state.lakes[table].clone();
        FlushedState {
            readings: lake(Table::Readings),
            messages: lake(Table::Messages),
            statistics: lake(Table::Statistics),
            hourly_statistics: lake(Table::HourlyStatistics),
            materialization: state.computed.clone(),
            hours: state.hours.clone(),
            seq: state.flushed,
        }
    }

    /// Returns the highest seq whose rows are in the lake.
    pub fn flushed_seq(&self) -> u64 {
        self.state.read().flushed
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

    /// Records that hourly statistics cover every row up to `seq`, in hours that ended by `sealed`.
    pub fn advance_hours(&self, lake: Option<LakeVersion>, seq: u64, sealed: i64) {
        let mut state = self.state.write();
        if let Some(lake) = lake {
            state.lakes[Table::HourlyStatistics] = Arc::new(lake);
        }
        state.hours = std::mem::take(&mut state.hours).advanced(seq, sealed);
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
            since: state.since.take(),
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
        let touched = Arc::new(touched);
        state.computed = std::mem::take(&mut state.computed).with_invalidations(seq, touched.clone());
        state.hours = std::mem::take(&mut state.hours).with_invalidations(seq, touched);
    }
}

impl LockedState {
    fn is_empty(&self) -> bool {
        self.active.is_empty() && Table::UPSERT.iter().all(|table| self.upserts[*table].is_empty())
    }
}
