//! What readers and the flusher share with the committing thread, under one lock held for moments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use super::lake::LakeVersion;
use super::lake::file::LakeFile;
use super::memtable::run::{self, Run};
use super::memtable::{DayRuns, Memtable};
use super::snapshot::{MemoryDay, Snapshot};
use super::watermark::Watermarks;
use crate::domain::time::Day;

/// Rows on their way into the lake.
#[derive(Debug)]
pub struct Frozen {
    pub days: DayRuns,
    /// The watermarks as they were before these rows: what decides which of them are late.
    pub watermarks: Watermarks,
    late_days: BTreeSet<Day>,
    /// Every row up to this seq is in the lake once these are.
    pub last_seq: u64,
}

#[derive(Debug)]
struct State {
    lake: Arc<LakeVersion>,
    active: Memtable,
    late_days: BTreeSet<Day>,
    frozen: Option<Arc<Frozen>>,
    watermarks: Watermarks,
    last_seq: u64,
}

/// The store's readable state.
#[derive(Debug)]
pub struct Shared {
    state: RwLock<State>,
    lake_dir: Arc<PathBuf>,
}

impl Shared {
    pub fn new(lake: LakeVersion, lake_dir: PathBuf, last_seq: u64) -> Self {
        let watermarks = Watermarks::new(lake.newest_by_day());
        let state = State {
            lake: Arc::new(lake),
            active: Memtable::default(),
            late_days: BTreeSet::new(),
            frozen: None,
            watermarks,
            last_seq,
        };
        Self { state: RwLock::new(state), lake_dir: Arc::new(lake_dir) }
    }

    /// Adds durable requests, in seq order. Small ones of a group are merged into one run first: each row keeps
    /// its own seq.
    pub fn insert(&self, runs: Vec<(Run, u64)>) {
        let Some(last_seq) = runs.last().map(|(_, seq)| *seq) else { return };
        let runs: Vec<Run> = runs.into_iter().map(|(run, _)| run).filter(|run| !run.is_empty()).collect();
        let is_small = runs.iter().all(|run| run.len() < 1024);
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
    }

    /// Rows in the memtable that is being written to.
    pub fn active_rows(&self) -> usize {
        self.state.read().active.rows()
    }

    pub fn last_seq(&self) -> u64 {
        self.state.read().last_seq
    }

    /// Pins lake and memory as they are now.
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
        Snapshot { lake: state.lake.clone(), lake_dir: self.lake_dir.clone(), memory, seq: state.last_seq }
    }

    /// The lake as it is now.
    pub fn lake(&self) -> Arc<LakeVersion> {
        self.state.read().lake.clone()
    }

    pub fn lake_dir(&self) -> Arc<PathBuf> {
        self.lake_dir.clone()
    }

    /// Files of the lake were replaced by others with the same rows. Only whoever holds the Delta table may say so.
    pub fn replaced(&self, version: u64, gone: &[Arc<LakeFile>], new: Vec<LakeFile>) {
        let mut state = self.state.write();
        state.lake = Arc::new(state.lake.replacing(version, gone, new));
    }

    /// The lake turned out to be at another version with the same rows.
    pub fn adopt(&self, lake: LakeVersion) {
        self.state.write().lake = Arc::new(lake);
    }

    /// What a failed flush left aside, if anything.
    pub fn frozen(&self) -> Option<Arc<Frozen>> {
        self.state.read().frozen.clone()
    }

    /// Puts the active memtable aside for flushing; `None` when it is empty. Nothing may be aside already.
    pub fn freeze(&self) -> Option<Arc<Frozen>> {
        let state = &mut *self.state.write();
        if state.active.is_empty() {
            return None;
        }
        let days = std::mem::take(&mut state.active).into_days();
        let frozen = Arc::new(Frozen {
            watermarks: state.watermarks.clone(),
            late_days: std::mem::take(&mut state.late_days),
            last_seq: state.last_seq,
            days,
        });
        for (day, runs) in &frozen.days {
            runs.iter().for_each(|run| state.watermarks.advance(*day, run));
        }
        state.frozen = Some(frozen.clone());
        Some(frozen)
    }

    /// The frozen rows are in `lake` now: from this instant they are read there.
    pub fn flushed(&self, lake: LakeVersion) {
        let mut state = self.state.write();
        state.lake = Arc::new(lake);
        state.frozen = None;
    }
}
