//! Which files and runs a scan reads, and where they must be merged.

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
use super::lake::LakeRows;
use super::lake_file::Reading;
use super::memory::MemoryRows;
use super::merge::LastWriteWins;
use super::visible::{Visible, VisibleRows};
use crate::domain::time::Day;
use crate::query::session::View;
use crate::store::lake::batch_rows::BATCH_BYTES;
use crate::store::lake::file::{LakeFile, order_by_writes};
use crate::store::memtable::run::Run;
use crate::store::schema::{self, STREAM_ID, TS};

/// One scan of `readings`.
#[derive(Clone)]
pub struct ReadingsScan {
    pub view: View,
    /// Whose rows, and from when on.
    pub visible: Arc<Visible>,
    pub bounds: Bounds,
    /// What the bounds do not say whole of plain comparisons of stream_id and ts; over `schema::readings()`.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    /// How many partitions rows without order are spread over, and how many files of an order are decoded at once.
    pub partitions: usize,
}

/// What a day holds for a scan.
#[derive(Default)]
struct DaySources {
    files: Vec<Arc<LakeFile>>,
    runs: Vec<Run>,
    needs_merge: bool,
}

impl ReadingsScan {
    /// Every row in the bounds, in no order; `columns` are indices into `schema::readings()`.
    pub fn plan(&self, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let (mut files, mut runs, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        self.count_lake();
        for day in self.days() {
            let sources = self.sources(day);
            if sources.needs_merge {
                parts.push(self.merged(sources, &read)?);
            } else {
                files.extend(sources.files);
                runs.push(sources.runs);
            }
        }
        if !files.is_empty() {
            parts.push(Arc::new(LakeRows::spread(self.reading(&read), files, self.partitions)?) as _);
        }
        runs.retain(|runs| !runs.is_empty());
        if !runs.is_empty() {
            parts.push(self.memory(runs, &read)?);
        }
        let rows = self.filtered(parts, &read)?;
        let rows = VisibleRows::leaf(rows, self.visible.clone(), self.partitions);
        project(Arc::new(rows), &read, columns)
    }

    /// The rows of one day as a single partition, those of each stream by time.
    pub fn plan_day(&self, day: Day, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let parts = self.in_turn([day], &read)?;
        let rows = VisibleRows::leaf(self.filtered(parts, &read)?, self.visible.clone(), 1);
        project(Arc::new(rows), &read, columns)
    }

    /// The rows of the one stream that the bounds name, as a single partition by time.
    pub fn plan_stream(&self, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        self.count_lake();
        let parts = self.in_turn(self.days(), &read)?;
        let rows = VisibleRows::leaf(self.filtered(parts, &read)?, self.visible.clone(), 1);
        project(Arc::new(rows), &read, columns)
    }

    /// The same within times of its bounds.
    pub fn within(&self, ts: (i64, i64)) -> Self {
        Self { bounds: Bounds { ts, ..self.bounds.clone() }, ..self.clone() }
    }

    /// Notes for the query log how many files there are; those that are looked into are noted as they are chosen.
    pub fn count_lake(&self) {
        self.view.tally.meter.scan_lake(self.view.snapshot.lake.files().count());
    }

    /// The rows of ascending days, partition after partition, those of each stream by time.
    ///
    /// Files of a day that are not late hold rows of ever later times for each stream, in the order in which they were
    /// written, and memory holds later ones still: one after the other they need no merge.
    fn in_turn(
        &self,
        days: impl IntoIterator<Item = Day>,
        read: &[usize],
    ) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        let (mut parts, mut files) = (Vec::new(), Vec::new());
        for day in days {
            let mut sources = self.sources(day);
            if sources.needs_merge {
                parts.extend(self.files_in_turn(std::mem::take(&mut files), read)?);
                parts.push(self.merged(sources, read)?);
                continue;
            }
            order_by_writes(&mut sources.files);
            files.append(&mut sources.files);
            if !sources.runs.is_empty() {
                parts.extend(self.files_in_turn(std::mem::take(&mut files), read)?);
                parts.push(self.memory(vec![sources.runs], read)?);
            }
        }
        parts.extend(self.files_in_turn(files, read)?);
        Ok(parts)
    }

    /// One partition, if there are any.
    fn files_in_turn(
        &self,
        files: Vec<Arc<LakeFile>>,
        read: &[usize],
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if files.is_empty() {
            return Ok(None);
        }
        let rows = LakeRows::in_turn(self.reading(read), files, self.partitions)?;
        Ok(Some(Arc::new(rows)))
    }

