//! Compaction: merges small files of a day into one sorted file, folds in late rows and drops overwritten rows.
//!
//! Only files adjacent in write order are merged. The result carries their highest seq, so the order stays total. Query
//! results never change: a query keeps the version it pinned, and its files stay on disk.

mod job;
pub mod merge;
pub mod picker;
pub mod trigger;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::catalog::Catalog;
use super::lake::delta::ReplaceReason;
use super::lake::file::LakeFile;
use super::message_counts::index::MessageCountsIndex;
use super::message_counts::job::MessageCountsJob;
use super::statistics::job::StatisticsJob;
use super::table::Table;
use super::table_set::{FileReplacement, ReplaceOutcome, TableSet};
use super::throttle::WorkPriority;
use crate::domain::Result;
use crate::domain::progress::Progress;
use crate::domain::time::Day;
use picker::CompactionInput;
use trigger::CompactionTrigger;

/// A day is settled, and merged completely, this long after its end, once nothing is flushed into it any more.
const SETTLE_DELAY_US: i64 = 3600 * 1_000_000;

/// Approximate memory of one open file in a merge: a batch of rows, and a page of each column, both compressed and
/// decompressed.
const OPEN_FILE_BYTES: usize = 2 << 20;

/// When compaction runs, and the resources it may use.
#[derive(Debug, Clone)]
pub struct CompactionOptions {
    /// Time between checks of the lake.
    pub interval: Duration,
    /// How long replaced files stay on disk, for external readers that opened them.
    pub keep_removed: Duration,
    /// Memory for the open files of one merge, bytes. It limits how many are opened at once.
    pub memory_bytes: usize,
    /// Share of one processor for background work, above 0 to 1. A command is not limited.
    pub cpu_share: f64,
}

/// Parts that the compactor works on.
pub struct CompactorInputs {
    pub tables: Arc<TableSet>,
    pub trigger: Arc<CompactionTrigger>,
    pub catalog: Arc<Catalog>,
    pub message_counts: Arc<MessageCountsIndex>,
}

/// Runs merges and computations of statistics, one at a time.
pub struct Compactor {
    tables: Arc<TableSet>,
    trigger: Arc<CompactionTrigger>,
    catalog: Arc<Catalog>,
    message_counts: Arc<MessageCountsIndex>,
    options: CompactionOptions,
    /// Replaced files still on disk, with the time of their replacement.
    removed: Mutex<Vec<RetiredFile>>,
    one_at_a_time: tokio::sync::Mutex<()>,
    /// The highest flushed seq at the last check of the lake.
    last_seen_seq: AtomicU64,
    /// Progress of the background work.
    background: Progress,
}

/// Files that are worth merging in this round, and with which priority.
struct CompactionScope {
    is_full: bool,
    /// A day without rows newer than this seq is not being written to at present. During a backfill, merging each of
    /// its days completely at every check would rewrite the same rows again and again.
    quiescent_seq: u64,
    priority: WorkPriority,
    /// When statistics were last computed.
    computed: Instant,
}

/// A replaced file waiting for its deletion.
struct RetiredFile {
    table: Table,
    file: Arc<LakeFile>,
    since: Instant,
    /// Minimum time the file stays on disk.
    keep: Duration,
}

impl Compactor {
    pub fn new(parts: CompactorInputs, options: CompactionOptions) -> Self {
        let CompactorInputs { tables, trigger, catalog, message_counts } = parts;
        Self {
            tables,
            trigger,
            catalog,
            message_counts,
            options,
            removed: Mutex::default(),
            one_at_a_time: tokio::sync::Mutex::default(),
            last_seen_seq: AtomicU64::new(0),
            background: Progress::default(),
        }
    }

