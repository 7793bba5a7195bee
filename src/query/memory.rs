//! Memory of queries: one pool for all of them, and of it a share for each.
//!
//! Operators that can spill do so when either is spent; the others end their query, and the error names the key of the
//! configuration that decides.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};

/// What begins the message of a query that found the memory of all queries taken.
pub const POOL_TAKEN: &str = "other queries hold the memory that all queries share";

/// The memory of one query: never more than its share, and never more than is left of the pool.
#[derive(Debug)]
pub struct Share {
    pool: Arc<dyn MemoryPool>,
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
}

impl Share {
    /// At most `limit` bytes of `pool`.
    pub fn new(pool: Arc<dyn MemoryPool>, limit: usize) -> Self {
        Self { pool, limit, used: AtomicUsize::new(0), peak: AtomicUsize::new(0) }
    }

    /// The most that was reserved at any time, bytes.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    fn grown_to(&self, used: usize) {
        self.peak.fetch_max(used, Ordering::Relaxed);
    }
}

impl MemoryPool for Share {
    fn name(&self) -> &str {
        "share"
    }

    /// For what an operator holds already, whether it may or not.
    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.grown_to(self.used.fetch_add(additional, Ordering::Relaxed) + additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let fits = |used: usize| used.checked_add(additional).filter(|used| *used <= self.limit);
        let before = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        let Ok(before) = before else { return Err(DataFusionError::ResourcesExhausted(self.spent())) };
        if self.pool.try_grow(reservation, additional).is_err() {
            self.used.fetch_sub(additional, Ordering::Relaxed);
            return Err(DataFusionError::ResourcesExhausted(taken()));
        }
        self.grown_to(before + additional);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl Share {
    fn spent(&self) -> String {
        let megabytes = self.limit as f64 / 1e6;
        format!(
            "the query needs more memory than the {megabytes:.1} MB one query may use (limits.query_share); \
             narrow its time range or streams"
        )
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
