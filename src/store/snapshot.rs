//! Snapshot: the version of the lake and the rows in memory that one query sees.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::lake::LakeVersion;
use super::lake::cache::LakeCache;
use super::lake::location::LakeLocation;
use super::memtable::run::Run;
use super::message_counts::index::CountsVersion;
use super::replica::knowledge::OwnerKnowledge;
use super::statistics::materialization::Materialization;
use super::table::PerTable;
use super::upsert_rows::UpsertRows;
use crate::domain::retention::RetentionBounds;
use crate::domain::time::Day;

/// A pinned view of lake and memory. Holding it keeps its runs alive and blocks nothing.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The lake version of `readings`.
    pub lake: Arc<LakeVersion>,
    /// Directory of the files of readings.
    pub lake_dir: Arc<PathBuf>,
    /// Location of all tables, with the object store that reads them.
    pub location: LakeLocation,
    /// Cache of footers and pages for the files of all tables.
    pub cache: Arc<LakeCache>,
    pub memory: BTreeMap<Day, MemtableDay>,
    /// Every acknowledged write up to this seq is in the snapshot.
    pub seq: u64,
    /// Every row up to this seq is in the files of its table, and no later one is.
    pub flushed_seq: u64,
    /// `statistics`, its hours and `messages`; the entry for readings is empty.
    pub upsert_tables: PerTable<UpsertSnapshot>,
    /// Kept counts of messages, of no row that is not in this snapshot.
    pub message_counts: Arc<CountsVersion>,
    /// How far the statistics cover the readings of this snapshot.
    pub materialization: Materialization,
    /// How far the hourly statistics do.
    pub hours: Materialization,
    /// Retention bounds of each stream, taken no earlier than the rows.
    pub retention_bounds: Arc<RetentionBounds>,
    /// Knowledge that only the owner of the lake has; `None` in the process that is the owner.
    pub owner: Option<Arc<OwnerKnowledge>>,
}

/// The unflushed rows of a day, oldest run first.
#[derive(Debug, Clone, Default)]
pub struct MemtableDay {
    pub runs: Vec<Run>,
    /// Whether a row here can share its key with a row of the lake.
    pub is_late: bool,
}

/// The files and unflushed rows of a keyed table.
#[derive(Debug, Clone, Default)]
pub struct UpsertSnapshot {
    pub lake: Arc<LakeVersion>,
    /// Directory of its files.
    pub lake_dir: Arc<PathBuf>,
    /// Unflushed rows by day, oldest first; any of them can share its key with a row in the lake.
    pub memory: BTreeMap<Day, Vec<UpsertRows>>,
}
