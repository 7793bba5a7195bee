//! Resource limits of the query engine.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

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
    /// How queries are divided among the query nodes of a cluster; `None` on a node that has no part in it.
    pub spread: Option<SpreadOptions>,
}

/// Limits of one statement, which may change while the engine runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatementLimits {
    /// Query timeout: how long a statement may run.
    pub timeout: Duration,
    /// Rows of a result.
    pub max_rows: usize,
}

/// How a query node divides queries, and reaches the others.
#[derive(Clone)]
pub struct SpreadOptions {
    /// Whether queries that this node is asked are divided. It runs parts of others' queries in any case.
    pub is_enabled: bool,
    /// A query whose scans have fewer rows runs on one node: sending it would take longer than reading.
    pub min_rows: u64,
    /// This node's listener for tasks, as others reach it.
    pub own_url: Url,
    /// Secret by which nodes prove themselves.
    pub secret: String,
    /// Certificates in PEM that sign those of nodes; those of the public web without.
    pub ca: Option<String>,
}

impl fmt::Debug for SpreadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpreadOptions")
    }
}
