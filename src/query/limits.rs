//! Who may run now: permits for running queries, a bounded queue with a deadline for waiting ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, Kind, Result};

/// The gates of queries: one of all, and one before it for those that can keep a thread for long. These have at most
/// half of all permits, so that short queries always find some.
#[derive(Debug, Clone)]
pub struct Gates {
    pub all: Gate,
    pub long_running: Gate,
}

impl Gates {
    /// `running` queries at a time, `waiting_cap` more in each queue for at most `deadline`.
    pub fn new(running: usize, waiting_cap: usize, deadline: Duration) -> Self {
        let long_running = Gate::new(long_running_of(running), waiting_cap, deadline);
        Self { all: Gate::new(running, waiting_cap, deadline), long_running }
    }
}

/// How many of so many queries may be long-running.
pub fn long_running_of(running: usize) -> usize {
    (running / 2).max(1)
}

/// The gate every query passes.
#[derive(Debug, Clone)]
pub struct Gate {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    waiting_cap: usize,
    deadline: Duration,
}

impl Gate {
    /// `running` queries at a time, `waiting_cap` more in the queue for at most `deadline`.
    pub fn new(running: usize, waiting_cap: usize, deadline: Duration) -> Self {
        let running = Arc::new(Semaphore::new(running));
        Self { running, waiting: Arc::default(), waiting_cap, deadline }
    }

    /// Permits nobody holds.
    pub fn free(&self) -> usize {
        self.running.available_permits()
    }

    /// Waits for a permit; dropping it lets the next query run.
    ///
    /// # Errors
    /// `Busy` when the queue is full or the deadline passes.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.running.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let place = Place::take(self)?;
        let permit = tokio::time::timeout(self.deadline, self.running.clone().acquire_owned()).await;
        drop(place);
        permit
            .map_err(|_| Error::busy("too many queries are running; retry later"))?
            .map_err(|e| Error::unavailable("the server is shutting down").because(e))
    }
}

/// A place in the queue, given back however the wait ends.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(gate: &Gate) -> Result<Place> {
        if gate.waiting.fetch_add(1, Ordering::AcqRel) >= gate.waiting_cap {
            gate.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(Error::new(Kind::Busy, "too many queries are waiting; retry later"));
        }
        Ok(Place(gate.waiting.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
