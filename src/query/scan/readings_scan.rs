//! Plans a scan of `readings`: which files and runs it reads, and which of them it must merge.
//!
//! Pruning has three steps: of days (`days`), of whole files by their entry in the Delta log (`unpruned_files`), and of
//! row groups and pages by footers and page indexes when a file is opened (`bounds_pruning.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::union::UnionExec;

use super::bounds::Bounds;
use super::file_scan::{FilePartition, FileScan};
use super::lake_scan::LakeScan;
use super::last_write_wins::LastWriteWinsExec;
use super::memtable_scan::MemtableScan;
use super::row_group_reader::MAX_BYTES_AHEAD;
use super::row_security::{VisibleRows, VisibleStreams};
use super::scan_sources::{MergedDay, ScanSources};
use super::text_batch_size::longest_text_in_files;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::query::context::QueryContext;
use crate::store::lake::batch_rows::TARGET_BATCH_BYTES;
use crate::store::lake::file::{LakeFile, sort_by_write_order};
use crate::store::memtable::run::Run;
use crate::store::schema::{self, STREAM_ID, TS};

/// One scan of `readings`.
#[derive(Clone)]
pub struct ReadingsScan {
    pub query_context: QueryContext,
    /// The visible streams and the start of their retention.
    pub visible: Arc<VisibleStreams>,
    pub bounds: Bounds,
    /// The plain comparisons of stream_id and ts that the bounds do not express exactly; over `schema::readings()`.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    /// Number of partitions of an unordered scan, and of files decoded concurrently by an ordered one.
    pub partitions: usize,
}

/// The files and memtable runs of a day.
#[derive(Default)]
struct DaySources {
    files: Vec<Arc<LakeFile>>,
    runs: Vec<Run>,
    needs_merge: bool,
}

impl From<DaySources> for MergedDay {
    fn from(DaySources { files, runs, .. }: DaySources) -> Self {
        MergedDay { files, runs }
    }
}

impl ReadingsScan {
    /// Plans every row within the bounds, unordered; `columns` are indices into `schema::readings()`.
    pub fn plan(&self, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let rows = self.visible_rows(self.sources(), &read)?.into_exec();
        project(Arc::new(rows), &read, columns)
    }

    /// Selects what the scan reads, and counts the files for the query log.
    pub fn sources(&self) -> ScanSources {
        let mut sources = ScanSources::default();
        self.record_snapshot_files();
        for day in self.days() {
            let day = self.sources_of(day);
            if day.needs_merge {
                sources.merged.push(day.into());
                continue;
            }
            let DaySources { files, runs, .. } = day;
            sources.files.extend(files.into_iter().map(FilePartition::whole));
            if !runs.is_empty() {
                sources.runs.push(runs);
            }
        }
        sources
    }

    /// Plans the visible rows of sources, unordered; `read` starts with stream_id.
    pub fn visible_rows(&self, sources: ScanSources, read: &[usize]) -> Result<VisibleRows> {
        let ScanSources { files, runs, merged } = sources;
        let mut parts = Vec::new();
        for day in merged {
            parts.push(self.merged(day, read)?);
        }
        if !files.is_empty() {
            parts.push(Arc::new(LakeScan::partitioned(self.file_scan(read), files, self.partitions)?) as _);
        }
        if !runs.is_empty() {
            parts.push(self.memtable_scan(runs, read)?);
        }
        Ok(VisibleRows::new(self.filtered(parts, read)?, self.visible.clone(), self.partitions))
    }

    /// Plans the rows of one day as a single partition, ordered by time within each stream.
    pub fn plan_day(&self, day: Day, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let parts = self.plan_days_in_order([day], &read)?;
        let rows = VisibleRows::new(self.filtered(parts, &read)?, self.visible.clone(), 1).into_exec();
        project(Arc::new(rows), &read, columns)
    }

    /// Plans the rows of the only stream in the bounds as a single partition ordered by time.
    pub fn plan_stream(&self, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        self.record_snapshot_files();
        let parts = self.plan_days_in_order(self.days(), &read)?;
        let rows = VisibleRows::new(self.filtered(parts, &read)?, self.visible.clone(), 1).into_exec();
        project(Arc::new(rows), &read, columns)
    }

    /// Returns this scan with other time bounds.
    pub fn within(&self, ts: MinMax<i64>) -> Self {
        Self { bounds: Bounds { ts, ..self.bounds.clone() }, ..self.clone() }
    }

