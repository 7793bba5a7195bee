//! Reads files of a table: only the requested columns, and of those only row groups and pages that can hold wanted
//! rows.

use std::path::PathBuf;
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::batch_rows::{TARGET_BATCH_BYTES, batch_rows};
use super::cache::{self, LakeCache};
use super::constant_chunk;
use super::file::LakeFile;
use super::footers;
use super::page_fetch::PageFetch;
use super::page_pruning::{self, PruningPredicate, ValueBounds};
use crate::domain::min_max::MinMax;
use crate::domain::reading::Quality;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, DiskReader};
use crate::store::schema;
use crate::store::table::Table;

/// Filter on rows. It excludes only what cannot match, so more rows than wanted may be returned.
#[derive(Debug, Clone)]
pub struct ReadFilter {
    /// Ids in the first column, ascending; `None` matches every id.
    pub ids: Option<Arc<[i32]>>,
    /// Bounds of times, microseconds.
    pub ts: MinMax<i64>,
    /// Third part of the key of a keyed table; `None` matches any.
    pub label: Option<&'static str>,
}

impl ReadFilter {
    /// The filter that every row passes, as merges and rewrites read files.
    pub const ALL: ReadFilter = ReadFilter { ids: None, ts: MinMax::new(i64::MIN, i64::MAX), label: None };

    fn has_id_within(&self, bounds: MinMax<i32>) -> bool {
        self.ids.as_ref().is_none_or(|ids| {
            let first = ids.partition_point(|id| *id < bounds.min);
            ids.get(first).is_some_and(|id| *id <= bounds.max)
        })
    }

    fn has_label_between(&self, low: &[u8], high: &[u8]) -> bool {
        self.label.is_none_or(|label| low <= label.as_bytes() && label.as_bytes() <= high)
    }

    /// Whether a file can have matching rows; the scans prune the others.
    pub fn file_survives_pruning(&self, file: &LakeFile) -> bool {
        self.has_id_within(file.streams) && self.ts.overlaps(file.ts)
    }
}

impl PruningPredicate for ReadFilter {
    fn columns(&self) -> Vec<usize> {
        let ids = self.ids.is_some().then_some(0);
        let ts = (self.ts != ReadFilter::ALL.ts).then_some(1);
        let label = self.label.is_some().then_some(2);
        [ids, ts, label].into_iter().flatten().collect()
    }

    fn survives_pruning(&self, column: usize, span: ValueBounds<'_>) -> bool {
        match (column, span) {
            (0, ValueBounds::Int32(low, high)) => self.has_id_within(MinMax::new(low, high)),
            (1, ValueBounds::Int64(from, to)) => self.ts.overlaps(MinMax::new(from, to)),
            (2, ValueBounds::Bytes(low, high)) => self.has_label_between(low, high),
            _ => true,
        }
    }
}

/// Reader of a table's files, with its location and options.
#[derive(Clone)]
pub struct TableReader {
    pub disk: Arc<dyn Disk>,
    /// The table's directory.
    pub dir: Arc<PathBuf>,
    pub table: Table,
    /// Indices into `Table::schema`, ascending; `None` reads every informative column of each file.
    pub columns: Option<Vec<usize>>,
    /// For small reads that are repeated. Without a cache, files are read once from end to end.
    pub cache: Option<Arc<LakeCache>>,
    /// Whether pages are cached as well as footers.
    pub keeps_pages: bool,
    /// Approximate bytes of each file decoded at a time.
    pub batch_bytes: u64,
}

impl TableReader {
    /// Creates a reader of whole files, without a cache.
    pub fn whole_files(disk: Arc<dyn Disk>, dir: Arc<PathBuf>, table: Table) -> Self {
        Self {
            disk,
            dir,
            table,
            columns: None,
            cache: None,
            keeps_pages: false,
            batch_bytes: TARGET_BATCH_BYTES,
        }
    }

