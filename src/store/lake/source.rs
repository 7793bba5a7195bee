//! Opening files of a table: only the columns asked for, and of those only row groups and pages that can hold wanted
//! rows.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use super::file::LakeFile;
use super::footers::Footers;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, LakeReader};
use crate::store::table::Table;

/// Rows decoded at a time, unless they are long.
const BATCH_ROWS: usize = 8192;
/// Bytes decoded at a time, about.
const BATCH_BYTES: u64 = 4 << 20;

/// Which rows are wanted; what cannot hold any is not read. More rows may come.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of the first column, ascending; `None` is every one.
    pub ids: Option<Arc<[i32]>>,
    /// Inclusive, microseconds.
    pub ts: (i64, i64),
    /// The third part of the key, of a keyed table; `None` is any.
    pub label: Option<&'static str>,
}

impl Wanted {
    pub const ALL: Wanted = Wanted { ids: None, ts: (i64::MIN, i64::MAX), label: None };

    fn has_id_between(&self, low: i32, high: i32) -> bool {
        self.ids.as_ref().is_none_or(|ids| {
            let first = ids.partition_point(|id| *id < low);
            ids.get(first).is_some_and(|id| *id <= high)
        })
    }

    fn has_label_between(&self, low: &[u8], high: &[u8]) -> bool {
        self.label.is_none_or(|label| low <= label.as_bytes() && label.as_bytes() <= high)
    }

    fn has_ts_between(&self, low: i64, high: i64) -> bool {
        low <= self.ts.1 && self.ts.0 <= high
    }

    /// Whether any row of a file can be wanted.
    pub fn may_be_in(&self, file: &LakeFile) -> bool {
        self.has_id_between(file.streams.0, file.streams.1) && self.has_ts_between(file.ts.0, file.ts.1)
    }
}

/// Where files are, and what is read of them.
#[derive(Clone)]
pub struct Source {
    pub disk: Arc<dyn Disk>,
    /// The table's folder.
    pub dir: Arc<PathBuf>,
    pub table: Table,
    /// Indices into `Table::schema`, ascending; `None` is all of them.
    pub columns: Option<Vec<usize>>,
    /// Kept footers for whoever reads a little of a file often. Without, files are read once and from end to end.
    pub footers: Option<Arc<Footers>>,
}

impl Source {
    /// Whole files, once.
    pub fn whole(disk: Arc<dyn Disk>, dir: Arc<PathBuf>, table: Table) -> Self {
        Self { disk, dir, table, columns: None, footers: None }
    }

