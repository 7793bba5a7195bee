//! Background job that combines computed windows to hours, and again where windows were computed again.
//!
//! It runs after the windows are computed. Hours cover what the windows cover: their seq, and the time by which they
//! ended. For a data directory without hours this is a backfill, which it makes in parts, oldest days first; until then
//! queries read windows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::hourly_rows::{self, HourlyDayPlan};
use super::hours;
use super::materialization::Materialization;
use super::window_writer::WindowTarget;
use crate::domain::Result;
use crate::domain::progress::Progress;
use crate::domain::retention::Cutoffs;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::domain::window::Windows;
use crate::store::catalog::Catalog;
use crate::store::lake::LakeVersion;
use crate::store::lake::delta::TxnWatermark;
use crate::store::lake::file::{LakeFile, sort_by_write_order};
use crate::store::lake::fsync_batch::FsyncBatch;
use crate::store::lake::table_reader::TableReader;
use crate::store::state::FlushedState;
use crate::store::table::Table;
use crate::store::table_set::TableSet;
use crate::store::throttle::{CpuThrottle, WorkPriority};

/// Approximate rows of statistics that one part of a backfill reads, before other background work has its turn.
const MAX_PART_ROWS: u64 = 16 << 20;

/// The job of the hours. The caller must run nothing else that replaces files at the same time.
pub struct HourlyJob<'a> {
    pub tables: &'a Arc<TableSet>,
    pub catalog: &'a Catalog,
    pub priority: WorkPriority,
    /// Counts days; cancelling it ends the job.
    pub progress: &'a Progress,
}

/// Input of one part.
struct HourlyScope {
    statistics: Arc<LakeVersion>,
    known: Arc<LakeVersion>,
    hours: Materialization,
    days: Vec<Day>,
    /// Hours that end by this time are computed.
    sealed: i64,
    /// Whether no part is left after this one.
    is_last: bool,
    /// Every row up to this seq is covered.
    seq: u64,
    windows: HashMap<i32, Windows>,
    /// Windows before these may have been removed, so their hours are incomplete.
    floors: Cutoffs,
}

impl HourlyJob<'_> {
    /// Computes stale hours from computed windows: all of them for a caller who waits, else one part.
    pub async fn run(&self) -> Result<()> {
        let table = Table::HourlyStatistics;
        loop {
            self.tables.publish_committed(table, &mut self.tables.lock().await[table]).await?;
            let Some(scope) = self.scope() else { return Ok(()) };
            let started = Instant::now();
            let scope = Arc::new(scope);
            let files = self.compute(scope.clone()).await?;
            self.commit(&scope, &files).await?;
            let hours: u64 = files.iter().map(|f| f.rows).sum();
            let ms = started.elapsed().as_millis();
            tracing::debug!(hours, files = files.len(), ms, seq = scope.seq, "hourly statistics computed");
            if scope.is_last || self.priority != WorkPriority::Foreground {
                return Ok(());
            }
        }
    }

    /// Determines the next part; `None` when nothing can have changed.
    fn scope(&self) -> Option<HourlyScope> {
        let FlushedState {
            statistics,
            hourly_statistics: known,
            materialization: windows,
            hours: computed,
            ..
        } = self.tables.state.flushed();
        let is_over = hours::start_of_hour(windows.watermark) > hours::start_of_hour(computed.watermark);
        // After a start, the windows may be known to be sealed up to an earlier time than the hours.
        if windows.watermark < computed.watermark || (computed.stale.is_empty() && !is_over) {
            return None;
        }
        let days = stale_days(&statistics, &computed, windows.watermark);
        let (days, sealed) = first_part(&statistics, days, (computed.watermark, windows.watermark));
        Some(HourlyScope {
            statistics,
            known,
            hours: computed,
            days,
            sealed,
            is_last: sealed == windows.watermark,
            seq: windows.seq,
            windows: self.catalog.streams.all_windows(),
            floors: self.catalog.retention.retention_floors(Table::Statistics),
        })
    }

    /// Computes the hours. The files are durable on return, but not yet part of the table.
    async fn compute(&self, scope: Arc<HourlyScope>) -> Result<Vec<LakeFile>> {
        if scope.days.is_empty() {
            return Ok(Vec::new());
        }
        let (tables, progress) = (self.tables.clone(), self.progress.clone());
        let work = move |mut pace: CpuThrottle| {
            let (disk, dir) = (tables.disk(), tables.dir(Table::Statistics).clone());
            let from = TableReader {
                cache: Some(tables.cache().clone()),
                columns: Some(hourly_rows::COLUMNS.to_vec()),
                ..TableReader::whole_files(disk.clone(), dir, Table::Statistics)
            };
            let dir = tables.dir(Table::HourlyStatistics);
            let mut batch = FsyncBatch::new(disk);
            progress.begin("computing hourly statistics, days", scope.days.len() as u64);
            for day in &scope.days {
                let known = scope.known.days().get(day).into_iter().flatten();
                let target = WindowTarget {
                    disk,
                    dir,
                    table: Table::HourlyStatistics,
                    day: *day,
                    newest_known: known.map(|f| f.ts.max).max(),
                    seq: scope.seq,
                };
                let parts = scope.plan(*day).run(&from, target, &mut pace)?;
                parts.into_iter().try_for_each(|part| batch.add(part))?;
                progress.advance(1)?;
            }
            batch.finish()
        };
        CpuThrottle::run_on_thread(self.priority, work).await
    }

    async fn commit(&self, scope: &HourlyScope, files: &[LakeFile]) -> Result<()> {
        let mut deltas = self.tables.lock().await;
        // Without rows nothing has to survive a restart: more hours than necessary count as stale then. A commit for
        // every flush would be 60 in an hour.
        if files.is_empty() {
            self.tables.state.advance_hours(None, scope.seq, scope.sealed);
            return Ok(());
        }
        let delta = &mut deltas[Table::HourlyStatistics];
        let positions = [(TxnWatermark::Computed, scope.seq as i64), (TxnWatermark::Sealed, scope.sealed)];
        if let Err(e) = delta.commit(files, &positions, self.tables.now_ms()).await {
            // The commit may have succeeded although it returned an error.
            delta.reload().await?;
            if !delta.lake_version()?.holds(files) {
                self.tables.discard_uncommitted(Table::HourlyStatistics, delta, files).await;
                return Err(e);
            }
        }
        let lake = delta.lake_version()?.sharing_files_with(&self.tables.lake(Table::HourlyStatistics));
        self.tables.state.advance_hours(Some(lake), scope.seq, scope.sealed);
        Ok(())
    }
}

