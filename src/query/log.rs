//! Query log: queries, their callers, durations and resources. The table `query_log` shows it.
//!
//! The log lives in memory and is bounded: it contains the newest records of each organization. It contains no
//! statements, since these can contain secrets, but a hash by which equal statements can be recognised.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::guard::interrupt::Interrupt;
use super::memory_pool::QueryMemoryPool;
use super::node_usage::{NodeUsage, RemoteUsage};
use crate::domain::caller::Caller;
use crate::domain::named_enum::named_enum;
use crate::domain::{Kind, Micros, OrgId, Principal};

/// Maximum records of one organization; the oldest is dropped first.
pub const MAX_RECORDS_PER_ORG: usize = 10_000;
/// Maximum records of all organizations together, some 15 MB. Beyond it the organization with the most records loses
/// its oldest, so that nobody loses records to an organization that queries more.
const MAX_RECORDS: usize = 5 * MAX_RECORDS_PER_ORG;

named_enum! {
    /// The interface that a query came from.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Surface {
        /// A statement over HTTP or from a command.
        Sql = "sql",
        /// A statement over PostgreSQL's protocol.
        Postgres = "postgres",
        /// A statement over Arrow Flight SQL.
        Flight = "flight",
        /// A list of readings, or a single reading.
        Values = "values",
        /// A list of statistics, or a single one.
        Statistics = "statistics",
        /// Readings aggregated by time steps.
        Steps = "steps",
        /// A list of messages, or a single one.
        Messages = "messages",
    }
}

/// Record of a finished query.
#[derive(Debug, Clone)]
pub struct QueryRecord {
    pub started_at: Micros,
    /// SHA-256 of the statement, hexadecimal; `None` for lists, which have no text.
    pub text_hash: Option<String>,
    pub surface: Surface,
    pub caller: Caller,
    pub org: OrgId,
    /// Time in the queue.
    pub wait: Duration,
    /// Time of planning and executing, without waiting for the reader.
    pub run: Duration,
    /// Rows sent to the reader.
    pub rows: u64,
    pub files: FileTotals,
    /// Resources that the node that was asked has used.
    own: NodeUsage,
    /// Resources that other nodes have used, which they say after the end.
    remote: Arc<RemoteUsage>,
    /// `ok`, the error kind, or `cancelled`.
    pub outcome: &'static str,
}

impl QueryRecord {
    /// Returns what the query has used on all nodes: the sum of the bytes, and the peak of the node with the highest.
    /// Organizations share files, so not everybody may see these numbers.
    pub fn usage(&self) -> NodeUsage {
        self.own.with(self.remote.total())
    }
}

/// Files of the lake that a query reads or skips, on whichever node: the one that is asked selects them for all.
/// Organizations share files, so not everybody may see these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileTotals {
    pub scanned: u64,
    /// Files of the snapshot that were skipped.
    pub pruned: u64,
}

/// The newest records, by organization.
#[derive(Debug, Default)]
pub struct QueryLog {
    records: Mutex<RecordsByOrg>,
}

#[derive(Debug, Default)]
struct RecordsByOrg {
    by_org: HashMap<OrgId, VecDeque<Arc<QueryRecord>>>,
    /// Records of all organizations.
    count: usize,
}

impl RecordsByOrg {
    fn push(&mut self, record: QueryRecord) {
        let org = record.org;
        let records = self.by_org.entry(org).or_default();
        records.push_back(Arc::new(record));
        self.count += 1;
        if records.len() > MAX_RECORDS_PER_ORG {
            self.drop_oldest(org);
        }
        if self.count > MAX_RECORDS
            && let Some(org) =
                self.by_org.iter().max_by_key(|(_, records)| records.len()).map(|(org, _)| *org)
        {
            self.drop_oldest(org);
        }
    }

    fn drop_oldest(&mut self, org: OrgId) {
        if self.by_org.get_mut(&org).and_then(VecDeque::pop_front).is_some() {
            self.count -= 1;
        }
    }
}

impl QueryLog {
    fn push(&self, record: QueryRecord) {
        self.records.lock().push(record);
    }

    /// Returns the records that the principal may see, oldest first: those of its organization, or for a restricted
    /// principal only its own.
    pub fn visible(&self, who: &Principal) -> Vec<Arc<QueryRecord>> {
        let sees = |r: &&Arc<QueryRecord>| !who.is_restricted() || r.caller == who.caller;
        self.records.lock().by_org.get(&who.org).into_iter().flatten().filter(sees).cloned().collect()
    }
}

/// Counts bytes and files that a query reads; shared by its scans.
#[derive(Debug, Default)]
pub struct ScanMetrics {
    bytes: AtomicU64,
    files: AtomicU64,
    files_in_snapshot: AtomicU64,
}

impl ScanMetrics {
    /// Adds bytes of a file as stored; cached pages of small reads count too.
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds the files of the snapshot that a scan starts from.
    pub fn add_files_in_snapshot(&self, files: usize) {
        self.files_in_snapshot.fetch_add(files as u64, Ordering::Relaxed);
    }

    /// Adds the files that a scan will read.
    pub fn add_files_scanned(&self, files: usize) {
        self.files.fetch_add(files as u64, Ordering::Relaxed);
    }

    fn file_totals(&self) -> FileTotals {
        let scanned = self.files.load(Ordering::Relaxed);
        let pruned = self.files_in_snapshot.load(Ordering::Relaxed).saturating_sub(scanned);
        FileTotals { scanned, pruned }
    }
}