    /// A reader over what may be wanted of a file; `None` when that is nothing.
    pub fn open(&self, file: &LakeFile, wanted: &Wanted) -> Result<Option<ParquetRecordBatchReader>> {
        let path = &file.path;
        let opened = self.disk.open(&self.dir.join(path)).map_err(|e| unreadable(path, e))?;
        let metadata = self.metadata(file, &opened)?;
        let parquet = metadata.metadata().clone();
        let groups = select(&parquet, wanted);
        if groups.is_empty() {
            return Ok(None);
        }
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, metadata)
            .with_batch_size(batch_rows(&parquet))
            .with_row_groups(groups.iter().map(|group| group.index).collect());
        if let Some(columns) = &self.columns {
            let mask = ProjectionMask::roots(parquet.file_metadata().schema_descr(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some(selection) = selection(&groups) {
            builder = builder.with_row_selection(selection);
        }
        Ok(Some(builder.build().map_err(|e| unreadable(path, e))?))
    }

    /// The footer of a file, its page index too where footers are kept.
    pub fn metadata(&self, file: &LakeFile, opened: &LakeReader) -> Result<ArrowReaderMetadata> {
        if let Some(known) = self.footers.as_ref().and_then(|footers| footers.get(&file.path)) {
            return Ok(known);
        }
        let index = if self.footers.is_some() { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let options = ArrowReaderOptions::new().with_page_index_policy(index);
        let metadata = ArrowReaderMetadata::load(opened, options).map_err(|e| unreadable(&file.path, e))?;
        if let Some(footers) = &self.footers {
            footers.put(&file.path, &metadata);
        }
        Ok(metadata)
    }
}

/// Rows of a row group, counted from its start; ascending and apart.
struct Group {
    index: usize,
    rows: usize,
    ranges: Vec<Range<usize>>,
}

fn select(file: &ParquetMetaData, wanted: &Wanted) -> Vec<Group> {
    (0..file.num_row_groups()).filter_map(|index| group(file, index, wanted)).collect()
}

fn group(file: &ParquetMetaData, index: usize, wanted: &Wanted) -> Option<Group> {
    let metadata = file.row_group(index);
    let rows = usize::try_from(metadata.num_rows()).ok()?;
    let (ids, times) = bounds(metadata);
    let labels = match (wanted.label, metadata.column(2).statistics()) {
        (Some(_), Some(Statistics::ByteArray(s))) => s.min_bytes_opt().zip(s.max_bytes_opt()),
        _ => None,
    };
    let may_hold = labels.is_none_or(|(low, high)| wanted.has_label_between(low, high))
        && wanted.has_id_between(ids.0, ids.1)
        && wanted.has_ts_between(times.0, times.1);
    if !may_hold || rows == 0 {
        return None;
    }
    let mut ranges = Vec::from([Range { start: 0, end: rows }]);
    for column in [0, 1] {
        if let Some(pages) = pages(file, index, column, wanted) {
            ranges = intersection(&ranges, &pages);
        }
    }
    (!ranges.is_empty()).then_some(Group { index, rows, ranges })
}

/// Ids and times that hold every row of a row group, both inclusive; all of them where its footer does not tell.
pub fn bounds(group: &RowGroupMetaData) -> ((i32, i32), (i64, i64)) {
    let ids = match group.column(0).statistics() {
        Some(Statistics::Int32(s)) => s.min_opt().copied().zip(s.max_opt().copied()),
        _ => None,
    };
    let times = match group.column(1).statistics() {
        Some(Statistics::Int64(s)) => s.min_opt().copied().zip(s.max_opt().copied()),
        _ => None,
    };
    (ids.unwrap_or((i32::MIN, i32::MAX)), times.unwrap_or((i64::MIN, i64::MAX)))
}

/// The rows of the pages of a column that may hold wanted rows; `None` without a page index.
fn pages(file: &ParquetMetaData, group: usize, column: usize, wanted: &Wanted) -> Option<Vec<Range<usize>>> {
    let index = file.column_index()?.get(group)?.get(column)?;
    let locations = file.offset_index()?.get(group)?.get(column)?.page_locations();
    let rows = usize::try_from(file.row_group(group).num_rows()).ok()?;
    let first = |page: usize| match locations.get(page) {
        Some(location) => usize::try_from(location.first_row_index).ok(),
        None => Some(rows),
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for page in 0..locations.len() {
        let may_hold = match index {
            ColumnIndexMetaData::INT32(i) => {
                i.min_value(page).zip(i.max_value(page)).is_none_or(|(a, b)| wanted.has_id_between(*a, *b))
            }
            ColumnIndexMetaData::INT64(i) => {
                i.min_value(page).zip(i.max_value(page)).is_none_or(|(a, b)| wanted.has_ts_between(*a, *b))
            }
            _ => true,
        };
        if !may_hold {
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

/// What of `groups`, read one after the other, is wanted; `None` is everything.
fn selection(groups: &[Group]) -> Option<RowSelection> {
    let is_all = |group: &Group| group.ranges.len() == 1 && group.ranges[0] == (0..group.rows);
    if groups.iter().all(is_all) {
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

/// As many rows as make a few megabytes: a message can be long.
fn batch_rows(file: &ParquetMetaData) -> usize {
    let bytes: u64 = file.row_groups().iter().map(|g| g.total_byte_size().unsigned_abs()).sum();
    let rows = file.file_metadata().num_rows().unsigned_abs().max(1);
    let row = (bytes / rows).max(1);
    usize::try_from(BATCH_BYTES / row).unwrap_or(BATCH_ROWS).clamp(16, BATCH_ROWS)
}

pub fn unreadable(path: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("`{path}` of the lake cannot be read: {source}")).because(source)
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