/// Returns the days of statistics with hours to compute that end by `sealed`, ascending.
fn stale_days(statistics: &LakeVersion, computed: &Materialization, sealed: i64) -> Vec<Day> {
    let sealing = (hours::start_of_hour(computed.watermark), hours::start_of_hour(sealed));
    let stale = computed.stale.iter().flat_map(|(_, touched)| touched.all());
    let stale: Vec<(i64, i64)> = stale.filter(|(from, _)| *from < sealing.1).collect();
    let is_wanted = |day: &&Day| {
        let start = day.start().0;
        let end = start + MICROS_PER_DAY;
        let is_sealing = start.max(sealing.0) < end.min(sealing.1);
        is_sealing || stale.iter().any(|(from, to)| *from < end && *to > start)
    };
    statistics.days().keys().filter(is_wanted).copied().collect()
}

/// Returns the first of the days, and the time by which hours are computed after them. Days that are not cut off would
/// be stale again, so only those are that were never computed.
fn first_part(
    statistics: &LakeVersion,
    mut days: Vec<Day>,
    (computed, sealed): (i64, i64),
) -> (Vec<Day>, i64) {
    let mut rows = 0;
    let last = days.iter().position(|day| {
        rows += statistics.days().get(day).into_iter().flatten().map(|f| f.rows).sum::<u64>();
        rows >= MAX_PART_ROWS && day.start().0 + MICROS_PER_DAY >= computed
    });
    match last {
        Some(last) if last + 1 < days.len() => {
            let end = days[last].start().0 + MICROS_PER_DAY;
            days.truncate(last + 1);
            (days, end.min(sealed))
        }
        _ => (days, sealed),
    }
}

impl HourlyScope {
    /// Returns the work of a day.
    fn plan(&self, day: Day) -> HourlyDayPlan {
        let (start, end) = (day.start().0, day.start().0 + MICROS_PER_DAY);
        let of_stream = |(stream, windows): (&i32, &Windows)| {
            let from = hours::end_of_hour(self.floors.cutoff_of(*stream)).max(start);
            let to = hours::start_of_hour(self.sealed).min(end);
            let stale = self.hours.stale_windows(*stream, hours::hours(), (start, end)).within(from, to);
            let wanted = hours::divided_hours(windows, &stale);
            (!wanted.is_empty()).then_some((*stream, wanted))
        };
        let mut files: Vec<_> = self.statistics.days().get(&day).into_iter().flatten().cloned().collect();
        sort_by_write_order(&mut files);
        HourlyDayPlan { day, files, wanted: self.windows.iter().filter_map(of_stream).collect() }
    }
}

#[cfg(test)]
#[path = "hourly_job_tests.rs"]
mod tests;
