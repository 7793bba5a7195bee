//! Types of the schema for the server itself and the queries that run in it.

use async_graphql::{Object, SimpleObject};

use crate::api::graphql::errors::UserError;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::running_query;
use crate::domain::server_status::{self, DiskSpace, LakeStatus, MemoryStatus, OrganizationUsage};

fn small(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// The state of the server.
pub struct SystemStatus(pub server_status::SystemStatus);

object! {
    #[Object]
    /// This server: what runs, and how much it holds. Facts of the whole server are for those who see the machine.
    impl SystemStatus(self) {
        /// Version of the program that runs.
        version: &'static str = self.0.version;
        /// Time at which the server started.
        started_at: DateTime = DateTime(self.0.started_at);
        /// Time since the server started, in seconds.
        uptime_seconds: f64 = self.0.uptime.as_secs_f64();
        /// Usage of the caller's organization, as far as the caller sees it.
        organization: Organization = Organization(self.0.organization.clone());
        /// Facts of the whole server; null unless the caller is an unrestricted one of the default organization.
        server: Option<ServerStatus<'_>> = self.0.server.as_ref().map(ServerStatus);
    }
}

/// Usage of an organization, as far as the caller sees it.
pub struct Organization(pub OrganizationUsage);

object! {
    #[Object(name = "OrganizationUsage")]
    /// Usage of an organization, as far as the caller sees it.
    impl Organization(self) {
        /// Number of devices that the caller sees.
        devices: i32 = small(self.0.devices);
        /// Number of streams that the caller sees.
        streams: i32 = small(self.0.streams);
        /// Number of running queries that the caller sees.
        running_queries: i32 = small(self.0.running_queries);
        /// Bytes of the organization's share of the lake files; null for a restricted caller.
        lake_bytes: Option<BigInt> = self.0.lake_bytes.map(BigInt::saturating);
    }
}

/// Facts of the whole server.
pub struct ServerStatus<'a>(&'a server_status::ServerStatus);

/// Facts of the whole server, of all organizations together.
#[Object]
impl ServerStatus<'_> {
    /// The file system of the data directory; null while it does not answer.
    async fn disk(&self) -> Option<DiskUsage> {
        let DiskSpace { total, used, free } = self.0.disk?;
        Some(DiskUsage {
            total_bytes: BigInt::saturating(total),
            used_bytes: BigInt::saturating(used),
            free_bytes: BigInt::saturating(free),
        })
    }

    /// The write-ahead log of accepted rows.
    async fn log(&self) -> LogUsage {
        let store = &self.0.store;
        LogUsage { bytes: BigInt::saturating(store.log_bytes), segments: small(store.log_segments) }
    }

    /// Rows in memory that are not in the lake yet.
    async fn memtable(&self) -> MemtableUsage {
        let memtable = &self.0.store.memtable;
        MemtableUsage {
            readings: BigInt::saturating(memtable.readings),
            used_bytes: BigInt::saturating(memtable.used_bytes),
            limit_bytes: BigInt::saturating(memtable.limit_bytes),
            flush_lag_seconds: memtable.flush_lag_s,
        }
    }

    /// The files of the lake, by table.
    async fn lake(&self) -> Vec<LakeUsage> {
        self.0.store.lake.iter().copied().map(LakeUsage).collect()
    }

    /// Memory of the process and its limits.
    async fn memory(&self) -> ServerMemory {
        (&self.0.memory).into()
    }

    /// Open connections of each listener.
    async fn connections(&self) -> Vec<ListenerConnections> {
        let listeners = self.0.connections.iter();
        let of = |one: &server_status::ListenerConnections| ListenerConnections {
            listener: one.listener,
            open: small(one.open),
            limit: small(one.limit),
        };
        listeners.map(of).collect()
    }

    /// Number of queries that run, of all organizations.
    async fn running_queries(&self) -> i32 {
        small(self.0.running_queries)
    }

    /// Seconds that the server's clock is ahead while retention removes nothing for that reason; else 0.
    async fn clock_ahead_seconds(&self) -> f64 {
        self.0.store.clock_ahead_s
    }
}

/// Space of the file system of the data directory.
#[derive(SimpleObject)]
pub struct DiskUsage {
    /// Size of the file system in bytes.
    total_bytes: BigInt,
    /// Bytes of the file system that are taken, by this server or by others.
    used_bytes: BigInt,
    /// Bytes that this server can still write.
    free_bytes: BigInt,
}

/// Size of the write-ahead log.
#[derive(SimpleObject)]
pub struct LogUsage {
    /// Bytes of the files of the log.
    bytes: BigInt,
    /// Number of files of the log.
    segments: i32,
}

