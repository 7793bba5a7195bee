//! Opening files of a table: only the columns asked for, and of those only row groups and pages that can hold wanted
//! rows.

use std::path::PathBuf;
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::alike;
use super::batch_rows::{BATCH_BYTES, batch_rows};
use super::cache::{self, Cache};
use super::chunks::Chunks;
use super::file::LakeFile;
use super::footers;
use super::pages::{self, Prune, Span};
use crate::domain::reading::Quality;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, LakeReader};
use crate::store::schema;
use crate::store::table::Table;

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

impl Prune for Wanted {
    fn columns(&self) -> impl Iterator<Item = usize> {
        let ids = self.ids.is_some().then_some(0);
        let ts = (self.ts != Wanted::ALL.ts).then_some(1);
        let label = self.label.is_some().then_some(2);
        [ids, ts, label].into_iter().flatten()
    }

    fn may_hold(&self, column: usize, span: Span<'_>) -> bool {
        match (column, span) {
            (0, Span::Int32(low, high)) => self.has_id_between(low, high),
            (1, Span::Int64(from, to)) => self.has_ts_between(from, to),
            (2, Span::Bytes(low, high)) => self.has_label_between(low, high),
            _ => true,
        }
    }
}

/// Where files are, and what is read of them.
#[derive(Clone)]
pub struct Source {
    pub disk: Arc<dyn Disk>,
    /// The table's folder.
    pub dir: Arc<PathBuf>,
    pub table: Table,
    /// Indices into `Table::schema`, ascending; `None` is all of them that tell something of a file's rows.
    pub columns: Option<Vec<usize>>,
    /// For whoever reads a little of a file often. Without, files are read once and from end to end.
    pub cache: Option<Arc<Cache>>,
    /// Whether pages are kept there as well, not footers alone.
    pub keeps_pages: bool,
    /// Bytes decoded at a time of each file, about.
    pub batch_bytes: u64,
}

impl Source {
    /// Whole files, once.
    pub fn whole(disk: Arc<dyn Disk>, dir: Arc<PathBuf>, table: Table) -> Self {
        Self { disk, dir, table, columns: None, cache: None, keeps_pages: false, batch_bytes: BATCH_BYTES }
    }

    /// A reader over what may be wanted of a file; `None` when that is nothing.
    pub fn open(&self, file: &LakeFile, wanted: &Wanted) -> Result<Option<ParquetRecordBatchReader>> {
        let path = &file.path;
        let footer = self.footer(file)?;
        let parquet = footer.metadata().clone();
        let groups = pages::select(&parquet, wanted);
        if groups.is_empty() {
            return Ok(None);
        }
        let columns = self.columns.clone().unwrap_or_else(|| telling(self.table, &parquet));
        let rows = batch_rows(&parquet, &groups, &columns, self.batch_bytes);
        let few = self.cache.as_ref().filter(|_| self.keeps_pages);
        let few = few.and_then(|cache| Chunks::few(path, &footer, &groups, &columns, cache));
        let reader = match few {
            Some(chunks) => self.read_few(file, chunks, rows)?,
            None => {
                let mask = ProjectionMask::roots(parquet.file_metadata().schema_descr(), columns);
                let mut builder =
                    ParquetRecordBatchReaderBuilder::new_with_metadata(self.opened(file)?, footer)
                        .with_batch_size(rows)
                        .with_projection(mask)
                        .with_row_groups(groups.iter().map(|group| group.index).collect());
                if let Some(selection) = pages::selection(&groups) {
                    builder = builder.with_row_selection(selection);
                }
                builder.build().map_err(|e| unreadable(path, e))?
            }
        };
        Ok(Some(reader))
    }

    fn read_few(
        &self,
        file: &LakeFile,
        chunks: Chunks,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let mut bytes = Vec::new();
        if !chunks.missing().is_empty() {
            let opened = self.opened(file)?;
            for range in chunks.missing() {
                let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let read = opened.get_bytes(range.start, length);
                bytes.push(read.map_err(|e| unreadable(&file.path, e))?);
            }
        }
        let rows = chunks.fetched(bytes).and_then(|pages| pages.read(batch_rows));
        rows.map_err(|e| unreadable(&file.path, e))
    }

    fn opened(&self, file: &LakeFile) -> Result<LakeReader> {
        self.disk.open(&self.dir.join(&file.path)).map_err(|e| unreadable(&file.path, e))
    }

    /// The footer of a file, its page index too where footers are kept.
    fn footer(&self, file: &LakeFile) -> Result<ArrowReaderMetadata> {
        if let Some(known) = self.cache.as_ref().and_then(|cache| cache.footer(&file.path)) {
            return Ok(known);
        }
        let options = match self.cache {
            Some(_) => cache::options(self.table),
            None => cache::options(self.table).with_page_index_policy(PageIndexPolicy::Skip),
        };
        let footer = footers::load(file, &self.opened(file)?, options);
        let footer = footer.map_err(|e| unreadable(&file.path, e))?;
        if let Some(cache) = &self.cache {
            cache.put_footer(&file.path, &footer);
        }
        Ok(footer)
    }
}

/// The columns of a file but those of readings in which all rows have what a run has without: no text, good quality.
/// Decoding these would be half the work of a merge.
fn telling(table: Table, file: &ParquetMetaData) -> Vec<usize> {
    let says_nothing = |column: &usize| match (table, *column) {
        (Table::Readings, schema::TEXT) => alike::is_everywhere(file, schema::TEXT, None),
        (Table::Readings, schema::QUALITY) => {
            alike::is_everywhere(file, schema::QUALITY, Some(Quality::Good.name().as_bytes()))
        }
        _ => false,
    };
    (0..table.schema().fields().len()).filter(|column| !says_nothing(column)).collect()
}

/// Ids and times that hold every row of a row group, both inclusive; all of them where its footer does not tell.
pub fn bounds(group: &RowGroupMetaData) -> ((i32, i32), (i64, i64)) {
    let ids = match Span::of(group.column(0).statistics()) {
        Some(Span::Int32(low, high)) => (low, high),
        _ => (i32::MIN, i32::MAX),
    };
    let times = match Span::of(group.column(1).statistics()) {
        Some(Span::Int64(from, to)) => (from, to),
        _ => (i64::MIN, i64::MAX),
    };
    (ids, times)
}

pub fn unreadable(path: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("`{path}` of the lake cannot be read: {source}")).because(source)
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