    /// Compacts in the background until the task is aborted or `stop` is called.
    pub async fn run(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.options.interval) => {}
                () = self.trigger.reached() => {}
            }
            match self.compact(false, &self.background).await {
                Err(_) if self.background.is_cancelled() => return,
                Err(e) => {
                    tracing::error!(error = %e, cause = ?e.source, "compaction failed and will be retried");
                }
                Ok(_) => {}
            }
        }
    }

    /// Ends the background work at its next block of rows. Work that is not committed is repeated later.
    pub fn stop(&self) {
        self.background.cancel();
    }

    /// Merges whatever is worth merging; with `is_full`, at foreground priority, every day of more than one file.
    /// Statistics are computed first, because all rows of a merged file count as new as its newest. Returns the number
    /// of files replaced.
    pub async fn compact(&self, is_full: bool, progress: &Progress) -> Result<usize> {
        let _turn = self.lock_files().await;
        self.trigger.reset();
        let quiet = self.last_seen_seq.swap(self.tables.state.flushed_seq(), Ordering::AcqRel);
        let effort = if is_full { WorkPriority::Foreground } else { self.background_priority() };
        let statistics = StatisticsJob { progress: progress.clone(), ..self.statistics_job(effort) };
        if is_full {
            statistics.run().await?;
        } else {
            self.compute_in_background(&statistics).await?;
        }
        MessageCountsJob { progress: progress.clone(), ..self.message_counts_job(effort) }.run().await?;
        let mut scope =
            CompactionScope { is_full, quiescent_seq: quiet, priority: effort, computed: Instant::now() };
        let mut replaced = 0;
        for table in Table::ALL {
            loop {
                match self.compact_table(table, &mut scope, progress).await? {
                    0 => break,
                    files => replaced += files,
                }
            }
        }
        self.delete_retired();
        Ok(replaced)
    }

    /// Computes statistics now. Returns the number of windows written.
    pub async fn compute_statistics(&self) -> Result<u64> {
        let _turn = self.lock_files().await;
        let computed = self.statistics_job(WorkPriority::Foreground).run().await?;
        self.message_counts_job(WorkPriority::Foreground).run().await?;
        Ok(computed)
    }

    /// Computes statistics. Without hours, queries read windows: a damaged file of an old day, which hours are combined
    /// from, must not keep new files from being merged.
    async fn compute_in_background(&self, statistics: &StatisticsJob) -> Result<()> {
        statistics.run_windows().await?;
        match statistics.run_hours().await {
            Err(e) if !self.background.is_cancelled() => {
                tracing::error!(error = %e, cause = ?e.source, "hourly statistics failed and will be retried");
                Ok(())
            }
            ended => ended,
        }
    }

    /// Computes statistics when they are due in the middle of a merge round. After a backfill a round takes minutes,
    /// during which queries would have to read raw rows.
    async fn compute_statistics_if_due(&self, scope: &mut CompactionScope) -> Result<()> {
        if !scope.is_full && scope.computed.elapsed() >= self.options.interval {
            self.compute_in_background(&self.statistics_job(scope.priority)).await?;
            self.message_counts_job(scope.priority).run().await?;
            scope.computed = Instant::now();
        }
        Ok(())
    }

    /// Waits until nothing else replaces files. Nothing else does while the guard is held.
    pub async fn lock_files(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.one_at_a_time.lock().await
    }

    /// Returns the priority of background work.
    pub fn background_priority(&self) -> WorkPriority {
        WorkPriority::Background(self.options.cpu_share)
    }

    /// Returns the job that computes statistics. The caller holds `lock_files`.
    pub fn statistics_job(&self, effort: WorkPriority) -> StatisticsJob {
        let (tables, catalog) = (self.tables.clone(), self.catalog.clone());
        let (fan_in, progress) = (self.fan_in(), self.background.clone());
        StatisticsJob { tables, catalog, priority: effort, fan_in, progress }
    }

    /// Returns the job that counts messages. The caller holds `lock_files`.
    fn message_counts_job(&self, effort: WorkPriority) -> MessageCountsJob {
        let (tables, catalog) = (self.tables.clone(), self.catalog.clone());
        let (index, progress) = (self.message_counts.clone(), self.background.clone());
        MessageCountsJob { tables, catalog, index, priority: effort, progress }
    }

    /// Maximum number of files open at once in a merge.
    fn fan_in(&self) -> usize {
        (self.options.memory_bytes / OPEN_FILE_BYTES).max(2)
    }

    /// Returns the next window of each day that has one.
    fn pick_by_day(&self, table: Table, scope: &CompactionScope) -> Vec<(Day, CompactionInput)> {
        let lake = self.tables.lake(table);
        let now = self.tables.clock().now().0;
        let fan_in = self.fan_in();
        let window = |(day, files): (&Day, &Vec<Arc<LakeFile>>)| {
            let is_over = now > Day(day.0 + 1).start().0 + SETTLE_DELAY_US;
            let is_quiet = files.iter().all(|f| f.seq.max <= scope.quiescent_seq);
            let window = picker::pick(files, scope.is_full || (is_over && is_quiet), fan_in)?;
            Some((*day, window))
        };
        lake.days().iter().filter_map(window).collect()
    }

    /// Commits new files in place of old ones, which are deleted once nothing needs them. Returns `false`, without a
    /// commit, when the old files are no longer live. The caller holds `lock_files`.
    pub async fn replace_files(&self, swap: FileReplacement) -> Result<bool> {
        let (table, reason) = (swap.table, swap.reason);
        match self.tables.replace_files(swap).await? {
            ReplaceOutcome::Replaced(gone) => {
                self.retire(table, gone, reason);
                Ok(true)
            }
            ReplaceOutcome::NotLive(left) => {
                self.retire(table, left, reason);
                Ok(false)
            }
        }
    }

    /// Queues replaced files for deletion once their keep time is over and no query pins them.
    fn retire(&self, table: Table, gone: Vec<Arc<LakeFile>>, reason: ReplaceReason) {
        let since = Instant::now();
        let keep = match reason {
            ReplaceReason::Merge => self.options.keep_removed,
            ReplaceReason::Deletion => Duration::ZERO,
        };
        self.removed.lock().extend(gone.into_iter().map(|file| RetiredFile { table, file, since, keep }));
    }

    /// Returns the paths of a table's replaced files that are still on disk.
    pub fn retired(&self, table: Table) -> HashSet<String> {
        let removed = self.removed.lock();
        removed.iter().filter(|r| r.table == table).map(|r| r.file.path.clone()).collect()
    }

    /// Ends the keep time of replaced files for which `is_expired` holds, because their rows must leave the disk
    /// now.
    pub fn expire_retired(&self, is_expired: impl Fn(Table, &LakeFile) -> bool) {
        let mut removed = self.removed.lock();
        removed.iter_mut().filter(|r| is_expired(r.table, &r.file)).for_each(|r| r.keep = Duration::ZERO);
    }

    /// Deletes replaced files that no query pins and whose keep time is over.
    pub fn delete_retired(&self) {
        self.removed.lock().retain(|RetiredFile { table, file, since, keep }| {
            // Versions of the lake hold their files; a count of one means that only this list does.
            let is_free = Arc::strong_count(file) == 1 && since.elapsed() >= *keep;
            if !is_free {
                return true;
            }
            match self.tables.disk().remove(&self.tables.dir(*table).join(&file.path)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(file = file.path, error = %e, "cannot remove a replaced file; will be retried");
                    true
                }
                _ => false,
            }
        });
    }
}
