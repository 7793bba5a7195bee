//! Retention: removes expired rows, and rows of deleted streams and devices, from disk.
//!
//! Expired rows are invisible long before (`RetentionCatalog::retention_bounds`). A cycle removes them from the files: whole
//! files in one commit, and files that also hold other rows are rewritten without the expired ones. Before the first
//! byte is removed, the floors are durable (`RetentionCatalog::raise_retention_floors`) and the statistics of the affected
//! windows are computed.
//!
//! A clock that has jumped ahead removes nothing (`clock_check`).

mod clock_check;
pub mod clock_mark;
pub mod purge_stats;
pub mod rewrite;
pub mod scan;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::blocking::blocking;
use super::catalog::{Catalog, RetentionClock};
use super::compaction::Compactor;
use super::disk::Disk;
use super::flush::Flusher;
use super::lake::delta::ReplaceReason;
use super::lake::file::LakeFile;
use super::lake::orphans;
use super::snapshot::Snapshot;
use super::start_orphans::StartOrphans;
use super::table::{PerTable, Table};
use super::table_set::{FileReplacement, TableSet};
use super::throttle::CpuThrottle;
use crate::domain::policy::PolicyChange;
use crate::domain::retention::Cutoffs;
use crate::domain::time::Day;
use crate::domain::{Micros, Principal, Result};
use clock_mark::ClockMark;
use purge_stats::PurgeStats;
use rewrite::{FileRewrite, RewrittenFiles};
use scan::ExpiredRows;

/// The message of an error when work on the blocking pool ends early.
const ENDED_EARLY: &str = "the removal of expired rows ended early";
/// Delay of the first cycle after a start, short enough that a server that restarts all the time removes something too.
const FIRST_CYCLE_DELAY: Duration = Duration::from_secs(300);
/// Delay after a failed cycle.
const RETRY_DELAY: Duration = Duration::from_secs(60);

/// Dry run of a change of policies: what it would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPreview {
    pub amount: PurgeStats,
    /// The newest time before which rows would be removed; `None` when none would.
    pub before: Option<Micros>,
}

/// Files known to hold nothing that had expired at these cutoffs.
#[derive(Debug, Clone, Default)]
struct CleanFiles {
    cutoffs: Arc<Cutoffs>,
    paths: HashSet<String>,
}

impl CleanFiles {
    /// Whether a file may hold a row that has expired by `cutoffs`.
    fn may_hold_expired(&self, file: &LakeFile, cutoffs: &Cutoffs) -> bool {
        let nothing = Cutoffs::default();
        let before = if self.paths.contains(&file.path) { &self.cutoffs } else { &nothing };
        cutoffs.may_expire(file.streams, file.ts, before)
    }
}

/// The parts of the store that the retention job works on.
pub struct RetentionInputs {
    pub tables: Arc<TableSet>,
    pub flusher: Arc<Flusher>,
    pub compactor: Arc<Compactor>,
    pub catalog: Arc<Catalog>,
    /// Files that no query of this process has, but others may.
    pub start_orphans: Arc<StartOrphans>,
    pub clock_mark: ClockMark,
}

/// The retention job. It replaces files only while it holds `Compactor::lock_files`.
pub struct RetentionJob {
    tables: Arc<TableSet>,
    flusher: Arc<Flusher>,
    compactor: Arc<Compactor>,
    catalog: Arc<Catalog>,
    start_orphans: Arc<StartOrphans>,
    clock_mark: Arc<ClockMark>,
    interval: Duration,
    clean: Mutex<PerTable<CleanFiles>>,
    /// Allows one dry run at a time, because it may read the keys of the whole lake.
    dry_runs: Arc<tokio::sync::Mutex<()>>,
}

impl RetentionJob {
    /// Creates the job; `interval` is the time between two of its cycles.
    pub fn new(parts: RetentionInputs, interval: Duration) -> Self {
        let RetentionInputs { tables, flusher, compactor, catalog, start_orphans, clock_mark } = parts;
        let (clean, dry_runs, clock_mark) = (Mutex::default(), Arc::default(), Arc::new(clock_mark));
        Self { tables, flusher, compactor, catalog, start_orphans, clock_mark, interval, clean, dry_runs }
    }

    /// Runs cycles until the task is aborted.
    pub async fn run(self: Arc<Self>) {
        let mut wait = self.interval.min(FIRST_CYCLE_DELAY);
        loop {
            tokio::time::sleep(wait).await;
            wait = self.interval;
            if let Err(e) = self.run_cycle().await {
                tracing::error!(error = %e, cause = ?e.source, "retention failed and will be retried");
                wait = self.interval.min(RETRY_DELAY);
                // A full disk may keep every cycle from its end, where these are removed.
                if let Err(e) = self.remove_orphans().await {
                    tracing::warn!(error = %e, "files that are not part of the lake were not removed");
                }
            }
        }
    }

