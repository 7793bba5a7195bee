//! Which row groups and pages of a file can hold rows within bounds, from its footer and page index alone.

use std::ops::Range;

use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use super::bounds::Bounds;
use crate::store::schema::{STREAM_ID, TS, VALUE};

/// The rows of a row group to be read, counted from its start; ascending and apart from each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub index: usize,
    pub rows: usize,
    pub ranges: Vec<Range<usize>>,
}

impl Group {
    pub fn selected(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }
}

/// The row groups with rows that may lie within the bounds.
pub fn select(file: &ParquetMetaData, bounds: &Bounds) -> Vec<Group> {
    (0..file.num_row_groups()).filter_map(|index| group(file, index, bounds)).collect()
}

/// What of `groups`, read one after the other, is wanted; `None` is everything.
pub fn selection(groups: &[Group]) -> Option<RowSelection> {
    if groups.iter().all(|g| g.selected() == g.rows) {
        return None;
    }
    let mut start = 0;
    let mut ranges = Vec::new();
    for group in groups {
        ranges.extend(group.ranges.iter().map(|r| start + r.start..start + r.end));
        start += group.rows;
    }
    Some(RowSelection::from_consecutive_ranges(ranges.into_iter(), start))
}

fn group(file: &ParquetMetaData, index: usize, bounds: &Bounds) -> Option<Group> {
    let rows = usize::try_from(file.row_group(index).num_rows()).ok()?;
    let mut ranges: Vec<Range<usize>> = std::iter::once(0..rows).collect();
    for column in bounded_columns(bounds) {
        let statistics = file.row_group(index).column(column).statistics();
        if statistics.is_some_and(|s| !may_hold(s, column, bounds)) {
            return None;
        }
        if let Some(pages) = pages(file, index, column, bounds) {
            ranges = intersection(&ranges, &pages);
        }
    }
    (!ranges.is_empty()).then_some(Group { index, rows, ranges })
}

fn bounded_columns(bounds: &Bounds) -> impl Iterator<Item = usize> {
    let streams = bounds.streams.is_some().then_some(STREAM_ID);
    let ts = (bounds.ts != Bounds::default().ts).then_some(TS);
    let value = bounds.value.is_some().then_some(VALUE);
    [streams, ts, value].into_iter().flatten()
}

/// Whether a row group can hold rows within the bounds of a column.
fn may_hold(statistics: &Statistics, column: usize, bounds: &Bounds) -> bool {
    match (column, statistics) {
        (STREAM_ID, Statistics::Int32(s)) => {
            within(s.min_opt(), s.max_opt(), |b| bounds.has_stream_between(b))
        }
        (TS, Statistics::Int64(s)) => within(s.min_opt(), s.max_opt(), |b| bounds.overlaps(b)),
        (VALUE, Statistics::Double(s)) => within(s.min_opt(), s.max_opt(), |b| bounds.has_value_between(b)),
        _ => true,
    }
}

/// What is not known may be.
fn within<T: Copy>(min: Option<&T>, max: Option<&T>, has: impl Fn((T, T)) -> bool) -> bool {
    match (min, max) {
        (Some(min), Some(max)) => has((*min, *max)),
        _ => true,
    }
}

/// The rows of the pages of a column that can hold rows within its bounds; `None` without a page index.
fn pages(file: &ParquetMetaData, group: usize, column: usize, bounds: &Bounds) -> Option<Vec<Range<usize>>> {
    let index = file.column_index()?.get(group)?.get(column)?;
    let locations = file.offset_index()?.get(group)?.get(column)?.page_locations();
    let rows = usize::try_from(file.row_group(group).num_rows()).ok()?;
    let first = |page: usize| match locations.get(page) {
        Some(location) => usize::try_from(location.first_row_index).ok(),
        None => Some(rows),
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for page in 0..locations.len() {
        if !page_may_hold(index, page, bounds) {
            continue;
        }
        let (start, end) = (first(page)?, first(page + 1)?);
        match ranges.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => ranges.push(start..end),
        }
    }
    Some(ranges)
}

fn page_may_hold(index: &ColumnIndexMetaData, page: usize, bounds: &Bounds) -> bool {
    match index {
        ColumnIndexMetaData::INT32(i) => {
            within(i.min_value(page), i.max_value(page), |b| bounds.has_stream_between(b))
        }
        ColumnIndexMetaData::INT64(i) => within(i.min_value(page), i.max_value(page), |b| bounds.overlaps(b)),
        // No comparison holds for NULL.
        ColumnIndexMetaData::DOUBLE(i) => {
            !i.is_null_page(page)
                && within(i.min_value(page), i.max_value(page), |b| bounds.has_value_between(b))
        }
        _ => true,
    }
}

/// Both ascending and apart from each other.
fn intersection(left: &[Range<usize>], right: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut l, mut r, mut both) = (0, 0, Vec::new());
    while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
        let common = a.start.max(b.start)..a.end.min(b.end);
        if !common.is_empty() {
            both.push(common);
        }
        if a.end < b.end { l += 1 } else { r += 1 }
    }
    both
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
