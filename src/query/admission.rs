//! Query admission: permits for running queries and a bounded queue with a deadline for waiting ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, Kind, Result};

/// Two queues: one for every query, and one before it for long-running queries. These get at most half of all permits,
/// so that short queries always find some.
#[derive(Debug, Clone)]
pub struct QueryAdmission {
    pub all: AdmissionQueue,
    pub long_running: AdmissionQueue,
}

impl QueryAdmission {
    /// Admits `running` queries at a time and queues `waiting_cap` more in each queue for at most `deadline`.
    pub fn new(running: usize, waiting_cap: usize, deadline: Duration) -> Self {
        let long_running = AdmissionQueue::new(max_long_running(running), waiting_cap, deadline);
        Self { all: AdmissionQueue::new(running, waiting_cap, deadline), long_running }
    }
}

/// Returns how many of `running` concurrent queries may be long-running.
pub fn max_long_running(running: usize) -> usize {
    (running / 2).max(1)
}

/// A semaphore with a bounded queue.
#[derive(Debug, Clone)]
pub struct AdmissionQueue {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    waiting_cap: usize,
    deadline: Duration,
}

impl AdmissionQueue {
    /// Admits `running` queries at a time and queues `waiting_cap` more for at most `deadline`.
    pub fn new(running: usize, waiting_cap: usize, deadline: Duration) -> Self {
        let running = Arc::new(Semaphore::new(running));
        Self { running, waiting: Arc::default(), waiting_cap, deadline }
    }

    /// Returns the number of free permits.
    pub fn available_permits(&self) -> usize {
        self.running.available_permits()
    }

    /// Waits for a permit. Dropping the permit lets the next query run.
    ///
    /// # Errors
    /// `Busy` when the queue is full or the deadline passes.
    pub async fn acquire(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.running.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let place = QueueSlot::reserve(self)?;
        let permit = tokio::time::timeout(self.deadline, self.running.clone().acquire_owned()).await;
        drop(place);
        permit
            .map_err(|_| Error::busy("too many queries are running; retry later"))?
            .map_err(|e| Error::unavailable("the server is shutting down").with_source(e))
    }
}

/// A slot in the queue, released on drop however the wait ends.
struct QueueSlot(Arc<AtomicUsize>);

impl QueueSlot {
    fn reserve(gate: &AdmissionQueue) -> Result<QueueSlot> {
        if gate.waiting.fetch_add(1, Ordering::AcqRel) >= gate.waiting_cap {
            gate.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(Error::new(Kind::Busy, "too many queries are waiting; retry later"));
        }
        Ok(QueueSlot(gate.waiting.clone()))
    }
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