    /// Removes everything that has expired by now; nothing when the clock is not to be believed.
    pub async fn run_cycle(&self) -> Result<PurgeStats> {
        if !self.check_clock().await? {
            self.compactor.delete_retired();
            return Ok(PurgeStats::default());
        }
        let now = self.tables.clock().now();
        let all = RetentionClock { now, watermark: i64::MAX };
        if Table::ALL.iter().all(|table| self.catalog.retention.cutoffs(*table, all).is_empty()) {
            self.compactor.delete_retired();
            return Ok(PurgeStats::default());
        }
        // Flush first, because rows in memory expire too, and compute their statistics, which outlive them.
        self.flusher.flush().await?;
        let files = self.compactor.lock_files().await;
        self.compactor.statistics_job(self.compactor.background_priority()).run().await?;
        drop(files);
        let when = RetentionClock { now, watermark: self.tables.state.statistics_watermark() };
        let mut total = PurgeStats::default();
        for table in Table::ALL {
            total += self.purge_table(table, when).await?;
        }
        self.delete_retired(when);
        self.remove_orphans().await?;
        let floors = self.catalog.retention.retention_floors(Table::Readings);
        self.flusher.expire_latest_values(|stream| floors.cutoff_of(stream)).await?;
        let PurgeStats { rows, bytes, files } = total;
        if files > 0 {
            tracing::info!(rows, bytes, files, "expired rows removed");
        }
        Ok(total)
    }

    async fn purge_table(&self, table: Table, when: RetentionClock) -> Result<PurgeStats> {
        let cutoffs = Arc::new(self.catalog.retention.cutoffs(table, when));
        let before = self.clean.lock()[table].clone();
        let mut clean = CleanFiles { cutoffs: cutoffs.clone(), paths: HashSet::new() };
        let mut total = PurgeStats::default();
        let days: Vec<Day> = self.tables.lake(table).days().keys().copied().collect();
        for day in days {
            let _turn = self.compactor.lock_files().await;
            let lake = self.tables.lake(table);
            let files = lake.days().get(&day).into_iter().flatten().cloned();
            let (suspects, well): (Vec<_>, Vec<_>) =
                files.partition(|f| before.may_hold_expired(f, &cutoffs));
            clean.paths.extend(well.into_iter().map(|f| f.path.clone()));
            if let Some(cleared) = self.purge_day(table, day, suspects, (&cutoffs, when)).await? {
                total += cleared.amount;
                clean.paths.extend(cleared.paths);
            }
        }
        self.clean.lock()[table] = clean;
        Ok(total)
    }

