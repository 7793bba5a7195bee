//! Which row groups and pages of a file can hold wanted rows, from its footer and page index alone.

use std::ops::Range;

use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

/// What a reader wants, as far as the least and the greatest values of single columns can tell.
pub trait Prune {
    /// The columns that it bounds.
    fn columns(&self) -> impl Iterator<Item = usize>;

    /// Whether a wanted row can have a value of this column within `span`. Only false answers leave rows out.
    fn may_hold(&self, column: usize, span: Span<'_>) -> bool;
}

/// The least and the greatest value of a part of a column, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Span<'a> {
    Int32(i32, i32),
    Int64(i64, i64),
    Double(f64, f64),
    /// May be wider than the values are: long ones are cut.
    Bytes(&'a [u8], &'a [u8]),
}

impl<'a> Span<'a> {
    /// Of a column of a row group; `None` when its footer does not tell.
    pub fn of(statistics: Option<&'a Statistics>) -> Option<Self> {
        match statistics? {
            Statistics::Int32(s) => Some(Span::Int32(*s.min_opt()?, *s.max_opt()?)),
            Statistics::Int64(s) => Some(Span::Int64(*s.min_opt()?, *s.max_opt()?)),
            Statistics::Double(s) => Some(Span::Double(*s.min_opt()?, *s.max_opt()?)),
            Statistics::ByteArray(s) => Some(Span::Bytes(s.min_bytes_opt()?, s.max_bytes_opt()?)),
            _ => None,
        }
    }

    fn of_page(index: &'a ColumnIndexMetaData, page: usize) -> Option<Self> {
        match index {
            ColumnIndexMetaData::INT32(i) => Some(Span::Int32(*i.min_value(page)?, *i.max_value(page)?)),
            ColumnIndexMetaData::INT64(i) => Some(Span::Int64(*i.min_value(page)?, *i.max_value(page)?)),
            ColumnIndexMetaData::DOUBLE(i) => Some(Span::Double(*i.min_value(page)?, *i.max_value(page)?)),
            ColumnIndexMetaData::BYTE_ARRAY(i) => Some(Span::Bytes(i.min_value(page)?, i.max_value(page)?)),
            _ => None,
        }
    }
}

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

/// The row groups with rows that may be wanted. Without a page index they are whole.
pub fn select(file: &ParquetMetaData, wanted: &impl Prune) -> Vec<Group> {
    (0..file.num_row_groups()).filter_map(|index| group(file, index, wanted)).collect()
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

fn group(file: &ParquetMetaData, index: usize, wanted: &impl Prune) -> Option<Group> {
    let group = file.row_group(index);
    let rows = usize::try_from(group.num_rows()).ok()?;
    // What is not known may be.
    let may_hold =
        |c: usize| Span::of(group.column(c).statistics()).is_none_or(|span| wanted.may_hold(c, span));
    if rows == 0 || !wanted.columns().all(may_hold) {
        return None;
    }
    let mut ranges: Vec<Range<usize>> = std::iter::once(0..rows).collect();
    for column in wanted.columns() {
        if let Some(pages) = pages(file, index, column, wanted) {
            ranges = intersection(&ranges, &pages);
        }
    }
    (!ranges.is_empty()).then_some(Group { index, rows, ranges })
}

/// The rows of the pages of a column that can hold wanted rows; `None` without a page index.
fn pages(
    file: &ParquetMetaData,
    group: usize,
    column: usize,
    wanted: &impl Prune,
) -> Option<Vec<Range<usize>>> {
    let index = file.column_index()?.get(group)?.get(column)?;
    let locations = file.offset_index()?.get(group)?.get(column)?.page_locations();
    let rows = usize::try_from(file.row_group(group).num_rows()).ok()?;
    let first = |page: usize| match locations.get(page) {
        Some(location) => usize::try_from(location.first_row_index).ok(),
        None => Some(rows),
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for page in 0..locations.len() {
        if !page_may_hold(index, page, column, wanted) {
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

fn page_may_hold(index: &ColumnIndexMetaData, page: usize, column: usize, wanted: &impl Prune) -> bool {
    match index {
        ColumnIndexMetaData::NONE => true,
        // NULL is within no bounds.
        index if index.is_null_page(page) => false,
        index => Span::of_page(index, page).is_none_or(|span| wanted.may_hold(column, span)),
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
