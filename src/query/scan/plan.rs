//! Which files and runs a scan reads, and where they must be merged.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::union::UnionExec;

use super::bounds::Bounds;
use super::files::FileReading;
use super::memory::MemoryRows;
use super::merge::LastWriteWins;
use super::visible::{Visible, VisibleRows};
use crate::domain::time::Day;
use crate::store::lake::file::LakeFile;
use crate::store::memtable::run::Run;
use crate::store::schema::{self, SEQ, STREAM_ID, TS};
use crate::store::snapshot::Snapshot;

/// One scan of `readings`.
pub struct ReadingsScan<'a> {
    pub snapshot: &'a Snapshot,
    pub visible: Arc<Visible>,
    pub bounds: Bounds,
    /// Plain comparisons of stream_id and ts, over `schema::readings()`.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    pub runtime: &'a Arc<RuntimeEnv>,
    /// How many partitions unmerged files are spread over.
    pub partitions: usize,
}

/// What a day holds for a scan.
#[derive(Default)]
struct DaySources {
    files: Vec<Arc<LakeFile>>,
    runs: Vec<Run>,
    needs_merge: bool,
}

impl ReadingsScan<'_> {
    /// Every row in the bounds, in no order; `columns` are indices into `schema::readings()`.
    pub fn plan(&self, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let (mut plain_files, mut plain_runs, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for day in self.days() {
            let sources = self.sources(day);
            if sources.needs_merge {
                parts.push(self.merged(&sources, &read)?);
            } else {
                plain_files.extend(sources.files);
                plain_runs.push(sources.runs);
            }
        }
        if !plain_files.is_empty() {
            parts.push(self.files(&read).scan(spread(plain_files, self.partitions), None)?);
        }
        let runs: Vec<Vec<Run>> = plain_runs.into_iter().filter(|runs| !runs.is_empty()).collect();
        if !runs.is_empty() {
            parts.push(self.memory(runs, &read, None)?);
        }
        let rows = VisibleRows::opaque(self.filtered(parts, &read)?, self.visible.clone(), self.partitions);
        project(Arc::new(rows), &read, columns)
    }

    /// The rows of one day as a single partition sorted by (stream_id, ts).
    pub fn plan_day_sorted(&self, day: Day, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = self.columns_to_read(columns);
        let sources = self.sources(day);
        let parts = match sources.files.is_empty() && sources.runs.is_empty() {
            true => Vec::new(),
            false => vec![self.merged(&sources, &read)?],
        };
        let rows = VisibleRows::new(self.filtered(parts, &read)?, self.visible.clone());
        project(Arc::new(rows), &read, columns)
    }

    /// The days that can hold rows, ascending.
    pub fn days(&self) -> BTreeSet<Day> {
        let known = self.snapshot.lake.days().keys().chain(self.snapshot.memory.keys());
        known.copied().filter(|day| self.bounds.has_day(*day)).collect()
    }

    /// stream_id and ts lead, as `VisibleRows` and `LastWriteWins` expect; seq is read wherever a merge may be.
    fn columns_to_read(&self, columns: &[usize]) -> Vec<usize> {
        let rest = columns.iter().copied().filter(|c| ![STREAM_ID, TS, SEQ].contains(c));
        [STREAM_ID, TS, SEQ].into_iter().chain(rest).collect()
    }

    fn sources(&self, day: Day) -> DaySources {
        let wanted = |f: &&Arc<LakeFile>| {
            self.bounds.overlaps(f.ts)
                && self.bounds.has_stream_between(f.streams)
                && self.visible.any_between(f.streams)
        };
        let files = self.snapshot.lake.days().get(&day).into_iter().flatten();
        let files: Vec<Arc<LakeFile>> = files.filter(wanted).cloned().collect();
        let memory = self.snapshot.memory.get(&day);
        let runs = memory.map(|m| m.runs.clone()).unwrap_or_default();
        let is_late = files.iter().any(|f| f.is_late) || memory.is_some_and(|m| m.is_late);
        let needs_merge = is_late && files.len() + usize::from(!runs.is_empty()) > 1;
        DaySources { files, runs, needs_merge }
    }

    fn files<'a>(&'a self, columns: &'a [usize]) -> FileReading<'a> {
        FileReading {
            snapshot: self.snapshot,
            runtime: self.runtime,
            columns,
            predicate: self.filter.clone(),
        }
    }

    /// One partition per day of runs.
    fn memory(
        &self,
        days: Vec<Vec<Run>>,
        columns: &[usize],
        ordering: Option<LexOrdering>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = projected(columns)?;
        let rows = |runs| {
            let rows = MemoryRows::new(runs, self.bounds.clone(), columns.to_vec(), schema.clone());
            Arc::new(rows) as _
        };
        let partitions = days.into_iter().map(rows).collect();
        let exec = StreamingTableExec::try_new(schema.clone(), partitions, None, ordering, false, None)?;
        Ok(Arc::new(exec))
    }

    /// Sources of one day merged into a single sorted partition without overwritten rows.
    fn merged(&self, sources: &DaySources, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let order = write_order();
        let mut parts = Vec::new();
        if !sources.files.is_empty() {
            let groups = sources.files.iter().map(|f| vec![f.clone()]).collect();
            parts.push(self.files(columns).scan(groups, Some(order.clone()))?);
        }
        if !sources.runs.is_empty() {
            parts.push(self.memory(vec![sources.runs.clone()], columns, Some(order.clone()))?);
        }
        let rows = SortPreservingMergeExec::new(order, union(parts)?);
        Ok(Arc::new(LastWriteWins::new(Arc::new(rows))))
    }

    /// All parts, filtered. Nothing is a plan as well: that there is none must not show above the principal's filter.
    fn filtered(&self, parts: Vec<Arc<dyn ExecutionPlan>>, read: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(projected(read)?)));
        }
        let rows = union(parts)?;
        let Some(filter) = &self.filter else { return Ok(rows) };
        let filter = datafusion::physical_expr::utils::reassign_expr_columns(filter.clone(), &rows.schema())?;
        Ok(Arc::new(FilterExec::try_new(filter, rows)?))
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

/// (stream_id, ts, seq descending) over the columns as read.
fn write_order() -> LexOrdering {
    let by = |name: &str, at, descending| {
        let options = SortOptions { descending, nulls_first: false };
        PhysicalSortExpr::new(Arc::new(Column::new(name, at)), options)
    };
    LexOrdering::new([by("stream_id", 0, false), by("ts", 1, false), by("seq", 2, true)])
        .expect("an ordering of three expressions is not empty")
}

/// Files over `partitions` groups of about equal bytes.
fn spread(mut files: Vec<Arc<LakeFile>>, partitions: usize) -> Vec<Vec<Arc<LakeFile>>> {
    files.sort_by_key(|f| std::cmp::Reverse(f.bytes));
    let mut groups: Vec<(u64, Vec<Arc<LakeFile>>)> = vec![(0, Vec::new()); partitions.max(1)];
    for file in files {
        let smallest = groups.iter_mut().min_by_key(|(bytes, _)| *bytes).expect("there is a group");
        smallest.0 += file.bytes;
        smallest.1.push(file);
    }
    groups.into_iter().map(|(_, files)| files).filter(|files| !files.is_empty()).collect()
}
