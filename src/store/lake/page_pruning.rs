//! Row group and page pruning: which parts of a file can hold wanted rows, from its footer and page index alone.

use std::ops::Range;

use parquet::arrow::arrow_reader::RowSelection;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

/// A filter that can be evaluated on the minimum and maximum of single columns.
pub trait PruningPredicate {
    /// Returns the columns that the predicate constrains.
    fn columns(&self) -> Vec<usize>;

    /// Whether a row group or page with values of this column within `span` can hold wanted rows. Only `false` excludes
    /// rows.
    fn survives_pruning(&self, column: usize, span: ValueBounds<'_>) -> bool;
}

/// Minimum and maximum of a part of a column, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueBounds<'a> {
    Int32(i32, i32),
    Int64(i64, i64),
    Double(f64, f64),
    /// May be wider than the values, because long ones are truncated.
    Bytes(&'a [u8], &'a [u8]),
}

impl<'a> ValueBounds<'a> {
    /// Returns the bounds of a column of a row group; `None` when its footer does not give them.
    pub fn of_row_group(statistics: Option<&'a Statistics>) -> Option<Self> {
        match statistics? {
            Statistics::Int32(s) => Some(ValueBounds::Int32(*s.min_opt()?, *s.max_opt()?)),
            Statistics::Int64(s) => Some(ValueBounds::Int64(*s.min_opt()?, *s.max_opt()?)),
            Statistics::Double(s) => Some(ValueBounds::Double(*s.min_opt()?, *s.max_opt()?)),
            Statistics::ByteArray(s) => Some(ValueBounds::Bytes(s.min_bytes_opt()?, s.max_bytes_opt()?)),
            _ => None,
        }
    }

    fn of_page(index: &'a ColumnIndexMetaData, page: usize) -> Option<Self> {
        match index {
            ColumnIndexMetaData::INT32(i) => {
                Some(ValueBounds::Int32(*i.min_value(page)?, *i.max_value(page)?))
            }
            ColumnIndexMetaData::INT64(i) => {
                Some(ValueBounds::Int64(*i.min_value(page)?, *i.max_value(page)?))
            }
            ColumnIndexMetaData::DOUBLE(i) => {
                Some(ValueBounds::Double(*i.min_value(page)?, *i.max_value(page)?))
            }
            ColumnIndexMetaData::BYTE_ARRAY(i) => {
                Some(ValueBounds::Bytes(i.min_value(page)?, i.max_value(page)?))
            }
            _ => None,
        }
    }
}

/// The selected rows of a row group, as ranges counted from its start, ascending and not touching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowGroupSelection {
    pub index: usize,
    pub rows: usize,
    pub ranges: Vec<Range<usize>>,
}

impl RowGroupSelection {
    /// Returns the number of selected rows; `rows` is that of the group.
    pub fn selected(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }
}

/// Returns the row groups that may have wanted rows. Without a page index all rows of a group are selected.
pub fn select_row_groups(file: &ParquetMetaData, wanted: &impl PruningPredicate) -> Vec<RowGroupSelection> {
    (0..file.num_row_groups()).filter_map(|index| select_row_group(file, index, wanted)).collect()
}

/// Returns the selection over `groups` read one after the other; `None` selects everything.
pub fn row_selection(groups: &[RowGroupSelection]) -> Option<RowSelection> {
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

fn select_row_group(
    file: &ParquetMetaData,
    index: usize,
    wanted: &impl PruningPredicate,
) -> Option<RowGroupSelection> {
    let group = file.row_group(index);
    let rows = usize::try_from(group.num_rows()).ok()?;
    // A row group without statistics may hold a matching row.
    let survives_pruning = |c: usize| {
        ValueBounds::of_row_group(group.column(c).statistics())
            .is_none_or(|span| wanted.survives_pruning(c, span))
    };
    if rows == 0 || !wanted.columns().into_iter().all(survives_pruning) {
        return None;
    }
    let mut ranges: Vec<Range<usize>> = std::iter::once(0..rows).collect();
    for column in wanted.columns() {
        if let Some(pages) = select_page_rows(file, index, column, wanted) {
            ranges = intersection(&ranges, &pages);
        }
    }
    (!ranges.is_empty()).then_some(RowGroupSelection { index, rows, ranges })
}

/// Returns the rows of a column's pages that can hold wanted rows; `None` without a page index.
fn select_page_rows(
    file: &ParquetMetaData,
    group: usize,
    column: usize,
    wanted: &impl PruningPredicate,
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
        if !page_survives_pruning(index, page, column, wanted) {
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

fn page_survives_pruning(
    index: &ColumnIndexMetaData,
    page: usize,
    column: usize,
    wanted: &impl PruningPredicate,
) -> bool {
    match index {
        ColumnIndexMetaData::NONE => true,
        // NULL is never within bounds.
        index if index.is_null_page(page) => false,
        index => ValueBounds::of_page(index, page).is_none_or(|span| wanted.survives_pruning(column, span)),
    }
}

/// Intersects two lists of ranges, both ascending and not touching.
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
#[path = "page_pruning_tests.rs"]
mod tests;
