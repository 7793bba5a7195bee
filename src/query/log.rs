//! The query log: what ran, for whom, how long, and what it took. The table `query_log` shows it.
//!
//! It lives in memory and is bounded: the newest records of each organization. The text of a statement is not kept, since it
//! can hold secrets; its hash tells same from other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::guard::interrupt::Interrupt;
use super::memory::Share;
use crate::domain::principal::Caller;
use crate::domain::{Kind, Micros, OrgId, Principal};

/// Records kept of one organization; the oldest goes first.
pub const RECORDS: usize = 10_000;
/// Records kept of all organizations together, some 15 MB. Past it the organization with the most gives its oldest away, so
/// that nobody loses records to one who asks more than they do.
const ALL_RECORDS: usize = 5 * RECORDS;

/// Where a query came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// A statement over HTTP, or a command.
    Sql,
    /// A statement over PostgreSQL's protocol.
    Postgres,
    /// A statement over Arrow Flight SQL.
    Flight,
    /// A list of readings, or one of them.
    Values,
    /// A list of statistics, or one of them.
    Statistics,
    /// Readings by steps of time.
    Steps,
}

impl Surface {
    pub fn name(self) -> &'static str {
        match self {
            Surface::Sql => "sql",
            Surface::Postgres => "postgres",
            Surface::Flight => "flight",
            Surface::Values => "values",
            Surface::Statistics => "statistics",
            Surface::Steps => "steps",
        }
    }
}

/// A query that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub started_at: Micros,
    /// SHA-256 of the statement, hexadecimal; a list has no text.
    pub text_hash: Option<String>,
    pub surface: Surface,
    pub caller: Caller,
    pub org: OrgId,
    /// In the queue.
    pub wait: Duration,
    /// Planning and executing, without waiting for the reader.
    pub run: Duration,
    /// Rows handed to the reader.
    pub rows: u64,
    pub reads: Reads,
    /// The most memory it had reserved, bytes.
    pub peak_memory: usize,
    /// `ok`, the kind of its error, or `cancelled`.
    pub outcome: &'static str,
}

/// What was read of the lake. Files are shared by organizations: these numbers are not for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads {
    pub bytes: u64,
    pub files: u64,
    /// Files of the snapshot that could be left out.
    pub files_pruned: u64,
}

/// The newest records.
#[derive(Debug, Default)]
pub struct QueryLog {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    of: HashMap<OrgId, VecDeque<Arc<Record>>>,
    /// Of all organizations.
    count: usize,
}

impl Kept {
    fn push(&mut self, record: Record) {
        let org = record.org;
        let records = self.of.entry(org).or_default();
        records.push_back(Arc::new(record));
        self.count += 1;
        if records.len() > RECORDS {
            self.drop_oldest(org);
        }
        if self.count > ALL_RECORDS
            && let Some(org) = self.of.iter().max_by_key(|(_, records)| records.len()).map(|(org, _)| *org)
        {
            self.drop_oldest(org);
        }
    }

    fn drop_oldest(&mut self, org: OrgId) {
        if self.of.get_mut(&org).and_then(VecDeque::pop_front).is_some() {
            self.count -= 1;
        }
    }
}

impl QueryLog {
    fn push(&self, record: Record) {
        self.kept.lock().push(record);
    }

    /// Records the principal may see, oldest first: of its own organization; when it sees only a part of that, its own.
    pub fn visible(&self, who: &Principal) -> Vec<Arc<Record>> {
        let sees = |r: &&Arc<Record>| !who.is_restricted() || r.caller == who.caller;
        self.kept.lock().of.get(&who.org).into_iter().flatten().filter(sees).cloned().collect()
    }
}

/// Counts what a query reads; shared by its scans.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: AtomicU64,
    files: AtomicU64,
    considered: AtomicU64,
}

impl Meter {
    pub fn read_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A scan of a lake of so many files.
    pub fn scan_lake(&self, files: usize) {
        self.considered.fetch_add(files as u64, Ordering::Relaxed);
    }

    /// So many of them are to be read.
    pub fn scan_files(&self, files: usize) {
        self.files.fetch_add(files as u64, Ordering::Relaxed);
    }

    fn reads(&self) -> Reads {
        let files = self.files.load(Ordering::Relaxed);
        Reads {
            bytes: self.bytes.load(Ordering::Relaxed),
            files,
            files_pruned: self.considered.load(Ordering::Relaxed).saturating_sub(files),
        }
    }
}

/// Who asked what, and when.
#[derive(Debug)]
pub struct Asked {
    pub at: Micros,
    pub text_hash: Option<String>,
    pub surface: Surface,
    pub caller: Caller,
    pub org: OrgId,
}

/// A query while it runs. Its record is written once: when it ends, or as `cancelled` when the last who holds it lets go.
#[derive(Debug)]
pub struct Tally {
    log: Arc<QueryLog>,
    asked: Asked,
    pub meter: Arc<Meter>,
    pub share: Arc<Share>,
    pub interrupt: Arc<Interrupt>,
    wait_us: AtomicU64,
    run_us: AtomicU64,
    rows: AtomicUsize,
    is_written: AtomicBool,
}

impl Tally {
    pub fn new(log: Arc<QueryLog>, asked: Asked, share: Share) -> Self {
        Self {
            log,
            asked,
            meter: Arc::default(),
            share: Arc::new(share),
            interrupt: Arc::default(),
            wait_us: AtomicU64::new(0),
            run_us: AtomicU64::new(0),
            rows: AtomicUsize::new(0),
            is_written: AtomicBool::new(false),
        }
    }

    /// Time in the queue counts until the watch is dropped.
    pub fn waiting(&self) -> Watch<'_> {
        Watch { total_us: &self.wait_us, since: Instant::now() }
    }

    /// Time of running counts until the watch is dropped.
    pub fn running(&self) -> Watch<'_> {
        Watch { total_us: &self.run_us, since: Instant::now() }
    }

    /// The time it has run so far.
    pub fn run(&self) -> Duration {
        Duration::from_micros(self.run_us.load(Ordering::Relaxed))
    }

    /// Counts rows of the answer; tells how many there are now.
    pub fn add_rows(&self, rows: usize) -> usize {
        self.rows.fetch_add(rows, Ordering::Relaxed) + rows
    }

    /// It ended well.
    pub fn finish(&self) {
        self.write("ok");
    }

    /// It ended with an error.
    pub fn fail(&self, kind: Kind) {
        self.write(kind_name(kind));
    }

    /// It was no query after all: there is to be no record of it.
    pub fn forget(&self) {
        self.is_written.store(true, Ordering::Release);
    }

    fn write(&self, outcome: &'static str) {
        if self.is_written.swap(true, Ordering::AcqRel) {
            return;
        }
        self.log.push(Record {
            started_at: self.asked.at,
            text_hash: self.asked.text_hash.clone(),
            surface: self.asked.surface,
            caller: self.asked.caller,
            org: self.asked.org,
            wait: Duration::from_micros(self.wait_us.load(Ordering::Relaxed)),
            run: self.run(),
            rows: self.rows.load(Ordering::Relaxed) as u64,
            reads: self.meter.reads(),
            peak_memory: self.share.peak(),
            outcome,
        });
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.write("cancelled");
    }
}

/// A stopwatch that also counts when its holder is cancelled.
pub struct Watch<'a> {
    total_us: &'a AtomicU64,
    since: Instant,
}

impl Drop for Watch<'_> {
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
