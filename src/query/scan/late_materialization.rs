//! Late materialization of a few pages: the key of every row is decoded first, then the other columns of only the rows
//! whose key matches. Skipping rows of a page costs far less than decoding them: a page holds hours of a stream, and the
//! first and last page of a range often need only a minute of that.

use std::ops::Range;
use std::sync::Arc;
use std::vec::IntoIter;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use datafusion::common::internal_err;
use datafusion::error::Result;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::bounds::Bounds;
use super::projection::FileProjection;
use super::row_ranges;
use crate::store::lake::page_fetch::FetchedPages;
use crate::store::lake::page_pruning::RowGroupSelection;

/// Keys decoded at a time: those of four pages.
pub const MAX_STEP_ROWS: usize = 32 * 1024;

/// Reads the rows of pages within bounds, in file order, with `batch_rows` rows of the other columns at a time.
pub fn read(
    pages: FetchedPages,
    layout: FileProjection,
    bounds: Arc<Bounds>,
    batch_rows: usize,
) -> impl Iterator<Item = Result<RecordBatch>> + Send {
    let steps = steps(pages.groups());
    let mut by_key =
        LateMaterializer { pages, layout, bounds, batch_rows, steps: steps.into_iter(), open: None };
    std::iter::from_fn(move || by_key.next().transpose())
}

/// The state of a two-step read.
struct LateMaterializer {
    pages: FetchedPages,
    layout: FileProjection,
    bounds: Arc<Bounds>,
    batch_rows: usize,
    steps: IntoIter<Vec<RowGroupSelection>>,
    /// Matching keys of a step that are not yet returned, and the reader of their other columns.
    open: Option<(RecordBatch, ParquetRecordBatchReader)>,
}

impl LateMaterializer {
    /// Returns the next matching rows; `None` at the end.
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some((keys, rest)) = &mut self.open
                && let Some(rest) = rest.next().transpose()?
            {
                let count = rest.num_rows();
                if count > keys.num_rows() {
                    return internal_err!("a file has more rows than keys");
                }
                let of_rest = keys.slice(0, count);
                *keys = keys.slice(count, keys.num_rows() - count);
                return joined(&self.layout, &of_rest, &rest).map(Some);
            }
            if self.open.take().is_some_and(|(keys, _)| keys.num_rows() > 0) {
                return internal_err!("a file has more keys than rows");
            }
            let Some(step) = self.steps.next() else { return Ok(None) };
            if let Some(keys) = self.start_step(&step)? {
                return Ok(Some(keys));
            }
        }
    }

    /// Decodes the keys of a step, and returns them if no other columns are needed.
    fn start_step(&mut self, step: &[RowGroupSelection]) -> Result<Option<RecordBatch>> {
        let (key, rest) = self.layout.key_and_rest();
        let keys = keys(&self.pages, step, key)?;
        let kept = row_ranges::matching_ranges(&keys, self.layout.ts_index(), &self.bounds);
        if kept.is_empty() {
            return Ok(None);
        }
        let keys = row_ranges::take_ranges(keys, &kept)?;
        if rest.is_empty() {
            return self.layout.project(&keys).map(Some);
        }
        self.open = Some((keys, self.pages.read_part(&narrow_groups(step, &kept), rest, self.batch_rows)?));
        Ok(None)
    }
}

/// Joins keys and the other columns of the same rows, in output order.
fn joined(layout: &FileProjection, keys: &RecordBatch, rest: &RecordBatch) -> Result<RecordBatch> {
    let (of_keys, of_rest) = (keys.schema(), rest.schema());
    let schema = Schema::new(of_keys.fields().iter().chain(of_rest.fields()).cloned().collect::<Vec<_>>());
    let columns = keys.columns().iter().chain(rest.columns()).cloned().collect();
    layout.project(&RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Decodes the keys of a step as one batch.
fn keys(pages: &FetchedPages, step: &[RowGroupSelection], columns: &[usize]) -> Result<RecordBatch> {
    let reader = pages.read_part(step, columns, selected(step))?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

fn selected(step: &[RowGroupSelection]) -> usize {
    step.iter().map(RowGroupSelection::selected).sum()
}

/// Splits the rows of groups into steps of limited size.
fn steps(groups: &[RowGroupSelection]) -> Vec<Vec<RowGroupSelection>> {
    let (mut steps, mut step): (Vec<Vec<RowGroupSelection>>, Vec<RowGroupSelection>) =
        (Vec::new(), Vec::new());
    for group in groups {
        for range in &group.ranges {
            for start in range.clone().step_by(MAX_STEP_ROWS) {
                let part = start..range.end.min(start + MAX_STEP_ROWS);
                if selected(&step) + part.len() > MAX_STEP_ROWS {
                    steps.push(std::mem::take(&mut step));
                }
                match step.last_mut() {
                    Some(last) if last.index == group.index => last.ranges.push(part),
                    _ => step.push(RowGroupSelection {
                        index: group.index,
                        rows: group.rows,
                        ranges: vec![part],
                    }),
                }
            }
        }
    }
    steps.extend((!step.is_empty()).then_some(step));
    steps
}

/// Narrows a step to some of its rows; `kept` numbers its rows consecutively.
fn narrow_groups(step: &[RowGroupSelection], kept: &[Range<usize>]) -> Vec<RowGroupSelection> {
    let (mut groups, mut start) = (Vec::new(), 0);
    for group in step {
        let mut ranges = Vec::new();
        for range in &group.ranges {
            let end = start + range.len();
            // Of the ascending ranges, those that overlap this one.
            let first = kept.partition_point(|kept| kept.end <= start);
            let within = kept[first..].iter().take_while(|kept| kept.start < end);
            let place = |row: usize| range.start + row - start;
            ranges.extend(within.map(|kept| place(kept.start.max(start))..place(kept.end.min(end))));
            start = end;
        }
        if !ranges.is_empty() {
            groups.push(RowGroupSelection { index: group.index, rows: group.rows, ranges });
        }
    }
    groups
}

#[cfg(test)]
#[path = "late_materialization_tests.rs"]
mod tests;
