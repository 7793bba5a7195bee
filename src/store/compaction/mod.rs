//! Compaction: small files of a day become one sorted file, late rows are folded in, overwritten rows go.
//!
//! Files that are neighbours in the order of writes are merged; the result carries their highest seq, so the order
//! stays total. Answers never change: a query keeps the version it pinned, and files it pins stay on disk.

pub mod choose;
pub mod merge;
mod round;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::catalog::Catalog;
use super::flush::Flusher;
use super::lake::delta::Change;
use super::lake::file::LakeFile;
use super::pace::Effort;
use super::statistics::job::Job;
use super::table::Table;
use crate::domain::Result;
use crate::domain::progress::Progress;
use crate::domain::time::Day;
use choose::Window;

/// A day counts as settled, and is merged whole, this long after its end, once nothing is flushed into it any more.
const SETTLE_US: i64 = 3600 * 1_000_000;

/// What one open file of a merge takes, about: a batch of rows, and a page of each column as it is on disk and unpacked.
const FILE_BYTES: usize = 2 << 20;

/// When to compact, and with how much.
#[derive(Debug, Clone)]
pub struct CompactionOptions {
    /// Between looks at the lake.
    pub interval: Duration,
    /// How long replaced files stay, for readers outside that opened them.
    pub keep_removed: Duration,
    /// Memory for the files of one merge, bytes: how many are opened at once.
    pub memory_bytes: usize,
    /// Share of one processor that work in the background takes, above 0 to 1. A command takes what it needs.
    pub cpu_share: f64,
}

/// The compactor. One merge, or one computation of statistics, runs at a time.
pub struct Compactor {
    flusher: Arc<Flusher>,
    catalog: Arc<Catalog>,
    options: CompactionOptions,
    /// Replaced files still on disk, with the time they were replaced.
    removed: Mutex<Vec<Removed>>,
    one_at_a_time: tokio::sync::Mutex<()>,
    /// Up to which seq rows were flushed when the lake was looked at last.
    looked: AtomicU64,
    /// Of the work in the background.
    background: Progress,
}

/// What is worth merging in this round, and how fast.
struct Scope {
    is_full: bool,
    /// A day that holds nothing newer is not written to at present. While a backfill goes on, merging each of its days
    /// whole at every look would write the same rows again and again.
    quiet: u64,
    effort: Effort,
    /// When statistics were computed last.
    computed: Instant,
}

/// A replaced file.
struct Removed {
    table: Table,
    file: Arc<LakeFile>,
    since: Instant,
    /// How long it stays at least.
    keep: Duration,
}

/// Files that are durable and take the place of others in a table.
pub struct Swap {
    pub table: Table,
    pub gone: Vec<Arc<LakeFile>>,
    pub new: Vec<LakeFile>,
    pub change: Change,
}

impl Compactor {
    pub fn new(flusher: Arc<Flusher>, catalog: Arc<Catalog>, options: CompactionOptions) -> Self {
        let (removed, one_at_a_time) = (Mutex::default(), tokio::sync::Mutex::default());
        let (looked, background) = (AtomicU64::new(0), Progress::default());
        Self { flusher, catalog, options, removed, one_at_a_time, looked, background }
    }

