//! Change feed: committed records in the order of the write-ahead log, for readers that follow it.
//!
//! The committing thread adds each group to a ring in memory and never waits. A reader that falls behind the ring, or
//! starts at an old position, reads the retained log segments and rejoins the ring where they end. It loses only
//! records that neither holds any more, and is told exactly which. Nothing here is durable: a position is a record
//! number of the log, whose numbering continues after a restart.

pub mod filtered_tail;
pub mod position;
pub mod record_ring;
pub mod retained_log;
pub mod tail;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use super::disk::Disk;
use super::memtable::run::Run;
use record_ring::Ring;
use retained_log::RetainedLog;

/// Maximum readers of log files at the same time, so that many that catch up take neither all threads nor much memory.
const MAX_LOG_READERS: usize = 2;

/// Records `from..=to` that a reader will never receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
}

/// The feed between the committing thread and its readers.
pub struct CommitFeed {
    ring: Mutex<Ring>,
    /// Notified when the ring has grown or was closed.
    grown: watch::Sender<()>,
    retained_log: Arc<RetainedLog>,
    log_reader_permits: Arc<Semaphore>,
}

impl CommitFeed {
    /// Creates the feed over the log in `dir`, whose next record is `next`. The ring holds at most `ring_bytes`.
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf, next: u64, ring_bytes: usize) -> Arc<CommitFeed> {
        Arc::new(CommitFeed {
            ring: Mutex::new(Ring::new(next, ring_bytes)),
            grown: watch::Sender::new(()),
            retained_log: Arc::new(RetainedLog { disk, dir }),
            log_reader_permits: Arc::new(Semaphore::new(MAX_LOG_READERS)),
        })
    }

    /// Returns the rows of a group for `publish`, shared rather than copied; `None` while there are no readers.
    pub fn share(&self, runs: &[(Run, u64)]) -> Option<Vec<Run>> {
        let is_followed = self.ring.lock().readers > 0;
        is_followed.then(|| runs.iter().map(|(run, _)| run.clone()).collect())
    }

    /// Publishes a group of `count` records starting at `first`, which is durable and visible to queries. Without its
    /// rows, readers read it from the log. Never waits for a reader.
    pub fn publish(&self, first: u64, count: usize, runs: Option<Vec<Run>>) {
        let mut ring = self.ring.lock();
        let outrun = ring.push(first, count, runs);
        let is_followed = ring.readers > 0;
        drop(ring);
        if is_followed {
            self.grown.send_replace(());
        }
        // Dropped outside of the lock, so that no reader waits: these may be the last references to their rows.
        drop(outrun);
    }

    /// Ends all readers once they have received everything committed.
    pub fn close(&self) {
        self.ring.lock().is_closed = true;
        self.grown.send_replace(());
    }

    /// Returns the number of the next record.
    pub fn next(&self) -> u64 {
        self.ring.lock().next
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
