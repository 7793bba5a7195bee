//! One compaction round over a table: at most one window per day, merged in turn and committed many at a time.
//!
//! A backfill leaves small files in many days. With one commit per day a year would take hundreds, each read again at
//! every start until the Delta log's next checkpoint.

use std::path::PathBuf;
use std::sync::Arc;

use super::merge::MergeWriter;
use super::picker::CompactionInput;
use super::{CompactionScope, Compactor};
use crate::domain::progress::Progress;
use crate::domain::time::Day;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::lake::delta::ReplaceReason;
use crate::store::lake::file::LakeFile;
use crate::store::lake::fsync_batch::FsyncBatch;
use crate::store::table::Table;
use crate::store::table_set::FileReplacement;
use crate::store::throttle::{CpuThrottle, WorkPriority};

/// Maximum bytes replaced by one commit, unless a single window is larger. It is the work lost when the process ends
/// before the commit, and the space used twice until then.
const MAX_COMMIT_BYTES: u64 = 256 << 20;
const MAX_COMMIT_FILES: usize = 4096;

/// A day and its window.
type DayInput = (Day, CompactionInput);

/// Progress of a round.
#[derive(Debug, Default)]
struct CompactionProgress {
    days: usize,
    of_days: usize,
    files: usize,
    rows: u64,
}

impl Compactor {
    /// Returns the number of files replaced; 0 when no day of the table needs compaction.
    pub(super) async fn compact_table(
        &self,
        table: Table,
        scope: &mut CompactionScope,
        progress: &Progress,
    ) -> Result<usize> {
        let windows = self.pick_by_day(table, scope);
        let rows = windows.iter().flat_map(|(_, w)| &w.files).map(|f| f.rows).sum();
        if windows.is_empty() {
            return Ok(0);
        }
        progress.begin(format!("merging {}", table.name()), rows);
        let mut totals = CompactionProgress { of_days: windows.len(), ..CompactionProgress::default() };
        for windows in group_into_commits(windows) {
            totals = self.merge_and_commit(table, windows, totals, (scope.priority, progress)).await?;
            self.compute_statistics_if_due(scope).await?;
        }
        Ok(totals.files)
    }

    /// Merges the windows and commits them in one commit.
    async fn merge_and_commit(
        &self,
        table: Table,
        windows: Vec<DayInput>,
        totals: CompactionProgress,
        (effort, progress): (WorkPriority, &Progress),
    ) -> Result<CompactionProgress> {
        let started = std::time::Instant::now();
        let merging = MergeTask {
            disk: self.tables.disk().clone(),
            dir: self.tables.dir(table).clone(),
            table,
            memory_bytes: self.options.memory_bytes,
            progress: progress.clone(),
            totals,
        };
        let merged = CpuThrottle::run_on_thread(effort, move |pace| merging.run(windows, pace)).await?;
        let MergeOutcome { gone, new, totals, failed } = merged;
        let (files, days) = (gone.len(), totals.days);
        if files > 0 {
            self.replace_files(FileReplacement { table, gone, new, reason: ReplaceReason::Merge }).await?;
            let ms = started.elapsed().as_millis();
            tracing::debug!(table = table.name(), days, files, ms, "compacted");
        }
        failed.map_or(Ok(totals), Err)
    }
}

/// Groups windows, in their order, into commits of at most `MAX_COMMIT_BYTES` and `MAX_COMMIT_FILES`.
fn group_into_commits(windows: Vec<DayInput>) -> Vec<Vec<DayInput>> {
    let mut groups: Vec<Vec<DayInput>> = Vec::new();
    let (mut bytes, mut files) = (u64::MAX, usize::MAX);
    for (day, window) in windows {
        bytes = bytes.saturating_add(window.files.iter().map(|f| f.bytes).sum());
        files = files.saturating_add(window.files.len());
        if bytes > MAX_COMMIT_BYTES || files > MAX_COMMIT_FILES {
            (bytes, files) = (window.files.iter().map(|f| f.bytes).sum(), window.files.len());
            groups.push(Vec::new());
        }
        groups.last_mut().expect("the first window begins a group").push((day, window));
    }
    groups
}

/// All merges of one commit.
struct MergeTask {
    disk: Arc<dyn Disk>,
    dir: Arc<PathBuf>,
    table: Table,
    memory_bytes: usize,
    progress: Progress,
    totals: CompactionProgress,
}

struct MergeOutcome {
    gone: Vec<Arc<LakeFile>>,
    new: Vec<LakeFile>,
    totals: CompactionProgress,
    /// The error that stopped the task before all windows were merged.
    failed: Option<Error>,
}

impl MergeTask {
    /// Merges the windows; the new files are durable on return. When a merge fails, those before it are kept.
    fn run(mut self, windows: Vec<DayInput>, mut pace: CpuThrottle) -> Result<MergeOutcome> {
        let disk = self.disk.clone();
        let mut batch = FsyncBatch::new(&disk);
        let (mut gone, mut failed) = (Vec::new(), None);
        for (day, window) in windows {
            let (disk, dir, table) = (&self.disk, &self.dir, self.table);
            let (is_late, pace, progress) = (window.is_late, &mut pace, &self.progress);
            let memory_bytes = self.memory_bytes;
            let mut merge = MergeWriter { disk, dir, table, day, is_late, memory_bytes, pace, progress };
            match merge.files(&window.files) {
                // If one of these cannot be added durably, the whole commit fails, with what was added before.
                Ok(parts) => parts.into_iter().try_for_each(|part| batch.add(part))?,
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
            self.totals.add(&window);
            self.progress.set_detail(self.totals.to_string());
            gone.extend(window.files);
        }
        Ok(MergeOutcome { gone, new: batch.finish()?, totals: self.totals, failed })
    }
}

impl CompactionProgress {
    fn add(&mut self, window: &CompactionInput) {
        self.days += 1;
        self.files += window.files.len();
        self.rows += window.files.iter().map(|f| f.rows).sum::<u64>();
    }
}

impl std::fmt::Display for CompactionProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CompactionProgress { days, of_days, files, rows } = self;
        write!(f, "{days} of {of_days} days, {rows} rows of {files} files")
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