    /// Compacts in the background until the task is aborted or `stop` is called.
    pub async fn run(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.options.interval) => {}
                () = self.flusher.crowded.notified() => {}
            }
            match self.compact(false, &self.background).await {
                Err(_) if self.background.is_cancelled() => return,
                Err(e) => {
                    tracing::error!(error = %e, cause = ?e.source, "compaction failed; it is tried again");
                }
                Ok(_) => {}
            }
        }
    }

    /// Ends the work in the background at its next block of rows. What it has not committed is done again.
    pub fn stop(&self) {
        self.background.cancel();
    }

    /// Merges whatever is worth merging; with `is_full` every day of more than one file, as fast as it goes. Statistics
    /// first: merged files say of all their rows that they are as new as the newest. Returns the files replaced.
    pub async fn compact(&self, is_full: bool, progress: &Progress) -> Result<usize> {
        let _turn = self.turn().await;
        self.flusher.added.store(0, Ordering::Release);
        let (_, _, _, flushed) = self.flusher.shared.flushed_state();
        let quiet = self.looked.swap(flushed, Ordering::AcqRel);
        let effort = if is_full { Effort::Full } else { self.effort() };
        Job { progress: progress.clone(), ..self.statistics(effort) }.run().await?;
        let mut scope = Scope { is_full, quiet, effort, computed: Instant::now() };
        let mut replaced = 0;
        for table in Table::ALL {
            loop {
                match self.round(table, &mut scope, progress).await? {
                    0 => break,
                    files => replaced += files,
                }
            }
        }
        self.sweep();
        Ok(replaced)
    }

    /// Computes statistics now. Returns the windows written.
    pub async fn compute_statistics(&self) -> Result<u64> {
        let _turn = self.turn().await;
        self.statistics(Effort::Full).run().await
    }

    /// Computes statistics when they are due although merging goes on: behind a backfill that takes minutes, and
    /// whoever asks meanwhile would have to read raw rows for all that time.
    async fn keep_up(&self, scope: &mut Scope) -> Result<()> {
        if !scope.is_full && scope.computed.elapsed() >= self.options.interval {
            self.statistics(scope.effort).run().await?;
            scope.computed = Instant::now();
        }
        Ok(())
    }

    /// Waits until nothing else replaces files; nothing else does while this is held.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.one_at_a_time.lock().await
    }

    /// That of work in the background.
    pub fn effort(&self) -> Effort {
        Effort::Behind(self.options.cpu_share)
    }

    /// The computation of statistics, for whoever has the turn.
    pub fn statistics(&self, effort: Effort) -> Job {
        let (flusher, catalog) = (self.flusher.clone(), self.catalog.clone());
        let (fan_in, progress) = (self.fan_in(), self.background.clone());
        Job { flusher, catalog, effort, fan_in, progress }
    }

    /// Files that may be open at once.
    fn fan_in(&self) -> usize {
        (self.options.memory_bytes / FILE_BYTES).max(2)
    }

    /// The next window of each day that has one.
    fn windows(&self, table: Table, scope: &Scope) -> Vec<(Day, Window)> {
        let lake = self.flusher.shared.lake(table);
        let now = self.flusher.clock.now().0;
        let fan_in = self.fan_in();
        let window = |(day, files): (&Day, &Vec<Arc<LakeFile>>)| {
            let is_over = now > Day(day.0 + 1).start().0 + SETTLE_US;
            let is_quiet = files.iter().all(|f| f.seq.1 <= scope.quiet);
            let window = choose::window(files, scope.is_full || (is_over && is_quiet), fan_in)?;
            Some((*day, window))
        };
        lake.days().iter().filter_map(window).collect()
    }

    /// Commits files in place of others, which leave the disk once nothing needs them. Says whether it did: not when the
    /// others were live no more. For whoever has the turn.
    pub async fn swap(&self, swap: Swap) -> Result<bool> {
        let Swap { table, gone, new, change } = swap;
        let flusher = &self.flusher;
        let mut deltas = flusher.deltas.lock().await;
        let delta = &mut deltas[table];
        let live = delta.files()?;
        if !live.holds(gone.iter().map(AsRef::as_ref)) {
            // An earlier attempt was committed although it failed.
            delta.reload().await?;
            let live = delta.files()?.sharing(&flusher.shared.lake(table));
            let left = gone.into_iter().chain(new.into_iter().map(Arc::new)).collect();
            let left = live.lacking(left);
            flusher.shared.adopt(table, live);
            drop(deltas);
            self.retire(table, left, change);
            return Ok(false);
        }
        let now_ms = flusher.clock.now().0 / 1000;
        let version = match delta.replace(&gone, &new, change, now_ms).await {
            Ok(version) => version,
            // The commit can have been made although its answer is an error.
            Err(e) => match delta.reload().await {
                Ok(()) if delta.files()?.holds(&new) && !delta.files()?.holds_any(&gone) => {
                    delta.files()?.version
                }
                _ => return Err(e),
            },
        };
        flusher.shared.replaced(table, version, &gone, new);
        drop(deltas);
        self.retire(table, gone, change);
        Ok(true)
    }

    /// Files that count no more: they leave the disk when their time is over and no query pins them.
    fn retire(&self, table: Table, gone: Vec<Arc<LakeFile>>, change: Change) {
        let since = Instant::now();
        let keep = match change {
            Change::Merge => self.options.keep_removed,
            Change::Deletion => Duration::ZERO,
        };
        self.removed.lock().extend(gone.into_iter().map(|file| Removed { table, file, since, keep }));
    }

    /// Replaced files of a table that are still on disk.
    pub fn retired(&self, table: Table) -> HashSet<String> {
        let removed = self.removed.lock();
        removed.iter().filter(|r| r.table == table).map(|r| r.file.path.clone()).collect()
    }

    /// Takes their time from replaced files that `is_expired` says it of: rows in them must leave the disk now.
    pub fn hasten(&self, is_expired: impl Fn(Table, &LakeFile) -> bool) {
        let mut removed = self.removed.lock();
        removed.iter_mut().filter(|r| is_expired(r.table, &r.file)).for_each(|r| r.keep = Duration::ZERO);
    }

    /// Deletes replaced files that no query pins and whose time is over.
    pub fn sweep(&self) {
        let dir = |table| self.flusher.shared.lake_dir(table);
        self.removed.lock().retain(|Removed { table, file, since, keep }| {
            // Versions of the lake hold their files; a count of one is this list alone.
            let is_free = Arc::strong_count(file) == 1 && since.elapsed() >= *keep;
            if !is_free {
                return true;
            }
            match self.flusher.shared.place().disk().remove(&dir(*table).join(&file.path)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(file = file.path, error = %e, "replaced file cannot be removed; tried again later");
                    true
                }
                _ => false,
            }
        });
    }
}