    /// Records the number of files for the query log; files that are read are counted as they are selected.
    pub fn record_snapshot_files(&self) {
        self.query_context
            .tracker
            .scan_metrics
            .add_files_in_snapshot(self.query_context.snapshot.lake.files().count());
    }

    /// Plans the rows of ascending days, partition after partition, ordered by time within each stream.
    ///
    /// Within a day, files that are not late contain ever later times of each stream, in the order of their writing,
    /// and memtables contain later ones still: in sequence they need no merge.
    fn plan_days_in_order(
        &self,
        days: impl IntoIterator<Item = Day>,
        read: &[usize],
    ) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        let (mut parts, mut files) = (Vec::new(), Vec::new());
        for day in days {
            let mut sources = self.sources_of(day);
            if sources.needs_merge {
                parts.extend(self.plan_files_in_order(std::mem::take(&mut files), read)?);
                parts.push(self.merged(sources.into(), read)?);
                continue;
            }
            sort_by_write_order(&mut sources.files);
            files.append(&mut sources.files);
            if !sources.runs.is_empty() {
                parts.extend(self.plan_files_in_order(std::mem::take(&mut files), read)?);
                parts.push(self.memtable_scan(vec![sources.runs], read)?);
            }
        }
        parts.extend(self.plan_files_in_order(files, read)?);
        Ok(parts)
    }

    /// Scans the files as one partition; `None` without files.
    fn plan_files_in_order(
        &self,
        files: Vec<Arc<LakeFile>>,
        read: &[usize],
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if files.is_empty() {
            return Ok(None);
        }
        let rows = LakeScan::sequential(self.file_scan(read), files, self.partitions)?;
        Ok(Some(Arc::new(rows)))
    }

    /// Plans the rows of one day as a single partition sorted by (stream_id, ts).
    pub fn plan_day_sorted(&self, day: Day, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let sources = self.sources_of(day);
        let is_one = sources.files.len() + usize::from(!sources.runs.is_empty()) == 1;
        if is_one {
            return self.plan_day(day, columns);
        }
        let is_none = sources.files.is_empty() && sources.runs.is_empty();
        let parts = if is_none { Vec::new() } else { vec![self.merged(sources.into(), &read)?] };
        let rows = VisibleRows::new(self.filtered(parts, &read)?, self.visible.clone(), 1).into_exec();
        project(Arc::new(rows), &read, columns)
    }

    /// Returns the days that can contain rows, ascending.
    pub fn days(&self) -> BTreeSet<Day> {
        let snapshot = &self.query_context.snapshot;
        let known = snapshot.lake.days().keys().chain(snapshot.memory.keys());
        known.copied().filter(|day| self.bounds.has_day(*day) && !self.bounds.is_empty()).collect()
    }

    /// Puts stream_id first, then ts where `VisibleRows` needs it, and adds the columns of the filter.
    pub fn columns_to_read(&self, columns: &[usize]) -> Vec<usize> {
        let of_filter = self.filter.is_some().then_some(TS);
        let of_retention = self.visible.needs_time().then_some(TS);
        let rest = of_retention.into_iter().chain(columns.iter().copied()).chain(of_filter);
        let rest = rest.filter(|c| *c != STREAM_ID);
        let mut read = vec![STREAM_ID];
        for column in rest {
            if !read.contains(&column) {
                read.push(column);
            }
        }
        read
    }

    fn sources_of(&self, day: Day) -> DaySources {
        let snapshot = &self.query_context.snapshot;
        let files: Vec<Arc<LakeFile>> = self.unpruned_files(day).cloned().collect();
        let memory = snapshot.memory.get(&day);
        let runs = memory.map(|m| m.runs.clone()).unwrap_or_default();
        let is_late = files.iter().any(|f| f.is_late) || memory.is_some_and(|m| m.is_late);
        let needs_merge = is_late && files.len() + usize::from(!runs.is_empty()) > 1;
        self.query_context.tracker.scan_metrics.add_files_scanned(files.len());
        DaySources { files, runs, needs_merge }
    }

    /// Returns the files of a day that are left after pruning: those that can contain rows of this scan.
    fn unpruned_files(&self, day: Day) -> impl Iterator<Item = &Arc<LakeFile>> {
        let files = self.query_context.snapshot.lake.days().get(&day).into_iter().flatten();
        files.filter(|file| self.file_survives_pruning(file))
    }

    /// Whether a file can contain rows of this scan: of its times, of its streams, and visible to the principal.
    fn file_survives_pruning(&self, file: &LakeFile) -> bool {
        self.bounds.ts.overlaps(file.ts)
            && self.bounds.has_stream_within(file.streams)
            && self.visible.file_survives_pruning(file.streams, file.ts.max)
    }

    fn file_scan(&self, columns: &[usize]) -> FileScan {
        FileScan {
            snapshot: self.query_context.snapshot.clone(),
            bounds: Arc::new(self.bounds.clone()),
            columns: columns.to_vec(),
            batch_bytes: TARGET_BATCH_BYTES,
            ahead_bytes: MAX_BYTES_AHEAD,
            metrics: self.query_context.tracker.scan_metrics.clone(),
        }
    }

    /// Scans runs with one partition per day.
    fn memtable_scan(&self, days: Vec<Vec<Run>>, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = projected(columns)?;
        let rows = |runs| {
            let rows = MemtableScan::new(runs, self.bounds.clone(), columns.to_vec(), schema.clone());
            Arc::new(rows) as _
        };
        let partitions = days.into_iter().map(rows).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema.clone(), partitions, None, None, false, None)?))
    }

    /// Merges the sources of one day into a single sorted partition without overwritten rows, projected to `read`.
    fn merged(&self, day: MergedDay, read: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let MergedDay { mut files, runs } = day;
        // stream_id is already first.
        let rest = read.iter().copied().filter(|c| ![STREAM_ID, TS].contains(c));
        let columns: Vec<usize> = [STREAM_ID, TS].into_iter().chain(rest).collect();
        let mut parts = Vec::new();
        if !files.is_empty() {
            sort_by_write_order(&mut files);
            // An overwritten value must not come back because its replacement is in a pruned page.
            let bounds = Arc::new(Bounds { value: None, ..self.bounds.clone() });
            let reading = FileScan { bounds, ..self.file_scan(&columns) };
            parts.push(Arc::new(LakeScan::one_partition_per_file(reading, &files)?) as _);
        }
        if !runs.is_empty() {
            parts.push(self.memtable_scan(vec![runs], &columns)?);
        }
        project(Arc::new(LastWriteWinsExec::new(union(parts)?)), &columns, read)
    }

    /// Unions and filters the parts. Zero parts make a plan as well: the absence of rows must not show above the
    /// principal's filter.
    fn filtered(&self, parts: Vec<Arc<dyn ExecutionPlan>>, read: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(projected(read)?)));
        }
        let rows = union(parts)?;
        let Some(filter) = &self.filter else { return Ok(rows) };
        let filter = datafusion::physical_expr::utils::reassign_expr_columns(filter.clone(), &rows.schema())?;
        Ok(Arc::new(
            FilterExec::try_new(filter, rows)?.with_batch_size(self.query_context.text_batch_size.rows())?,
        ))
    }

    /// Records the longest text that this scan can read, for the operators above it.
    pub fn record_text_lengths(&self) {
        let (snapshot, days) = (&self.query_context.snapshot, self.days());
        let files = days.iter().flat_map(|day| self.unpruned_files(*day));
        self.query_context.text_batch_size.record(longest_text_in_files(files));
        let runs = days.iter().filter_map(|day| snapshot.memory.get(day)).flat_map(|day| &day.runs);
        self.query_context.text_batch_size.record(runs.map(|run| run.longest_text()).max().unwrap_or(0));
    }
}

/// Projects the columns that were read to those requested.
pub fn project(
    rows: Arc<dyn ExecutionPlan>,
    read: &[usize],
    columns: &[usize],
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = schema::readings();
    let place = |column: &usize| read.iter().position(|r| r == column);
    let wanted = columns.iter().filter_map(|column| {
        let name = schema.field(*column).name();
        place(column).map(|at| (Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>, name.clone()))
    });
    Ok(Arc::new(ProjectionExec::try_new(wanted.collect::<Vec<_>>(), rows)?))
}

fn projected(columns: &[usize]) -> Result<SchemaRef> {
    Ok(Arc::new(schema::readings().project(columns)?))
}

fn union(mut parts: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    if parts.len() == 1 { Ok(parts.swap_remove(0)) } else { UnionExec::try_new(parts) }
}
