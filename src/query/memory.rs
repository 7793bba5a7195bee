//! Memory of queries: one pool for all of them, and of it a share for each.
//!
//! Operators that can spill do so when either is spent; the others end their query, and the error names the key of the
//! configuration that decides. Within a share the operators that can spill get equal parts: else the first of two sorts
//! takes everything and the second cannot even begin.

use std::fmt;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use parking_lot::Mutex;

/// What begins the message of a query that found the memory of all queries taken.
pub const POOL_TAKEN: &str = "other queries hold the memory that all queries share";

/// What operators that cannot spill find free at least, of a share: merging sorted streams is one of them, and those
/// that feed it would hold all there is.
const KEPT_FREE: usize = 4;

/// The memory of one query: never more than its share, and never more than is left of the pool.
#[derive(Debug)]
pub struct Share {
    pool: Arc<dyn MemoryPool>,
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Operators that can spill.
    spillers: usize,
    spillable: usize,
    unspillable: usize,
    peak: usize,
}

impl Held {
    fn of(&mut self, can_spill: bool) -> &mut usize {
        if can_spill { &mut self.spillable } else { &mut self.unspillable }
    }

    fn add(&mut self, can_spill: bool, bytes: usize) {
        *self.of(can_spill) += bytes;
        self.peak = self.peak.max(self.spillable + self.unspillable);
    }

    /// Whether a reservation may grow to `bytes` by `additional`.
    fn fits(&self, limit: usize, can_spill: bool, bytes: usize, additional: usize) -> bool {
        let is_within = self.spillable + self.unspillable + additional <= limit;
        let for_spillers = limit - self.unspillable.max(limit / KEPT_FREE).min(limit);
        is_within && (!can_spill || bytes <= for_spillers / self.spillers.max(1))
    }
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
        self.held.lock().spillers += usize::from(consumer.can_spill());
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.held.lock().spillers -= usize::from(consumer.can_spill());
        self.pool.unregister(consumer);
    }

    /// For what an operator holds already, whether it may or not.
    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.held.lock().add(reservation.consumer().can_spill(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        *self.held.lock().of(reservation.consumer().can_spill()) -= shrink;
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let can_spill = reservation.consumer().can_spill();
        let bytes = reservation.size().saturating_add(additional);
        let mut held = self.held.lock();
        if !held.fits(self.limit, can_spill, bytes, additional) {
            return Err(DataFusionError::ResourcesExhausted(self.spent()));
        }
        let taken = |_| DataFusionError::ResourcesExhausted(taken());
        self.pool.try_grow(reservation, additional).map_err(taken)?;
        held.add(can_spill, additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        let held = self.held.lock();
        held.spillable + held.unspillable
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
