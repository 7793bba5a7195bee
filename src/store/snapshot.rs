//! What one query sees: a version of the lake and the rows in memory at one instant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::lake::LakeVersion;
use super::memtable::run::Run;
use crate::domain::time::Day;

/// A pinned view over lake and memory. Holding it keeps its runs alive and nothing else waiting.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub lake: Arc<LakeVersion>,
    /// Where the lake's files lie.
    pub lake_dir: Arc<PathBuf>,
    pub memory: BTreeMap<Day, MemoryDay>,
    /// Every acknowledged write up to this seq is in the snapshot.
    pub seq: u64,
}

/// The unflushed rows of a day, oldest run first.
#[derive(Debug, Clone, Default)]
pub struct MemoryDay {
    pub runs: Vec<Run>,
    /// Whether a row here can share its key with a row of the lake.
    pub is_late: bool,
}
