//! What readers and the flusher share with the committing thread, under one lock held for moments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use super::keyed::KeyedRows;
use super::lake::LakeVersion;
use super::lake::cache::Cache;
use super::lake::file::LakeFile;
use super::lake::place::Place;
use super::memtable::run::{self, Run};
use super::memtable::{DayRuns, MERGED_TEXT, Memtable};
use super::snapshot::{KeyedSnapshot, MemoryDay, Snapshot};
use super::statistics::computed::Computed;
use super::statistics::touched::Touched;
use super::table::{PerTable, Table};
use super::watermark::Watermarks;
use crate::domain::time::Day;

/// Unflushed rows of a keyed table by day, oldest first.
type KeyedDays = BTreeMap<Day, Vec<KeyedRows>>;

/// Rows on their way into the lake.
#[derive(Debug)]
pub struct Frozen {
    pub days: DayRuns,
    pub keyed: PerTable<KeyedDays>,
    /// The watermarks as they were before these rows: what decides which of them are late.
    pub watermarks: Watermarks,
    late_days: BTreeSet<Day>,
    /// Every row up to this seq is in the lake once these are.
    pub last_seq: u64,
}

#[derive(Debug)]
struct State {
    lakes: PerTable<Arc<LakeVersion>>,
    active: Memtable,
    late_days: BTreeSet<Day>,
    keyed: PerTable<KeyedDays>,
    frozen: Option<Arc<Frozen>>,
    watermarks: Watermarks,
    last_seq: u64,
    flushed: u64,
    computed: Computed,
}

/// The store's readable state.
#[derive(Debug)]
pub struct Shared {
    state: RwLock<State>,
    place: Place,
    lake_dirs: PerTable<Arc<PathBuf>>,
    cache: Arc<Cache>,
}

/// What the lake is when the store opens.
pub struct Opened {
    pub lakes: PerTable<LakeVersion>,
    pub place: Place,
    /// The highest seq whose rows are in it.
    pub flushed: u64,
    pub computed: Computed,
}

impl Shared {
    pub fn new(opened: Opened) -> Self {
        let state = State {
            watermarks: Watermarks::new(opened.lakes[Table::Readings].newest_by_day()),
            lakes: opened.lakes.map(Arc::new),
            active: Memtable::default(),
            late_days: BTreeSet::new(),
            keyed: PerTable::default(),
            frozen: None,
            last_seq: opened.flushed,
            flushed: opened.flushed,
            computed: opened.computed,
        };
        let place = opened.place;
        let lake_dirs = PerTable::new(|table| Arc::new(place.table_dir(table)));
        Self { state: RwLock::new(state), place, lake_dirs, cache: Arc::default() }
    }

