//! What has been committed, in the order of the write-ahead log, for readers that follow it.
//!
//! The committing thread hands each group to a ring in memory and never waits: a reader that falls behind the ring, or
//! begins with an old position, reads the segments of the log that are kept, and joins the ring again where these end.
//! Only what neither holds any more is lost to it, and it is told exactly what that is. Nothing here is durable: a
//! position is a number in the log, which goes on after a restart.

pub mod follow;
pub mod kept;
pub mod position;
pub mod recent;
pub mod tail;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use super::disk::Disk;
use super::memtable::run::Run;
use kept::KeptLog;
use recent::Ring;

/// Readers that read the log's files at the same time, so that many who catch up take neither all threads nor much memory.
const READING: usize = 2;

/// Records that a reader will never get: `from..=to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
}

/// Where the committing thread and the readers meet.
pub struct Live {
    ring: Mutex<Ring>,
    /// Told when the ring has grown, and when it has closed.
    grown: watch::Sender<()>,
    kept: Arc<KeptLog>,
    turns: Arc<Semaphore>,
}

impl Live {
    /// Over the log in `dir`, whose next record is `next`. The ring holds at most `ring_bytes`.
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf, next: u64, ring_bytes: usize) -> Arc<Live> {
        Arc::new(Live {
            ring: Mutex::new(Ring::new(next, ring_bytes)),
            grown: watch::Sender::new(()),
            kept: Arc::new(KeptLog { disk, dir }),
            turns: Arc::new(Semaphore::new(READING)),
        })
    }

    /// The rows of a group for `publish`, shared, not copied; `None` while nobody follows.
    pub fn share(&self, runs: &[(Run, u64)]) -> Option<Vec<Run>> {
        let is_followed = self.ring.lock().readers > 0;
        is_followed.then(|| runs.iter().map(|(run, _)| run.clone()).collect())
    }

    /// Shows readers a group of `count` records that is durable and visible to queries, the first of them `first`. Without
    /// its rows it is read from the log. Never waits for a reader.
    pub fn publish(&self, first: u64, count: usize, runs: Option<Vec<Run>>) {
        let mut ring = self.ring.lock();
        let outrun = ring.push(first, count, runs);
        let is_followed = ring.readers > 0;
        drop(ring);
        if is_followed {
            self.grown.send_replace(());
        }
        // Here, where no reader waits for the lock: these may be the last to hold their rows.
        drop(outrun);
    }

    /// Ends all readers once they have read what is committed.
    pub fn close(&self) {
        self.ring.lock().is_closed = true;
        self.grown.send_replace(());
    }

    /// The number of the next record.
    pub fn next(&self) -> u64 {
        self.ring.lock().next
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
