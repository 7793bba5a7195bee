//! A few pages of a file in two steps: the key of every row is decoded, and of the other columns the rows that the key
//! says are wanted. To pass over rows of a page costs far less than to decode them, and an edge of a range wants a minute
//! of the hours in a page.

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
use super::cut;
use super::layout::Layout;
use crate::store::lake::chunks::Pages;
use crate::store::lake::pages::Group;

/// Keys decoded at a time: of four pages.
const STEP_ROWS: usize = 32 * 1024;

/// The rows of pages within bounds, in the order of the file; of what is not key so many at a time.
pub fn read(
    pages: Pages,
    layout: Layout,
    bounds: Arc<Bounds>,
    batch_rows: usize,
) -> impl Iterator<Item = Result<RecordBatch>> + Send {
    let steps = steps(pages.groups());
    let mut by_key = ByKey { pages, layout, bounds, batch_rows, steps: steps.into_iter(), open: None };
    std::iter::from_fn(move || by_key.next().transpose())
}

/// Pages that are being read.
struct ByKey {
    pages: Pages,
    layout: Layout,
    bounds: Arc<Bounds>,
    batch_rows: usize,
    steps: IntoIter<Vec<Group>>,
    /// The wanted keys of a step that have not been handed on, and the rest of their rows.
    open: Option<(RecordBatch, ParquetRecordBatchReader)>,
}

impl ByKey {
    /// The next wanted rows; `None` at the end.
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
            if let Some(keys) = self.begin(&step)? {
                return Ok(Some(keys));
            }
        }
    }

    /// Decodes the keys of a step, and returns them if its rows have nothing else.
    fn begin(&mut self, step: &[Group]) -> Result<Option<RecordBatch>> {
        let (key, rest) = self.layout.key_and_rest();
        let keys = keys(&self.pages, step, key)?;
        let kept = cut::wanted(&keys, self.layout.ts(), &self.bounds);
        if kept.is_empty() {
            return Ok(None);
        }
        let keys = cut::keep(keys, &kept)?;
        if rest.is_empty() {
            return self.layout.show(&keys).map(Some);
        }
        self.open = Some((keys, self.pages.read_part(&narrowed(step, &kept), rest, self.batch_rows)?));
        Ok(None)
    }
}

/// Keys and the rest of as many rows, as they are shown.
fn joined(layout: &Layout, keys: &RecordBatch, rest: &RecordBatch) -> Result<RecordBatch> {
    let (of_keys, of_rest) = (keys.schema(), rest.schema());
    let schema = Schema::new(of_keys.fields().iter().chain(of_rest.fields()).cloned().collect::<Vec<_>>());
    let columns = keys.columns().iter().chain(rest.columns()).cloned().collect();
    layout.show(&RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// The keys of a step as one batch.
fn keys(pages: &Pages, step: &[Group], columns: &[usize]) -> Result<RecordBatch> {
    let reader = pages.read_part(step, columns, selected(step))?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

fn selected(step: &[Group]) -> usize {
    step.iter().map(Group::selected).sum()
}

/// The rows of groups, so many at a time.
fn steps(groups: &[Group]) -> Vec<Vec<Group>> {
    let (mut steps, mut step): (Vec<Vec<Group>>, Vec<Group>) = (Vec::new(), Vec::new());
    for group in groups {
        for range in &group.ranges {
            for start in range.clone().step_by(STEP_ROWS) {
                let part = start..range.end.min(start + STEP_ROWS);
                if selected(&step) + part.len() > STEP_ROWS {
                    steps.push(std::mem::take(&mut step));
                }
                match step.last_mut() {
                    Some(last) if last.index == group.index => last.ranges.push(part),
                    _ => step.push(Group { index: group.index, rows: group.rows, ranges: vec![part] }),
                }
            }
        }
    }
    steps.extend((!step.is_empty()).then_some(step));
    steps
}

/// Only some rows of a step; `kept` counts those it has, one after the other.
fn narrowed(step: &[Group], kept: &[Range<usize>]) -> Vec<Group> {
    let (mut groups, mut start) = (Vec::new(), 0);
    for group in step {
        let mut ranges = Vec::new();
        for range in &group.ranges {
            let end = start + range.len();
            // Of ascending ranges those that reach into this one.
            let first = kept.partition_point(|kept| kept.end <= start);
            let within = kept[first..].iter().take_while(|kept| kept.start < end);
            let place = |row: usize| range.start + row - start;
            ranges.extend(within.map(|kept| place(kept.start.max(start))..place(kept.end.min(end))));
            start = end;
        }
        if !ranges.is_empty() {
            groups.push(Group { index: group.index, rows: group.rows, ranges });
        }
    }
    groups
}

#[cfg(test)]
#[path = "by_key_tests.rs"]
mod tests;