    /// Removes expired rows from files of one day; `None` when that has to wait for the next cycle.
    async fn purge_day(
        &self,
        table: Table,
        day: Day,
        files: Vec<Arc<LakeFile>>,
        (cutoffs, when): (&Arc<Cutoffs>, RetentionClock),
    ) -> Result<Option<PurgedDay>> {
        let mut cleared = PurgedDay::default();
        if files.is_empty() {
            return Ok(Some(cleared));
        }
        let (disk, dir) = (self.tables.disk().clone(), self.tables.dir(table).clone());
        let (by, effort) = (cutoffs.clone(), self.compactor.background_priority());
        let look = {
            let (disk, dir) = (disk.clone(), dir.clone());
            move |pace| scan::scan_files((disk.as_ref(), &dir), &files, &by, pace)
        };
        let found = CpuThrottle::run_on_thread(effort, look).await?;
        let (holding, well): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, expired)| expired.rows > 0);
        cleared.paths.extend(well.into_iter().map(|(file, _)| file.path.clone()));
        if holding.is_empty() {
            return Ok(Some(cleared));
        }
        let sources: BTreeSet<i32> = holding.iter().flat_map(|(_, e)| e.sources.iter().copied()).collect();
        self.catalog.retention.raise_retention_floors(table, &sources, when).await?;
        let floors = self.catalog.retention.retention_floors(table);
        if sources.iter().any(|id| floors.cutoff_of(*id) < cutoffs.cutoff_of(*id)) {
            // A policy was relaxed in the meantime: keep the rows that it now allows.
            return Ok(None);
        }
        let cutoffs = cutoffs.clone();
        let edge = move |pace| FileRewrite { disk, dir, table, day, cutoffs, pace }.rewrite(holding);
        let RewrittenFiles { gone, new, reclaimed } = CpuThrottle::run_on_thread(effort, edge).await?;
        let paths: Vec<String> = new.iter().map(|f| f.path.clone()).collect();
        let is_done = self
            .compactor
            .replace_files(FileReplacement { table, gone, new, reason: ReplaceReason::Deletion })
            .await?;
        cleared.paths.extend(paths);
        cleared.amount = reclaimed;
        Ok(is_done.then_some(cleared))
    }

    /// Deletes replaced files that no query pins. Files replaced by a merge are included when they may hold expired
    /// rows.
    fn delete_retired(&self, when: RetentionClock) {
        let cutoffs = PerTable::new(|table| self.catalog.retention.cutoffs(table, when));
        let nothing = Cutoffs::default();
        self.compactor
            .expire_retired(|table, file| cutoffs[table].may_expire(file.streams, file.ts, &nothing));
        self.compactor.delete_retired();
    }

    /// Deletes files that were written but never committed, because their rows expire too.
    async fn remove_orphans(&self) -> Result<()> {
        for table in Table::ALL {
            // Every writer of files holds one of these two locks.
            let _turn = self.compactor.lock_files().await;
            let mut deltas = self.tables.lock().await;
            let mut known = self.compactor.retired(table);
            known.extend(self.start_orphans.waiting(table));
            known.extend(self.tables.lake(table).files().map(|f| f.path.clone()));
            let (disk, dir) = (self.tables.disk().clone(), self.tables.dir(table).clone());
            let look = known.clone();
            let unknown = blocking(ENDED_EARLY, move || orphans::find(disk.as_ref(), &dir, &look)).await?;
            if unknown.is_empty() {
                continue;
            }
            // A commit may have succeeded although it returned an error.
            let delta = &mut deltas[table];
            delta.reload().await?;
            known.extend(delta.lake_version()?.files().map(|f| f.path.clone()));
            let (disk, dir) = (self.tables.disk().clone(), self.tables.dir(table).clone());
            let remove =
                move || orphans::remove(disk.as_ref(), &dir, &orphans::find(disk.as_ref(), &dir, &known)?);
            blocking(ENDED_EARLY, remove).await?;
        }
        Ok(())
    }

    /// Dry run of a change: returns what it would remove. Reads only keys and changes nothing.
    pub async fn dry_run(&self, who: &Principal, change: &PolicyChange) -> Result<RetentionPreview> {
        let reach = self.catalog.retention.dry_run_policy_change(who, change, self.tables.clock().now())?;
        let one = self.dry_runs.clone().lock_owned().await;
        // The snapshot pins the files while they are read.
        let snapshot = self.tables.snapshot();
        let (before, cutoffs, disk) = (reach.before, reach.cutoffs, self.tables.disk().clone());
        let amount = blocking(ENDED_EARLY, move || {
            let _one = one;
            dry_run(disk.as_ref(), &snapshot, &cutoffs)
        });
        Ok(RetentionPreview { amount: amount.await?, before })
    }
}

/// Result of purging a day.
#[derive(Debug, Default)]
struct PurgedDay {
    amount: PurgeStats,
    /// Paths of files without expired rows.
    paths: Vec<String>,
}

fn dry_run(disk: &dyn Disk, snapshot: &Snapshot, cutoffs: &PerTable<Cutoffs>) -> Result<PurgeStats> {
    let nothing = Cutoffs::default();
    let mut total = PurgeStats::default();
    let upserts = Table::UPSERT.map(|table| (table, &snapshot.upsert_tables[table]));
    let files = |table: Table| match table {
        Table::Readings => (&snapshot.lake, &snapshot.lake_dir),
        _ => (&snapshot.upsert_tables[table].lake, &snapshot.upsert_tables[table].lake_dir),
    };
    for table in Table::ALL {
        let (lake, dir) = files(table);
        let cutoffs = &cutoffs[table];
        for file in lake.files().filter(|f| cutoffs.may_expire(f.streams, f.ts, &nothing)) {
            let ExpiredRows { rows, .. } = scan::scan_file((disk, dir), file, cutoffs)?;
            let share = rows as f64 / file.rows.max(1) as f64;
            let bytes = (share * file.bytes as f64).round() as u64;
            total += PurgeStats::of_file(table, rows, bytes);
        }
    }
    let runs = snapshot.memory.values().flat_map(|day| &day.runs);
    let of_runs = runs.flat_map(|run| run.stream.iter().copied().zip(run.ts.iter().copied()));
    total.rows += count(of_runs, &cutoffs[Table::Readings]);
    for (table, rows) in upserts {
        let runs = rows.memory.values().flatten();
        let of_runs = runs.flat_map(|rows| (0..rows.len()).map(|i| rows.key(i)).map(|key| (key.id, key.ts)));
        total.rows += count(of_runs, &cutoffs[table]);
    }
    Ok(total)
}

fn count(keys: impl Iterator<Item = (i32, i64)>, cutoffs: &Cutoffs) -> u64 {
    keys.filter(|(id, ts)| *ts < cutoffs.cutoff_of(*id)).count() as u64
}
