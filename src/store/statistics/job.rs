//! Background job that computes statistics of completed windows, and again of windows that late readings touch, after flushes. Hours
//! follow in a second pass.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::compute_day::{DayPlan, WindowsToCompute, span};
use super::hourly_job::HourlyJob;
use super::materialization::Materialization;
use super::{day_partitions, points};
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::progress::Progress;
use crate::domain::retention::Cutoffs;
use crate::domain::time::{Day, MICROS_PER_DAY, MICROS_PER_SECOND};
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

/// A window stays open this long after its end, because live readings are still arriving.
const ALLOWED_LATENESS_US: i64 = 2 * MICROS_PER_SECOND;

/// The statistics job. The caller must run nothing else that replaces files at the same time.
pub struct StatisticsJob {
    pub tables: Arc<TableSet>,
    pub catalog: Arc<Catalog>,
    pub priority: WorkPriority,
    /// Approximate number of files open at once. More are opened where more files overlap.
    pub fan_in: usize,
    /// Counts days; cancelling it ends the job.
    pub progress: Progress,
}

/// Input of one run of the job.
struct StatisticsScope {
    lake: Arc<LakeVersion>,
    known: Arc<LakeVersion>,
    computed: Materialization,
    /// Windows that end by this time are computed.
    sealed: i64,
    /// Every row of the lake up to this seq is covered.
    seq: u64,
    windows: HashMap<i32, Windows>,
    /// Rows before these cutoffs may have been removed, so their windows are incomplete.
    floors: [Cutoffs; 2],
    fan_in: usize,
}

impl StatisticsJob {
    /// Computes stale windows from flushed rows, and stale hours from windows. Returns the number of windows written.
    pub async fn run(&self) -> Result<u64> {
        let windows = self.run_windows().await?;
        self.run_hours().await?;
        Ok(windows)
    }

    /// Computes stale hours from windows, which must have been computed.
    pub async fn run_hours(&self) -> Result<()> {
        let (tables, catalog) = (&self.tables, self.catalog.as_ref());
        HourlyJob { tables, catalog, priority: self.priority, progress: &self.progress }.run().await
    }

    /// Computes stale windows from flushed rows. Returns the number of windows written.
    pub async fn run_windows(&self) -> Result<u64> {
        let started = Instant::now();
        let table = Table::Statistics;
        self.tables.publish_committed(table, &mut self.tables.lock().await[table]).await?;
        let Some(scope) = self.scope().await? else { return Ok(0) };
        let scope = Arc::new(scope);
        let files = self.compute(scope.clone()).await?;
        self.commit(&scope, &files).await?;
        let windows = files.iter().map(|f| f.rows).sum();
        let ms = started.elapsed().as_millis();
        tracing::debug!(windows, files = files.len(), ms, seq = scope.seq, "statistics computed");
        Ok(windows)
    }

    /// Determines the scope; `None` when nothing can have changed.
    async fn scope(&self) -> Result<Option<StatisticsScope>> {
        let FlushedState { readings: lake, statistics: known, materialization: computed, seq, .. } =
            self.tables.state.flushed();
        let sealed = computed.watermark.max(self.tables.clock().now().0 - ALLOWED_LATENESS_US);
        let is_idle = computed.stale.is_empty() && lake.days().is_empty();
        if is_idle || (computed.stale.is_empty() && sealed - computed.watermark < MICROS_PER_SECOND) {
            return Ok(None);
        }
        let windows = self.catalog.streams.all_windows();
        let floors =
            [Table::Readings, Table::Statistics].map(|table| self.catalog.retention.retention_floors(table));
        Ok(Some(StatisticsScope { lake, known, computed, sealed, seq, windows, floors, fan_in: self.fan_in }))
    }

    /// Computes the windows. The files are durable on return, but not yet part of the table.
    async fn compute(&self, scope: Arc<StatisticsScope>) -> Result<Vec<LakeFile>> {
        let (tables, progress) = (self.tables.clone(), self.progress.clone());
        let work = move |mut pace: CpuThrottle| {
            let (disk, dir) = (tables.disk(), tables.dir(Table::Readings).clone());
            // Successive runs read small parts of the same files.
            let cache = Some(tables.cache().clone());
            let columns = Some(points::COLUMNS.to_vec());
            let from = TableReader {
                cache,
                columns,
                ..TableReader::whole_files(disk.clone(), dir, Table::Readings)
            };
            let to = tables.dir(Table::Statistics);
            let mut batch = FsyncBatch::new(disk);
            let days = scope.days();
            progress.begin("computing statistics, days", days.len() as u64);
            for day in days {
                for plan in scope.plans(day) {
                    let parts = plan.run(&from, to, &mut pace)?;
                    parts.into_iter().try_for_each(|part| batch.add(part))?;
                }
                progress.advance(1)?;
            }
            batch.finish()
        };
        CpuThrottle::run_on_thread(self.priority, work).await
    }