/// Origin of a query: caller, statement hash and start time.
#[derive(Debug)]
pub struct QueryInfo {
    pub started_at: Micros,
    pub text_hash: Option<String>,
    /// The statement, shortened; it is forgotten when the query ends.
    pub text: Option<Box<str>>,
    pub surface: Surface,
    pub caller: Caller,
    pub org: OrgId,
}

/// Tracks a running query. Its record is written once: when the query ends, or as `cancelled` when the last reference
/// is dropped.
#[derive(Debug)]
pub struct QueryTracker {
    /// Identifies the query while it runs.
    pub id: Uuid,
    log: Arc<QueryLog>,
    begun: Instant,
    asked: QueryInfo,
    pub scan_metrics: Arc<ScanMetrics>,
    pub memory_pool: Arc<QueryMemoryPool>,
    /// Resources that the query has used on other nodes; they count after the record is written, too.
    pub remote_usage: Arc<RemoteUsage>,
    pub interrupt: Arc<Interrupt>,
    /// Cancelled when somebody other than its reader ends the query.
    pub cancellation: CancellationToken,
    wait_us: AtomicU64,
    run_us: AtomicU64,
    rows: AtomicUsize,
    is_written: AtomicBool,
}

impl QueryTracker {
    /// Starts to track a query: it gets its id, and `share` as its memory. Its record goes to `log`.
    pub fn new(log: Arc<QueryLog>, info: QueryInfo, share: QueryMemoryPool) -> Self {
        Self {
            id: Uuid::new_v4(),
            log,
            begun: Instant::now(),
            asked: info,
            scan_metrics: Arc::default(),
            memory_pool: Arc::new(share),
            remote_usage: Arc::default(),
            interrupt: Arc::default(),
            cancellation: CancellationToken::new(),
            wait_us: AtomicU64::new(0),
            run_us: AtomicU64::new(0),
            rows: AtomicUsize::new(0),
            is_written: AtomicBool::new(false),
        }
    }

    /// Returns the organization of the caller.
    pub fn org(&self) -> OrgId {
        self.asked.org
    }

    /// Returns who asked what.
    pub fn asked(&self) -> &QueryInfo {
        &self.asked
    }

    /// Returns the time since the query arrived, waiting included.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Returns what the query has used on this node so far.
    pub fn usage(&self) -> NodeUsage {
        NodeUsage {
            bytes: self.scan_metrics.bytes.load(Ordering::Relaxed),
            peak_memory: self.memory_pool.peak() as u64,
        }
    }

    /// Returns the rows sent to the reader so far.
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Whether the query has ended.
    pub fn is_finished(&self) -> bool {
        self.is_written.load(Ordering::Acquire)
    }

    /// Ends the query as if its reader had left, but with an error for the reader.
    pub fn cancel(&self) {
        // First, so that an interrupted operator is known to have been cancelled.
        self.cancellation.cancel();
        self.interrupt.cancel();
    }

    /// Counts waiting time until the stopwatch is dropped.
    pub fn time_waiting(&self) -> Stopwatch<'_> {
        Stopwatch { total_us: &self.wait_us, since: Instant::now() }
    }

    /// Counts running time until the stopwatch is dropped.
    pub fn time_running(&self) -> Stopwatch<'_> {
        Stopwatch { total_us: &self.run_us, since: Instant::now() }
    }

    /// Returns the running time so far.
    pub fn run_time(&self) -> Duration {
        Duration::from_micros(self.run_us.load(Ordering::Relaxed))
    }

    /// Counts rows of the result and returns their new total.
    pub fn add_rows(&self, rows: usize) -> usize {
        self.rows.fetch_add(rows, Ordering::Relaxed) + rows
    }

    /// Records the query as successful.
    pub fn finish(&self) {
        self.write("ok");
    }

    /// Records the query as failed.
    pub fn fail(&self, kind: Kind) {
        self.write(kind_name(kind));
    }

    /// Records the query as cancelled.
    pub fn end_cancelled(&self) {
        self.write("cancelled");
    }

    /// Suppresses the record: nothing was run.
    pub fn discard(&self) {
        self.is_written.store(true, Ordering::Release);
    }

    fn write(&self, outcome: &'static str) {
        if self.is_written.swap(true, Ordering::AcqRel) {
            return;
        }
        self.log.push(QueryRecord {
            started_at: self.asked.started_at,
            text_hash: self.asked.text_hash.clone(),
            surface: self.asked.surface,
            caller: self.asked.caller,
            org: self.asked.org,
            wait: Duration::from_micros(self.wait_us.load(Ordering::Relaxed)),
            run: self.run_time(),
            rows: self.rows.load(Ordering::Relaxed) as u64,
            files: self.scan_metrics.file_totals(),
            own: self.usage(),
            remote: self.remote_usage.clone(),
            outcome,
        });
    }
}

impl Drop for QueryTracker {
    fn drop(&mut self) {
        self.end_cancelled();
    }
}

/// A stopwatch that adds its time on drop, so that cancelled queries count as well.
pub struct Stopwatch<'a> {
    total_us: &'a AtomicU64,
    since: Instant,
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let us = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.total_us.fetch_add(us, Ordering::Relaxed);
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "invalid",
        Kind::Unauthenticated => "unauthenticated",
        Kind::Forbidden => "forbidden",
        Kind::NotFound => "not_found",
        Kind::Conflict => "conflict",
        Kind::Gone => "gone",
        Kind::LimitReached => "limit_reached",
        Kind::TooLarge => "too_large",
        Kind::Busy => "busy",
        Kind::Throttled => "throttled",
        Kind::Timeout => "timeout",
        Kind::DeviceFault => "device_fault",
        Kind::Unavailable => "unavailable",
        Kind::Internal => "internal",
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
