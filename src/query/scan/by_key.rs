//! A few pages of a file in two steps: the key of every row is decoded, and of the other columns the rows that the key
//! says are wanted. To pass over rows of a page costs far less than to decode them, and an edge of a range wants a minute
//! of the hours in a page.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use datafusion::error::Result;

use super::bounds::Bounds;
use super::cut;
use super::layout::Layout;
use crate::store::lake::chunks::Pages;
use crate::store::lake::pages::Group;

/// Keys decoded at a time: of four pages.
const STEP_ROWS: usize = 32 * 1024;

/// The rows of pages within bounds, in the order of the file.
pub fn read(
    pages: Pages,
    layout: Layout,
    bounds: Arc<Bounds>,
) -> impl Iterator<Item = Result<RecordBatch>> + Send {
    let steps = steps(pages.groups());
    steps.into_iter().filter_map(move |step| rows(&pages, &step, &layout, &bounds).transpose())
}

/// The wanted rows of a step; `None` when there are none.
fn rows(pages: &Pages, step: &[Group], layout: &Layout, bounds: &Bounds) -> Result<Option<RecordBatch>> {
    let (key, rest) = layout.key_and_rest();
    let keys = decode(pages, step, key)?;
    let kept = cut::wanted(&keys, layout.ts(), bounds);
    if kept.is_empty() {
        return Ok(None);
    }
    let keys = cut::keep(keys, &kept)?;
    if rest.is_empty() {
        return layout.show(&keys).map(Some);
    }
    let rest = decode(pages, &narrowed(step, &kept), rest)?;
    let (of_keys, of_rest) = (keys.schema(), rest.schema());
    let schema = Schema::new(of_keys.fields().iter().chain(of_rest.fields()).cloned().collect::<Vec<_>>());
    let columns = keys.columns().iter().chain(rest.columns()).cloned().collect();
    layout.show(&RecordBatch::try_new(Arc::new(schema), columns)?).map(Some)
}

/// All rows of a step as one batch.
fn decode(pages: &Pages, step: &[Group], columns: &[usize]) -> Result<RecordBatch> {
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
