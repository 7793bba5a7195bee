//! Memory of queries: one pool for all of them, and of it a share for each.
//!
//! Operators that can spill do so when either is spent; the others end their query, and the error names the key of the
//! configuration that decides. Within a share the operators that can do with less get equal parts: else the first of two
//! sorts takes everything and the second cannot even begin.

use std::fmt;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use parking_lot::Mutex;

/// What begins the message of a query that found the memory of all queries taken.
pub const POOL_TAKEN: &str = "other queries hold the memory that all queries share";

/// One in so many bytes of a share stays free for operators that need what they ask for: merging sorted streams is one
/// of them, and those that feed it would hold all there is.
const KEPT_FREE: usize = 4;
/// However many operators of a query yield, each may have one in so many parts of its share. A sort fails when it cannot
/// set aside what it will merge its runs in, which is no more than this.
pub const SMALLEST_PART: usize = 32;
/// How a sort calls what it merges its spilled runs in. It cannot spill, but merges in several passes when refused.
const MERGE_OF_RUNS: &str = "ExternalSorterMerge";

/// The memory of one query: never more than its share, and never more than is left of the pool.
#[derive(Debug)]
pub struct Share {
    pool: Arc<dyn MemoryPool>,
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Operators that yield, and the bytes they hold.
    yielders: usize,
    yielding: usize,
    /// Bytes of the others.
    firm: usize,
    peak: usize,
}

impl Held {
    fn of(&mut self, consumer: &MemoryConsumer) -> &mut usize {
        if yields(consumer) { &mut self.yielding } else { &mut self.firm }
    }

    fn add(&mut self, consumer: &MemoryConsumer, bytes: usize) {
        *self.of(consumer) += bytes;
        self.peak = self.peak.max(self.yielding + self.firm);
    }

    /// Whether a reservation may grow by so much.
    fn fits(&self, limit: usize, reservation: &MemoryReservation, additional: usize) -> bool {
        let is_within = (self.yielding + self.firm).saturating_add(additional) <= limit;
        let for_yielders = limit.saturating_sub(self.firm.max(limit / KEPT_FREE));
        let part = (for_yielders / self.yielders.max(1)).max(limit / SMALLEST_PART);
        let is_part = reservation.size().saturating_add(additional) <= part;
        is_within && (is_part || !yields(reservation.consumer()))
    }
}

/// Whether an operator goes on with less than it asks for.
fn yields(consumer: &MemoryConsumer) -> bool {
    consumer.can_spill() || consumer.name().starts_with(MERGE_OF_RUNS)
}

impl Share {
    /// At most `limit` bytes of `pool`.
    pub fn new(pool: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { pool, limit, held: Mutex::default() }
    }

    /// The most that was reserved at any time, bytes.
    pub fn peak(&self) -> usize {
        self.held.lock().peak
    }

    /// Whether more than half of the memory of all queries is taken, and a part of that by this one: one that waits for
    /// its reader gives it back then.
    pub fn is_needed_by_others(&self) -> bool {
        let half = match self.pool.memory_limit() {
            MemoryLimit::Finite(limit) => limit / 2,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        self.reserved() > 0 && self.pool.reserved() > half
    }

    fn spent(&self) -> String {
        let megabytes = self.limit as f64 / 1e6;
        format!(
            "the query needs more memory than the {megabytes:.1} MB one query may use (limits.query_share); \
             narrow its time range or streams"
        )
    }
}

impl MemoryPool for Share {
    fn name(&self) -> &str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.held.lock().yielders += usize::from(yields(consumer));
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.held.lock().yielders -= usize::from(yields(consumer));
        self.pool.unregister(consumer);
    }

    /// For what an operator holds already, whether it may or not.
    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.held.lock().add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        *self.held.lock().of(reservation.consumer()) -= shrink;
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held.lock();
        if !held.fits(self.limit, reservation, additional) {
            return Err(DataFusionError::ResourcesExhausted(self.spent()));
        }
        let taken = |_| DataFusionError::ResourcesExhausted(taken());
        self.pool.try_grow(reservation, additional).map_err(taken)?;
        held.add(reservation.consumer(), additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        let held = self.held.lock();
        held.yielding + held.firm
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

fn taken() -> String {
    format!("{POOL_TAKEN} (limits.query_memory); retry later")
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "share(used: {}, of: {})", self.reserved(), self.limit)
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
