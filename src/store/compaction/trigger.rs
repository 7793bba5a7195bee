//! Trigger that wakes the compactor before its interval when flushes add many files.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Number of files added by flushes that wakes the compactor.
const TRIGGER_FILES: usize = 2048;

/// Counts files that flushes add.
#[derive(Debug, Default)]
pub struct CompactionTrigger {
    /// Files added since the compactor last checked.
    files: AtomicUsize,
    reached: Notify,
}

impl CompactionTrigger {
    /// Counts files that a flush has added.
    pub fn add(&self, files: usize) {
        if self.files.fetch_add(files, Ordering::AcqRel) + files >= TRIGGER_FILES {
            self.reached.notify_one();
        }
    }

    /// Starts to count again: the compactor is about to check all files.
    pub fn reset(&self) {
        self.files.store(0, Ordering::Release);
    }

    /// Waits until there are enough files.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }
}
