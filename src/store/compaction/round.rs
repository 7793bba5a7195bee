//! A round over a table: one window of each day that has one, merged one after the other and committed many at a time.
//!
//! A backfill leaves small files in many days. A commit for each day would make a year of them hundreds, each read again
//! at every start until the log's next checkpoint.

use std::path::PathBuf;
use std::sync::Arc;

use super::choose::Window;
use super::merge::Merge;
use super::{Compactor, Scope, Swap};
use crate::domain::progress::Progress;
use crate::domain::time::Day;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;
use crate::store::lake::batch::Batch;
use crate::store::lake::delta::Change;
use crate::store::lake::file::LakeFile;
use crate::store::pace::{Effort, Pace};
use crate::store::table::Table;

/// What one commit takes the place of, at most, unless a single window is more: as much as is lost when the process ends
/// before it, and stays on disk twice until then.
const COMMIT_BYTES: u64 = 256 << 20;
const COMMIT_FILES: usize = 4096;

/// A day's window.
type DayWindow = (Day, Window);

/// How far a round is.
#[derive(Debug, Default)]
struct Tally {
    days: usize,
    of_days: usize,
    files: usize,
    rows: u64,
}

impl Compactor {
    /// Returns the files replaced; 0 when every day of the table is well.
    pub(super) async fn round(&self, table: Table, scope: &mut Scope, progress: &Progress) -> Result<usize> {
        let windows = self.windows(table, scope);
        let rows = windows.iter().flat_map(|(_, w)| &w.files).map(|f| f.rows).sum();
        if windows.is_empty() {
            return Ok(0);
        }
        progress.begin(format!("merging {}", table.name()), rows);
        let mut tally = Tally { of_days: windows.len(), ..Tally::default() };
        for windows in groups(windows) {
            tally = self.replace(table, windows, tally, (scope.effort, progress)).await?;
            self.keep_up(scope).await?;
        }
        Ok(tally.files)
    }

    /// Merges the windows and commits them together.
    async fn replace(
        &self,
        table: Table,
        windows: Vec<DayWindow>,
        tally: Tally,
        (effort, progress): (Effort, &Progress),
    ) -> Result<Tally> {
        let started = std::time::Instant::now();
        let shared = &self.flusher.shared;
        let merging = Merging {
            disk: shared.place().disk().clone(),
            dir: shared.lake_dir(table),
            table,
            memory_bytes: self.options.memory_bytes,
            progress: progress.clone(),
            tally,
        };
        let merged = Pace::work(effort, move |pace| merging.run(windows, pace)).await?;
        let Merged { gone, new, tally, failed } = merged;
        let (files, days) = (gone.len(), tally.days);
        if files > 0 {
            self.swap(Swap { table, gone, new, change: Change::Merge }).await?;
            let ms = started.elapsed().as_millis();
            tracing::debug!(table = table.name(), days, files, ms, "compacted");
        }
        failed.map_or(Ok(tally), Err)
    }
}

/// Windows in the order they came, as many together as one commit takes.
fn groups(windows: Vec<DayWindow>) -> Vec<Vec<DayWindow>> {
    let mut groups: Vec<Vec<DayWindow>> = Vec::new();
    let (mut bytes, mut files) = (u64::MAX, usize::MAX);
    for (day, window) in windows {
        bytes = bytes.saturating_add(window.files.iter().map(|f| f.bytes).sum());
        files = files.saturating_add(window.files.len());
        if bytes > COMMIT_BYTES || files > COMMIT_FILES {
            (bytes, files) = (window.files.iter().map(|f| f.bytes).sum(), window.files.len());
            groups.push(Vec::new());
        }
        groups.last_mut().expect("the first window begins a group").push((day, window));
    }
    groups
}

/// The merges of one commit.
struct Merging {
    disk: Arc<dyn Disk>,
    dir: Arc<PathBuf>,
    table: Table,
    memory_bytes: usize,
    progress: Progress,
    tally: Tally,
}

struct Merged {
    gone: Vec<Arc<LakeFile>>,
    new: Vec<LakeFile>,
    tally: Tally,
    /// What ended it before all were merged.
    failed: Option<Error>,
}

impl Merging {
    /// The new files are durable when this returns. A merge that fails leaves those before it.
    fn run(mut self, windows: Vec<DayWindow>, mut pace: Pace) -> Result<Merged> {
        let disk = self.disk.clone();
        let mut batch = Batch::new(disk.as_ref());
        let (mut gone, mut failed) = (Vec::new(), None);
        for (day, window) in windows {
            let (disk, dir, table) = (&self.disk, &self.dir, self.table);
            let (is_late, pace, progress) = (window.is_late, &mut pace, &self.progress);
            let memory_bytes = self.memory_bytes;
            let mut merge = Merge { disk, dir, table, day, is_late, memory_bytes, pace, progress };
            match merge.files(&window.files) {
                // Not what was added before either, should one of these not become durable.
                Ok(parts) => parts.into_iter().try_for_each(|part| batch.add(part))?,
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
            self.tally.add(&window);
            self.progress.say(self.tally.to_string());
            gone.extend(window.files);
        }
        Ok(Merged { gone, new: batch.finish()?, tally: self.tally, failed })
    }
}

impl Tally {
    fn add(&mut self, window: &Window) {
        self.days += 1;
        self.files += window.files.len();
        self.rows += window.files.iter().map(|f| f.rows).sum::<u64>();
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { days, of_days, files, rows } = self;
        write!(f, "{days} of {of_days} days, {rows} rows of {files} files")
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
