//! What one query sees: a version of the lake and the rows in memory at one instant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::keyed::KeyedRows;
use super::lake::LakeVersion;
use super::lake::cache::Cache;
use super::lake::place::Place;
use super::memtable::run::Run;
use super::statistics::computed::Computed;
use super::table::PerTable;
use crate::domain::retention::Kept;
use crate::domain::time::Day;

/// A pinned view over lake and memory. Holding it keeps its runs alive and nothing else waiting.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The readings.
    pub lake: Arc<LakeVersion>,
    /// Where the files of readings lie.
    pub lake_dir: Arc<PathBuf>,
    /// Where all tables lie, and what reads them.
    pub place: Place,
    /// What queries keep of the files of all tables.
    pub cache: Arc<Cache>,
    pub memory: BTreeMap<Day, MemoryDay>,
    /// Every acknowledged write up to this seq is in the snapshot.
    pub seq: u64,
    /// `statistics` and `messages`; that of readings is empty.
    pub keyed: PerTable<KeyedSnapshot>,
    /// How far the statistics take the readings of this snapshot into account.
    pub computed: Computed,
    /// What of each stream is kept, no older than the rows.
    pub kept: Arc<Kept>,
}

/// The unflushed rows of a day, oldest run first.
#[derive(Debug, Clone, Default)]
pub struct MemoryDay {
    pub runs: Vec<Run>,
    /// Whether a row here can share its key with a row of the lake.
    pub is_late: bool,
}

/// A keyed table.
#[derive(Debug, Clone, Default)]
pub struct KeyedSnapshot {
    pub lake: Arc<LakeVersion>,
    /// Where its files lie.
    pub lake_dir: Arc<PathBuf>,
    /// Unflushed rows by day, oldest first; any of them can share its key with a row of the lake.
    pub memory: BTreeMap<Day, Vec<KeyedRows>>,
}
