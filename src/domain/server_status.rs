//! State of a server: version, uptime, disk, log, lake, memory and connections.

use std::time::Duration;

use super::Micros;
use super::memory_usage::MemoryUsage;

/// State that `GET /api/system/` shows.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemStatus {
    /// Version of the program.
    pub version: &'static str,
    /// Time of the start.
    pub started_at: Micros,
    /// Time since the start.
    pub uptime: Duration,
    /// The principal's organization.
    pub organization: OrganizationUsage,
    /// The whole process; `None` for principals who do not see the host.
    pub server: Option<ServerStatus>,
}

/// Counts of an organization, as far as the principal sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationUsage {
    /// Devices that the principal sees.
    pub devices: usize,
    /// Streams that the principal sees.
    pub streams: usize,
    /// Queries that the principal sees and that wait or run.
    pub running_queries: usize,
    /// Its share of the lake files, bytes; `None` for restricted principals.
    pub lake_bytes: Option<u64>,
}

/// Facts of the whole process, of all organizations together.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerStatus {
    /// Space of the data directory's file system; `None` while that does not answer.
    pub disk: Option<DiskSpace>,
    /// Log, memtable and lake.
    pub store: StoreStatus,
    /// Memory and its limits.
    pub memory: MemoryStatus,
    /// By name of the listener.
    pub connections: Vec<ListenerConnections>,
    /// Certificates of listeners that are read from files.
    pub certificates: Vec<CertificateStatus>,
    /// Queries that run, without those in the queue.
    pub running_queries: usize,
}

/// Memory of the process and the limits on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryStatus {
    /// Resident memory; `None` where the operating system does not state it.
    pub resident_bytes: Option<usize>,
    /// Resident memory above which large bodies are refused.
    pub large_body_limit_bytes: usize,
    /// Limit of the address space; `None` without one.
    pub address_space_limit_bytes: Option<u64>,
    /// Budgets of each kind of work.
    pub budgets: Vec<MemoryUsage>,
}

/// Connections of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerConnections {
    /// A word of a closed set, such as `http`.
    pub listener: &'static str,
    /// Connections that are open now.
    pub open: usize,
    /// Connections that may be open at most.
    pub limit: usize,
}

/// A certificate of listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateStatus {
    /// The section of the configuration that names its files: `http` or `mqtt`.
    pub name: &'static str,
    /// Time from which clients refuse it.
    pub expires_at: Micros,
}

/// Space of a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Size of the file system.
    pub total: u64,
    /// Used bytes, by this process or by others.
    pub used: u64,
    /// Bytes that an unprivileged process can still write; the rest is reserved.
    pub free: u64,
}

/// Size and lag of a store, of all organizations together.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreStatus {
    /// Bytes of the files of the write-ahead log.
    pub log_bytes: u64,
    /// Number of files of the write-ahead log.
    pub log_segments: u64,
    /// How far the clock is ahead of the time expected, seconds, while retention removes nothing for that reason; else 0.
    pub clock_ahead_s: f64,
    /// Rows that are not in the lake yet.
    pub memtable: MemtableStatus,
    /// Files of each table of the lake.
    pub lake: Vec<LakeStatus>,
}

/// Rows in memory that are not in the lake yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemtableStatus {
    /// Readings that wait for a flush; those of a running flush are not counted.
    pub readings: u64,
    /// Memory of the rows, bytes.
    pub used_bytes: u64,
    /// Memory that the rows may take, bytes.
    pub limit_bytes: u64,
    /// Age of the oldest row that is not in the lake, seconds; 0 when all are.
    pub flush_lag_s: f64,
}

/// Files of one table of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LakeStatus {
    /// Name of the table.
    pub table: &'static str,
    /// Files of the current version.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Rows of these files, including rows that later ones overwrite.
    pub rows: u64,
    /// Days with a file.
    pub days: u64,
    /// Files above one a day, which wait for a merge or for the end of their day.
    pub merge_lag_files: u64,
}