/// Rows in memory that are not in the lake yet.
#[derive(SimpleObject)]
pub struct MemtableUsage {
    /// Number of readings that wait for a flush; those of a running flush are not counted.
    readings: BigInt,
    /// Bytes of memory that the rows take.
    used_bytes: BigInt,
    /// Bytes of memory that the rows may take; past it writers wait.
    limit_bytes: BigInt,
    /// Age of the oldest row that is not in the lake yet, in seconds; 0 when every row is.
    flush_lag_seconds: f64,
}

/// Files of one table of the lake.
pub struct LakeUsage(pub LakeStatus);

object! {
    #[Object]
    /// Files of one table of the lake.
    impl LakeUsage(self) {
        /// Name of the table: `readings`, `statistics`, `messages` or `statistics_hourly`.
        table: &'static str = self.0.table;
        /// Number of files of the current version.
        files: i32 = small(self.0.files);
        /// Bytes of the files of the current version.
        bytes: BigInt = BigInt::saturating(self.0.bytes);
        /// Rows of the files, including rows that later ones overwrite.
        rows: BigInt = BigInt::saturating(self.0.rows);
        /// Number of days with a file.
        days: i32 = small(self.0.days);
        /// Files above one a day, which wait for a merge or for the end of their day.
        merge_lag_files: i32 = small(self.0.merge_lag_files);
    }
}

/// Memory of the process and the limits on it.
#[derive(SimpleObject)]
pub struct ServerMemory {
    /// Resident memory of the process in bytes; null where the operating system does not say.
    resident_bytes: Option<BigInt>,
    /// Resident memory above which large request bodies are refused, in bytes.
    large_body_limit_bytes: BigInt,
    /// Limit of the process's address space in bytes; null without one.
    address_space_limit_bytes: Option<BigInt>,
    /// Budgets that bound the memory of each kind of work.
    budgets: Vec<MemoryBudget>,
}

impl From<&MemoryStatus> for ServerMemory {
    fn from(memory: &MemoryStatus) -> Self {
        let budget = |usage: &MemoryUsage| MemoryBudget {
            budget: usage.budget,
            used_bytes: BigInt::saturating(usage.used_bytes),
            limit_bytes: BigInt::saturating(usage.limit_bytes),
        };
        Self {
            resident_bytes: memory.resident_bytes.map(BigInt::saturating),
            large_body_limit_bytes: BigInt::saturating(memory.large_body_limit_bytes),
            address_space_limit_bytes: memory.address_space_limit_bytes.map(BigInt::saturating),
            budgets: memory.budgets.iter().map(budget).collect(),
        }
    }
}

/// Memory reserved for one kind of work, and its limit.
#[derive(SimpleObject)]
pub struct MemoryBudget {
    /// Name of the budget, such as `queries`.
    budget: &'static str,
    /// Bytes that are reserved now.
    used_bytes: BigInt,
    /// Bytes that may be reserved at most.
    limit_bytes: BigInt,
}

/// Open connections of one listener.
#[derive(SimpleObject)]
pub struct ListenerConnections {
    /// Name of the listener: `http`, `pg`, `flight`, `mqtt`, `onpremise` or `opensynaptic`.
    listener: &'static str,
    /// Number of connections that are open now.
    open: i32,
    /// Number of connections that may be open at most.
    limit: i32,
}

/// A query that waits or runs now.
pub struct RunningQuery(pub running_query::RunningQuery);

object! {
    #[Object]
    /// A query that waits or runs now: a statement, or the readings behind a list.
    impl RunningQuery(self) {
        /// UUID of the query, for `cancelQuery`.
        id: String = self.0.id.to_string();
        /// Caller that asked, such as `key:3`.
        caller: String = self.0.caller.to_string();
        /// Interface that it came from: `sql`, `postgres`, `flight`, `values`, `statistics`, `steps` or `messages`.
        surface: &'static str = self.0.surface;
        /// Time at which the query arrived.
        started_at: DateTime = DateTime(self.0.started_at);
        /// Time since the query arrived, in milliseconds.
        elapsed_ms: f64 = self.0.elapsed.as_secs_f64() * 1e3;
        /// Rows of the result that were made so far.
        rows: BigInt = BigInt::saturating(self.0.rows);
        /// Bytes of memory that the query holds; null unless the caller sees the machine.
        memory_bytes: Option<BigInt> = self.0.memory_bytes.map(BigInt::saturating);
        /// Text of the statement, at most 10,000 characters; null for lists, which have none.
        text: Option<&str> = self.0.text.as_deref();
        /// Whether the caller asked it.
        own: bool = self.0.is_own;
    }
}

/// Result of cancelling a query.
#[derive(SimpleObject)]
pub struct CancelQueryPayload {
    /// Whether the query was cancelled.
    pub cancelled: bool,
    /// Errors in the input, each with its field; empty on success.
    pub errors: Vec<UserError>,
}