    /// Adds durable requests, in seq order. Small ones of a group are merged into one run first: each row keeps
    /// its own seq.
    pub fn insert(&self, runs: Vec<(Run, u64)>, keyed: Vec<KeyedRows>) {
        let Some(last_seq) = runs.last().map(|(_, seq)| *seq) else { return };
        let runs: Vec<Run> = runs.into_iter().map(|(run, _)| run).filter(|run| !run.is_empty()).collect();
        let is_small = runs.iter().all(|run| run.len() < 1024)
            && runs.iter().map(Run::text_bytes).sum::<usize>() <= MERGED_TEXT;
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
                state.keyed[rows.table()].entry(day).or_default().push(part);
            }
        }
    }

    /// Whether no rows wait in memory, those being flushed apart.
    pub fn is_empty(&self) -> bool {
        self.state.read().is_empty()
    }

    /// The days of the readings that wait in memory, and how many readings these are.
    pub fn spread(&self) -> (usize, usize) {
        let active = &self.state.read().active;
        (active.days().len(), active.rows())
    }

    pub fn last_seq(&self) -> u64 {
        self.state.read().last_seq
    }

    /// Pins lake and memory as they are now; what is kept of them is for others to say.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state.read();
        let mut memory: BTreeMap<Day, MemoryDay> = BTreeMap::new();
        let frozen = state.frozen.iter().map(|f| (&f.days, &f.late_days));
        for (days, late) in frozen.chain([(state.active.days(), &state.late_days)]) {
            for (day, runs) in days {
                let entry = memory.entry(*day).or_default();
                entry.runs.extend_from_slice(runs);
                entry.is_late |= late.contains(day);
            }
        }
        let keyed = |table: Table| {
            let mut memory = KeyedDays::new();
            let frozen = state.frozen.as_ref().map(|f| &f.keyed[table]);
            for (day, runs) in frozen.into_iter().chain([&state.keyed[table]]).flatten() {
                memory.entry(*day).or_default().extend_from_slice(runs);
            }
            let (lake, lake_dir) = (state.lakes[table].clone(), self.lake_dirs[table].clone());
            KeyedSnapshot { lake, lake_dir, memory }
        };
        Snapshot {
            lake: state.lakes[Table::Readings].clone(),
            lake_dir: self.lake_dirs[Table::Readings].clone(),
            place: self.place.clone(),
            cache: self.cache.clone(),
            memory,
            seq: state.last_seq,
            keyed: PerTable::from_array([
                KeyedSnapshot::default(),
                keyed(Table::Statistics),
                keyed(Table::Messages),
            ]),
            computed: state.computed.clone(),
            kept: Arc::default(),
        }
    }

    /// A table of the lake as it is now.
    pub fn lake(&self, table: Table) -> Arc<LakeVersion> {
        self.state.read().lakes[table].clone()
    }

    /// Where the lake lies.
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn lake_dir(&self, table: Table) -> Arc<PathBuf> {
        self.lake_dirs[table].clone()
    }

    /// What is flushed: readings, statistics, how far these are computed, and the seq the lake reaches.
    pub fn flushed_state(&self) -> (Arc<LakeVersion>, Arc<LakeVersion>, Computed, u64) {
        let state = self.state.read();
        let lake = |table| state.lakes[table].clone();
        (lake(Table::Readings), lake(Table::Statistics), state.computed.clone(), state.flushed)
    }

    /// What queries keep of the files of all tables.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// Windows that ended by this time have their statistics, as far as rows are flushed.
    pub fn sealed(&self) -> i64 {
        self.state.read().computed.sealed
    }

    /// Files of the lake were replaced by others with those of their rows that stay. Only whoever holds the Delta table may say so.
    pub fn replaced(&self, table: Table, version: u64, gone: &[Arc<LakeFile>], new: Vec<LakeFile>) {
        let mut state = self.state.write();
        state.lakes[table] = Arc::new(state.lakes[table].replacing(version, gone, new));
    }

    /// The lake turned out to be at another version with the same rows.
    pub fn adopt(&self, table: Table, lake: LakeVersion) {
        self.state.write().lakes[table] = Arc::new(lake);
    }

    /// Statistics take every row up to `seq` into account, in windows that ended by `sealed`.
    pub fn computed(&self, lake: Option<LakeVersion>, seq: u64, sealed: i64) {
        let mut state = self.state.write();
        if let Some(lake) = lake {
            state.lakes[Table::Statistics] = Arc::new(lake);
        }
        state.computed = std::mem::take(&mut state.computed).advanced(seq, sealed);
    }

    /// What a failed flush left aside, if anything.
    pub fn frozen(&self) -> Option<Arc<Frozen>> {
        self.state.read().frozen.clone()
    }

    /// Puts the active memtable aside for flushing; `None` when it is empty. Nothing may be aside already.
    pub fn freeze(&self) -> Option<Arc<Frozen>> {
        let state = &mut *self.state.write();
        if state.is_empty() {
            return None;
        }
        let days = std::mem::take(&mut state.active).into_days();
        let frozen = Arc::new(Frozen {
            watermarks: state.watermarks.clone(),
            late_days: std::mem::take(&mut state.late_days),
            keyed: std::mem::take(&mut state.keyed),
            last_seq: state.last_seq,
            days,
        });
        for (day, runs) in &frozen.days {
            runs.iter().for_each(|run| state.watermarks.advance(*day, run));
        }
        state.frozen = Some(frozen.clone());
        Some(frozen)
    }

    /// The frozen rows, up to `seq`, are in the lake now: from this instant they are read there, and statistics of what
    /// they touched are not.
    pub fn flushed(&self, lakes: PerTable<Option<LakeVersion>>, seq: u64, touched: Touched) {
        let mut state = self.state.write();
        for (table, lake) in lakes.into_pairs() {
            if let Some(lake) = lake {
                state.lakes[table] = Arc::new(lake);
            }
        }
        state.frozen = None;
        state.flushed = seq;
        state.computed = std::mem::take(&mut state.computed).with_stale(seq, touched);
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.active.is_empty() && Table::KEYED.iter().all(|table| self.keyed[*table].is_empty())
    }
}