    /// The rows of one day as a single partition sorted by (stream_id, ts).
    pub fn plan_day_sorted(&self, day: Day, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let sources = self.sources(day);
        let is_one = sources.files.len() + usize::from(!sources.runs.is_empty()) == 1;
        if is_one {
            return self.plan_day(day, columns);
        }
        let is_none = sources.files.is_empty() && sources.runs.is_empty();
        let parts = if is_none { Vec::new() } else { vec![self.merged(sources, &read)?] };
        let rows = VisibleRows::leaf(self.filtered(parts, &read)?, self.visible.clone(), 1);
        project(Arc::new(rows), &read, columns)
    }

    /// The days that can hold rows, ascending.
    pub fn days(&self) -> BTreeSet<Day> {
        let snapshot = &self.view.snapshot;
        let known = snapshot.lake.days().keys().chain(snapshot.memory.keys());
        known.copied().filter(|day| self.bounds.has_day(*day) && !self.bounds.is_empty()).collect()
    }

    /// stream_id leads, and ts where it is needed, as `VisibleRows` expects; with them is what the filter needs.
    fn columns_to_read(&self, columns: &[usize]) -> Vec<usize> {
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

    fn sources(&self, day: Day) -> DaySources {
        let snapshot = &self.view.snapshot;
        let files = snapshot.lake.days().get(&day).into_iter().flatten();
        let files: Vec<Arc<LakeFile>> = files.filter(|file| self.wants(file)).cloned().collect();
        let memory = snapshot.memory.get(&day);
        let runs = memory.map(|m| m.runs.clone()).unwrap_or_default();
        let is_late = files.iter().any(|f| f.is_late) || memory.is_some_and(|m| m.is_late);
        let needs_merge = is_late && files.len() + usize::from(!runs.is_empty()) > 1;
        self.view.tally.meter.scan_files(files.len());
        DaySources { files, runs, needs_merge }
    }

    /// Whether a file can hold rows of it.
    pub(super) fn wants(&self, file: &LakeFile) -> bool {
        self.bounds.overlaps(file.ts)
            && self.bounds.has_stream_between(file.streams)
            && self.visible.any_between(file.streams, file.ts.1)
    }

    fn reading(&self, columns: &[usize]) -> Reading {
        Reading {
            snapshot: self.view.snapshot.clone(),
            bounds: Arc::new(self.bounds.clone()),
            columns: columns.to_vec(),
            batch_bytes: BATCH_BYTES,
            meter: self.view.tally.meter.clone(),
        }
    }

    /// One partition per day of runs.
    fn memory(&self, days: Vec<Vec<Run>>, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = projected(columns)?;
        let rows = |runs| {
            let rows = MemoryRows::new(runs, self.bounds.clone(), columns.to_vec(), schema.clone());
            Arc::new(rows) as _
        };
        let partitions = days.into_iter().map(rows).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema.clone(), partitions, None, None, false, None)?))
    }

    /// Sources of one day merged into a single sorted partition without overwritten rows; the columns `read` of it.
    fn merged(&self, sources: DaySources, read: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let DaySources { mut files, runs, .. } = sources;
        // stream_id leads already.
        let rest = read.iter().copied().filter(|c| ![STREAM_ID, TS].contains(c));
        let columns: Vec<usize> = [STREAM_ID, TS].into_iter().chain(rest).collect();
        let mut parts = Vec::new();
        if !files.is_empty() {
            order_by_writes(&mut files);
            // An overwritten value must not come back because the one that replaced it is in a page left out.
            let bounds = Arc::new(Bounds { value: None, ..self.bounds.clone() });
            let reading = Reading { bounds, ..self.reading(&columns) };
            parts.push(Arc::new(LakeRows::each(reading, &files)?) as _);
        }
        if !runs.is_empty() {
            parts.push(self.memory(vec![runs], &columns)?);
        }
        project(Arc::new(LastWriteWins::new(union(parts)?)), &columns, read)
    }

    /// All parts, filtered. Nothing is a plan as well: that there is none must not show above the principal's filter.
    fn filtered(&self, parts: Vec<Arc<dyn ExecutionPlan>>, read: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(projected(read)?)));
        }
        let rows = union(parts)?;
        let Some(filter) = &self.filter else { return Ok(rows) };
        let filter = datafusion::physical_expr::utils::reassign_expr_columns(filter.clone(), &rows.schema())?;
        Ok(Arc::new(FilterExec::try_new(filter, rows)?.with_batch_size(self.view.texts.rows())?))
    }
}

/// The columns asked for, of those read.
fn project(
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
