//! Memory budget of rows that are not yet in the lake: the backpressure of ingest. Writers reserve memory before they
//! queue a request, the memtable holds it, and a flush returns it. When the memory is full, a writer waits, and is
//! refused with `Busy` when its time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use crate::domain::{Error, Result};

/// One unit of the budget, bytes.
const UNIT_BYTES: usize = 64;

/// Units held by rows in memory.
#[derive(Debug, Default)]
struct MemtableUnits {
    /// Rows inserted since the last freeze.
    active: usize,
    /// Rows that are being flushed.
    frozen: usize,
}

/// The budget of one store.
pub struct MemoryBudget {
    cap_units: usize,
    /// Units that writers may still take.
    free: Semaphore,
    memtable: Mutex<MemtableUnits>,
    /// Number of writers currently waiting for memory.
    waiting_writers: AtomicUsize,
    /// Notified when rows arrive, and when a writer waits for memory.
    changed: Notify,
}

/// Memory reserved for a request; dropping it returns the memory.
pub struct MemoryPermit {
    units: usize,
    budget: Arc<MemoryBudget>,
}

impl MemoryBudget {
    /// Creates a budget of `cap_bytes`, of which rows already in memory hold `held_bytes`, at most all of it.
    pub fn new(cap_bytes: usize, held_bytes: usize) -> Self {
        let cap_units = cap_bytes / UNIT_BYTES;
        let active = held_bytes.div_ceil(UNIT_BYTES).min(cap_units);
        Self {
            cap_units,
            free: Semaphore::new(cap_units - active),
            memtable: Mutex::new(MemtableUnits { active, frozen: 0 }),
            waiting_writers: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Returns the size of the whole budget.
    pub fn cap_bytes(&self) -> usize {
        self.cap_units * UNIT_BYTES
    }

    /// Reserves memory for a request whose rows take `bytes`, and waits for it at most until `timeout` is over.
    ///
    /// # Errors
    /// `TooLarge` for more than the whole budget; `Busy` after the timeout.
    pub async fn reserve(self: &Arc<Self>, bytes: usize, timeout: Duration) -> Result<MemoryPermit> {
        let units = bytes.div_ceil(UNIT_BYTES) + 1;
        if units > self.cap_units {
            return Err(Error::too_large(format!(
                "the request holds more than the {} MiB that may wait in memory; send it in parts",
                self.cap_bytes() >> 20
            )));
        }
        let permits = u32::try_from(units).expect("the cap is far below 2^32 units");
        self.acquire(permits, timeout).await?;
        Ok(MemoryPermit { units, budget: self.clone() })
    }

    async fn acquire(&self, permits: u32, timeout: Duration) -> Result<()> {
        if let Ok(memory) = self.free.try_acquire_many(permits) {
            memory.forget();
            return Ok(());
        }
        let _waiting = WaitingWriter::new(self);
        let memory = tokio::time::timeout(timeout, self.free.acquire_many(permits)).await;
        let memory = memory.map_err(|_| Error::busy("writes are waiting for the disk; retry later"))?;
        memory.map_err(|e| Error::unavailable("the server is shutting down").with_source(e))?.forget();
        Ok(())
    }

    /// Inserts rows into the active memtable, which from then on holds their memory. Rows and memory change together,
    /// as they do in `freeze`.
    pub fn insert(&self, permits: Vec<MemoryPermit>, insert: impl FnOnce()) {
        let mut memtable = self.memtable.lock();
        insert();
        memtable.active += permits.into_iter().map(MemoryPermit::into_units).sum::<usize>();
        drop(memtable);
        self.changed.notify_one();
    }

    /// Freezes the active memtable together with its memory, if `freeze` finds rows in it.
    pub fn freeze<T>(&self, freeze: impl FnOnce() -> Option<T>) -> Option<T> {
        let mut memtable = self.memtable.lock();
        let frozen = freeze()?;
        memtable.frozen = std::mem::take(&mut memtable.active);
        Some(frozen)
    }

    /// Returns the memory of the frozen rows to the writers.
    pub fn release_frozen(&self) {
        let freed = std::mem::take(&mut self.memtable.lock().frozen);
        self.free.add_permits(freed);
    }

    /// Returns the bytes that requests and the memtable hold.
    pub fn used_bytes(&self) -> usize {
        (self.cap_units - self.free.available_permits()) * UNIT_BYTES
    }

    /// Returns the bytes held by rows inserted since the last freeze.
    pub fn active_bytes(&self) -> usize {
        self.memtable.lock().active * UNIT_BYTES
    }

    /// Whether a writer waits for memory.
    pub fn has_waiting_writers(&self) -> bool {
        self.waiting_writers.load(Ordering::Acquire) > 0
    }

    /// Waits until rows arrive or a writer begins to wait.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl MemoryPermit {
    /// Keeps the reservation beyond the permit, because the rows stay in memory. Returns its units.
    fn into_units(mut self) -> usize {
        std::mem::take(&mut self.units)
    }
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        self.budget.free.add_permits(self.units);
    }
}

/// Registers a writer that waits for memory: the flusher keeps flushing while there is one.
struct WaitingWriter<'a>(&'a MemoryBudget);

impl<'a> WaitingWriter<'a> {
    fn new(budget: &'a MemoryBudget) -> Self {
        budget.waiting_writers.fetch_add(1, Ordering::AcqRel);
        budget.changed.notify_one();
        Self(budget)
    }
}

impl Drop for WaitingWriter<'_> {
    fn drop(&mut self) {
        self.0.waiting_writers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "memory_budget_tests.rs"]
mod tests;
