//! Resource limits of the query engine.

use std::path::PathBuf;
use std::time::Duration;

/// Resource limits of queries.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    pub timeout: Duration,
    pub max_rows: usize,
    /// Memory of all queries together, bytes.
    pub memory_bytes: usize,
    /// Memory of one query, bytes; a value above `memory_bytes` has no further effect.
    pub share_bytes: usize,
    pub max_running: usize,
    pub max_waiting: usize,
    /// Longest wait for a permit.
    pub queue_deadline: Duration,
    /// Directory where queries that exceed their memory spill.
    pub spill_dir: PathBuf,
}