    async fn commit(&self, scope: &StatisticsScope, files: &[LakeFile]) -> Result<()> {
        let mut deltas = self.tables.lock().await;
        let delta = &mut deltas[Table::Statistics];
        let positions = [(TxnWatermark::Computed, scope.seq as i64), (TxnWatermark::Sealed, scope.sealed)];
        // Without rows only the clock has moved, which need not survive a restart.
        if !files.is_empty() || scope.seq > scope.computed.seq {
            let now_ms = self.tables.now_ms();
            if let Err(e) = delta.commit(files, &positions, now_ms).await {
                // The commit may have succeeded although it returned an error.
                delta.reload().await?;
                if !delta.lake_version()?.holds(files) || files.is_empty() {
                    self.tables.discard_uncommitted(Table::Statistics, delta, files).await;
                    return Err(e);
                }
            }
            let lake = delta.lake_version()?.sharing_files_with(&self.tables.lake(Table::Statistics));
            self.tables.state.advance_materialization(Some(lake), scope.seq, scope.sealed);
        } else {
            self.tables.state.advance_materialization(None, scope.seq, scope.sealed);
        }
        Ok(())
    }
}

impl StatisticsScope {
    /// Returns the days of the lake with windows to compute.
    fn days(&self) -> Vec<Day> {
        let sealing = (self.computed.watermark, self.sealed);
        let stale: Vec<(i64, i64)> = self.computed.stale.iter().flat_map(|(_, t)| t.all()).collect();
        let is_wanted = |day: &&Day| {
            let start = day.start().0;
            let end = start + MICROS_PER_DAY;
            // A window that has ended by now may have begun up to a day before the last watermark.
            let is_sealing = start < sealing.1 && end > sealing.0.saturating_sub(MICROS_PER_DAY);
            is_sealing || stale.iter().any(|(from, to)| *from < end && *to > start)
        };
        self.lake.days().keys().filter(is_wanted).copied().collect()
    }

    /// Returns the time from which a stream's windows are computed: raw rows are complete there, and the result is
    /// retained.
    fn floor(&self, stream: i32, windows: &Windows) -> i64 {
        let [readings, statistics] = &self.floors;
        let from = statistics.cutoff_of(stream);
        let (start, end) = windows.window_containing(from);
        readings.cutoff_of(stream).max(if start < from { end } else { from })
    }

    /// Returns the work of a day, split into parts.
    fn plans(&self, day: Day) -> Vec<DayPlan> {
        let wanted = self.wanted(day);
        let Some((from, to)) = span(&wanted) else { return Vec::new() };
        let of_day = || self.lake.days().get(&day).into_iter().flatten();
        let within = MinMax::new(from, to - 1);
        let times: Vec<MinMax<i64>> = of_day().map(|f| f.ts).filter(|ts| ts.overlaps(within)).collect();
        let cuts = day_partitions::split_times(&times, self.fan_in);
        let starts = std::iter::once(i64::MIN).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([i64::MAX]);
        let newest_known = self.known.days().get(&day).into_iter().flatten().map(|f| f.ts.max).max();
        let plan = |part: (i64, i64)| {
            let wanted: WindowsToCompute = wanted
                .iter()
                .map(|(stream, (windows, all))| {
                    (*stream, windows, day_partitions::windows_starting_in(all, windows, part))
                })
                .filter(|(.., ranges)| !ranges.is_empty())
                .map(|(stream, windows, ranges)| (stream, (windows.clone(), ranges)))
                .collect();
            let (from, to) = span(&wanted)?;
            let within = MinMax::new(from, to - 1);
            let mut files: Vec<_> = of_day().filter(|f| f.ts.overlaps(within)).cloned().collect();
            sort_by_write_order(&mut files);
            (!files.is_empty()).then_some(DayPlan { day, files, wanted, newest_known, seq: self.seq })
        };
        starts.zip(ends).filter_map(plan).collect()
    }

    /// Returns the windows to compute within a day.
    fn wanted(&self, day: Day) -> WindowsToCompute {
        let start = day.start().0;
        let of_stream = |(stream, windows): (&i32, &Windows)| {
            let stale = self.computed.stale_windows(*stream, windows, (start, start + MICROS_PER_DAY));
            let over = stale.within(self.floor(*stream, windows), windows.window_containing(self.sealed).0);
            (!over.is_empty()).then(|| (*stream, (windows.clone(), over)))
        };
        self.windows.iter().filter_map(of_stream).collect()
    }
}
