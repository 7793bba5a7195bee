//! Compaction: small files of a day become one sorted file, late rows are folded in, overwritten rows go.
//!
//! Files that are neighbours in the order of writes are merged; the result carries their highest seq, so the order
//! stays total. Answers never change: a query keeps the version it pinned, and files it pins stay on disk.

pub mod choose;
pub mod merge;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::flush::Flusher;
use super::lake::file::LakeFile;
use crate::domain::time::Day;
use crate::domain::{Error, Result};
use choose::Window;

/// A day counts as settled, and is merged whole, this long after its end.
const SETTLE_US: i64 = 3600 * 1_000_000;

/// When to compact.
#[derive(Debug, Clone)]
pub struct CompactionOptions {
    /// Between looks at the lake.
    pub interval: Duration,
    /// How long replaced files stay, for readers outside that opened them.
    pub keep_removed: Duration,
}

/// The compactor. One merge runs at a time.
pub struct Compactor {
    flusher: Arc<Flusher>,
    options: CompactionOptions,
    /// Replaced files still on disk, with the time they were replaced.
    removed: Mutex<Vec<(Arc<LakeFile>, Instant)>>,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Compactor {
    pub fn new(flusher: Arc<Flusher>, options: CompactionOptions) -> Self {
        Self { flusher, options, removed: Mutex::default(), one_at_a_time: tokio::sync::Mutex::default() }
    }

    /// Compacts in the background until the task is aborted.
    pub async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.options.interval).await;
            if let Err(e) = self.compact(false).await {
                tracing::error!(error = %e, cause = ?e.source, "compaction failed; it is tried again");
            }
        }
    }

    /// Merges whatever is worth merging; with `is_full` every day of more than one file. Returns the files replaced.
    pub async fn compact(&self, is_full: bool) -> Result<usize> {
        let _turn = self.one_at_a_time.lock().await;
        let mut replaced = 0;
        let days: Vec<Day> = self.flusher.shared.lake().days().keys().copied().collect();
        for day in days {
            while let Some(window) = self.choose(day, is_full) {
                replaced += window.files.len();
                self.replace(day, window).await?;
            }
        }
        self.sweep();
        Ok(replaced)
    }

    fn choose(&self, day: Day, is_full: bool) -> Option<Window> {
        let lake = self.flusher.shared.lake();
        let end = Day(day.0 + 1).start().0;
        let is_settled = is_full || self.flusher.clock.now().0 > end + SETTLE_US;
        choose::window(lake.days().get(&day)?, is_settled)
    }

    async fn replace(&self, day: Day, window: Window) -> Result<()> {
        let started = Instant::now();
        let flusher = &self.flusher;
        let (disk, dir) = (flusher.disk.clone(), flusher.delta.lock().await.dir().to_owned());
        let inputs = window.files.clone();
        let merged = tokio::task::spawn_blocking(move || {
            merge::merge_files(disk.as_ref(), &dir, day, &inputs, window.is_late)
        });
        let merged = merged.await.map_err(|e| Error::internal("a merge ended early").because(e))??;

        let mut delta = flusher.delta.lock().await;
        let live = delta.files()?;
        if !live.holds(window.files.iter().map(AsRef::as_ref)) {
            // An earlier attempt was committed although it failed.
            delta.reload().await?;
            flusher.shared.adopt(live.sharing(&flusher.shared.lake()));
            return Ok(());
        }
        let now_ms = flusher.clock.now().0 / 1000;
        let version = match delta.replace(&window.files, &merged, now_ms).await {
            Ok(version) => version,
            // The commit can have been made although its answer is an error.
            Err(e) => match delta.reload().await {
                Ok(()) if delta.files()?.holds(&merged) => delta.files()?.version,
                _ => return Err(e),
            },
        };
        flusher.shared.replaced(version, &window.files, merged);
        drop(delta);
        let now = Instant::now();
        self.removed.lock().extend(window.files.iter().map(|f| (f.clone(), now)));
        let (files, ms) = (window.files.len(), started.elapsed().as_millis());
        tracing::debug!(%day, files, ms, version, "compacted");
        Ok(())
    }

    /// Deletes replaced files that no query pins and whose time is over.
    fn sweep(&self) {
        let dir = self.flusher.shared.lake_dir();
        self.removed.lock().retain(|(file, since)| {
            // Versions of the lake hold their files; a count of one is this list alone.
            let is_free = Arc::strong_count(file) == 1 && since.elapsed() >= self.options.keep_removed;
            if !is_free {
                return true;
            }
            match self.flusher.disk.remove(&dir.join(&file.path)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(file = file.path, error = %e, "replaced file cannot be removed; tried again later");
                    true
                }
                _ => false,
            }
        });
    }
}