    /// Opens a reader over the possibly matching rows of a file; `None` when there are none.
    pub fn open(&self, file: &LakeFile, wanted: &ReadFilter) -> Result<Option<ParquetRecordBatchReader>> {
        let path = &file.path;
        let footer = self.footer(file)?;
        let parquet = footer.metadata().clone();
        let groups = page_pruning::select_row_groups(&parquet, wanted);
        if groups.is_empty() {
            return Ok(None);
        }
        let columns = self.columns.clone().unwrap_or_else(|| informative_columns(self.table, &parquet));
        let rows = batch_rows(&parquet, &groups, &columns, self.batch_bytes);
        let few = self.cache.as_ref().filter(|_| self.keeps_pages);
        let few = few.and_then(|cache| PageFetch::if_small(path, &footer, &groups, &columns, cache));
        let reader = match few {
            Some(chunks) => self.read_pages(file, chunks, rows)?,
            None => {
                let mask = ProjectionMask::roots(parquet.file_metadata().schema_descr(), columns);
                let mut builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(self.open_file(file)?, footer)
                        .with_batch_size(rows)
                        .with_projection(mask)
                        .with_row_groups(groups.iter().map(|group| group.index).collect());
                if let Some(selection) = page_pruning::row_selection(&groups) {
                    builder = builder.with_row_selection(selection);
                }
                builder.build().map_err(|e| unreadable(path, e))?
            }
        };
        Ok(Some(reader))
    }

    fn read_pages(
        &self,
        file: &LakeFile,
        chunks: PageFetch,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let mut bytes = Vec::new();
        if !chunks.missing().is_empty() {
            let opened = self.open_file(file)?;
            for range in chunks.missing() {
                let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let read = opened.get_bytes(range.start, length);
                bytes.push(read.map_err(|e| unreadable(&file.path, e))?);
            }
        }
        let rows = chunks.into_pages(bytes).and_then(|pages| pages.read(batch_rows));
        rows.map_err(|e| unreadable(&file.path, e))
    }

    fn open_file(&self, file: &LakeFile) -> Result<DiskReader> {
        self.disk.open(&self.dir.join(&file.path)).map_err(|e| unreadable(&file.path, e))
    }

    /// Reads the footer of a file, with its page index when there is a cache.
    fn footer(&self, file: &LakeFile) -> Result<ArrowReaderMetadata> {
        if let Some(known) = self.cache.as_ref().and_then(|cache| cache.footer(&file.path)) {
            return Ok(known);
        }
        let options = match self.cache {
            Some(_) => cache::footer_options(self.table),
            None => cache::footer_options(self.table).with_page_index_policy(PageIndexPolicy::Skip),
        };
        let footer = footers::load(file, &self.open_file(file)?, options);
        let footer = footer.map_err(|e| unreadable(&file.path, e))?;
        if let Some(cache) = &self.cache {
            cache.put_footer(&file.path, &footer);
        }
        Ok(footer)
    }
}

/// Returns the columns of a file without those of readings that hold the default in all rows: no text, good quality.
/// Decoding these would be half the work of a merge.
fn informative_columns(table: Table, file: &ParquetMetaData) -> Vec<usize> {
    let says_nothing = |column: &usize| match (table, *column) {
        (Table::Readings, schema::TEXT) => constant_chunk::is_constant(file, schema::TEXT, None),
        (Table::Readings, schema::QUALITY) => {
            constant_chunk::is_constant(file, schema::QUALITY, Some(Quality::Good.name().as_bytes()))
        }
        _ => false,
    };
    (0..table.schema().fields().len()).filter(|column| !says_nothing(column)).collect()
}

/// Bounds of the keys of a row group.
pub struct KeyBounds {
    pub ids: MinMax<i32>,
    /// Microseconds.
    pub ts: MinMax<i64>,
}

/// Returns the bounds of the keys of a row group; the full range when its footer does not give them.
pub fn row_group_bounds(group: &RowGroupMetaData) -> KeyBounds {
    let ids = match ValueBounds::of_row_group(group.column(0).statistics()) {
        Some(ValueBounds::Int32(low, high)) => MinMax::new(low, high),
        _ => MinMax::new(i32::MIN, i32::MAX),
    };
    let ts = match ValueBounds::of_row_group(group.column(1).statistics()) {
        Some(ValueBounds::Int64(from, to)) => MinMax::new(from, to),
        _ => MinMax::new(i64::MIN, i64::MAX),
    };
    KeyBounds { ids, ts }
}

/// Builds the error `Unavailable` for a file of the lake, named by its path within the table.
pub fn unreadable(path: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("`{path}` of the lake cannot be read: {source}")).with_source(source)
}

#[cfg(test)]
#[path = "table_reader_tests.rs"]
mod tests;
