//! Memory pool of one query: a bounded share of the pool of all queries.
//!
//! When either is exhausted, operators that can spill do so; others fail the query with an error that names the
//! configuration key. Within a share, spillable operators get equal parts: otherwise the first of two sorts takes
//! everything and the second cannot start.

use std::fmt;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use parking_lot::Mutex;

/// Start of the error message when the pool of all queries is exhausted.
pub const POOL_EXHAUSTED: &str = "other queries hold the memory that all queries share";

/// One part in this many of a share is reserved for unspillable operators, such as the merge of sorted streams: the
/// operators that feed them would otherwise take everything.
const UNSPILLABLE_RESERVE_DIVISOR: usize = 4;
/// Each spillable operator may reserve one part in this many of its share, however many operators there are. A sort
/// fails when it cannot reserve its merge memory, which is no larger than this.
pub const MIN_PART_DIVISOR: usize = 32;
/// DataFusion's consumer name for the merge memory of a sort. It cannot spill, but merges in several passes when
/// refused.
const SORT_MERGE_CONSUMER: &str = "ExternalSorterMerge";

/// The memory of one query: bounded by its share and by what is left of the common pool.
#[derive(Debug)]
pub struct QueryMemoryPool {
    pool: Arc<dyn MemoryPool>,
    limit: usize,
    usage: Mutex<PoolUsage>,
}

#[derive(Debug, Default)]
struct PoolUsage {
    /// Number of spillable operators, and the bytes they have reserved.
    spillable_consumers: usize,
    spillable_bytes: usize,
    /// Bytes reserved by all other operators.
    unspillable_bytes: usize,
    peak: usize,
}

impl PoolUsage {
    fn bytes_of(&mut self, consumer: &MemoryConsumer) -> &mut usize {
        if is_spillable(consumer) { &mut self.spillable_bytes } else { &mut self.unspillable_bytes }
    }

    fn add(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        *self.bytes_of(consumer) += bytes;
        self.peak = self.peak.max(self.spillable_bytes + self.unspillable_bytes);
    }

    /// Whether a reservation may grow by `additional` bytes.
    fn fits(&self, limit: usize, reservation: &MemoryReservation, additional: usize) -> bool {
        let is_within = (self.spillable_bytes + self.unspillable_bytes).saturating_add(additional) <= limit;
        let for_yielders =
            limit.saturating_sub(self.unspillable_bytes.max(limit / UNSPILLABLE_RESERVE_DIVISOR));
        let part = (for_yielders / self.spillable_consumers.max(1)).max(limit / MIN_PART_DIVISOR);
        let is_part = reservation.size().saturating_add(additional) <= part;
        is_within && (is_part || !is_spillable(reservation.consumer()))
    }
}

/// Whether an operator can continue with less memory than it requests.
fn is_spillable(consumer: &MemoryConsumer) -> bool {
    consumer.can_spill() || consumer.name().starts_with(SORT_MERGE_CONSUMER)
}

impl QueryMemoryPool {
    /// Creates a share of at most `limit` bytes of `pool`.
    pub fn new(pool: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { pool, limit, usage: Mutex::default() }
    }

    /// Returns the limit of the share, bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the peak of reserved bytes.
    pub fn peak(&self) -> usize {
        self.usage.lock().peak
    }

    /// Whether more than half of the memory of all queries is reserved, some of it by this query: a query that waits
    /// for its reader then gives its memory up.
    pub fn is_needed_by_others(&self) -> bool {
        let half = match self.pool.memory_limit() {
            MemoryLimit::Finite(limit) => limit / 2,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        self.reserved() > 0 && self.pool.reserved() > half
    }

    fn share_exhausted_message(&self) -> String {
        let megabytes = self.limit as f64 / 1e6;
        format!(
            "the query needs more memory than the {megabytes:.1} MB one query may use (limits.query_share); \
             narrow its time range or streams"
        )
    }
}

impl MemoryPool for QueryMemoryPool {
    fn name(&self) -> &str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.usage.lock().spillable_consumers += usize::from(is_spillable(consumer));
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.usage.lock().spillable_consumers -= usize::from(is_spillable(consumer));
        self.pool.unregister(consumer);
    }

    /// Accounts for memory already allocated, even beyond the limit.
    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.usage.lock().add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        *self.usage.lock().bytes_of(reservation.consumer()) -= shrink;
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut usage = self.usage.lock();
        if !usage.fits(self.limit, reservation, additional) {
            return Err(DataFusionError::ResourcesExhausted(self.share_exhausted_message()));
        }
        let taken = |_| DataFusionError::ResourcesExhausted(pool_exhausted_message());
        self.pool.try_grow(reservation, additional).map_err(taken)?;
        usage.add(reservation.consumer(), additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        let usage = self.usage.lock();
        usage.spillable_bytes + usage.unspillable_bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

fn pool_exhausted_message() -> String {
    format!("{POOL_EXHAUSTED} (limits.query_memory); retry later")
}

impl fmt::Display for QueryMemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "share(used: {}, of: {})", self.reserved(), self.limit)
    }
}

#[cfg(test)]
#[path = "memory_pool_tests.rs"]
mod tests;
