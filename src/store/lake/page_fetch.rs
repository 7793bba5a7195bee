//! Fetches selected pages of a file: some from the cache, and the bytes of the others in one batch read by the caller,
//! from a disk or over a network.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::offset_index::PageLocation;

use super::cache::LakeCache;
use super::page_pruning::{self, RowGroupSelection};
use super::page_reader::{FetchedBytes, FetchedFile, FetchedRowGroups, locations};

/// Maximum bytes of a file fetched in one batch, as stored. A reader that needs more reads sequentially.
const MAX_FETCH_BYTES: u64 = 2 << 20;
/// The limit for a reader that selects less than a quarter of the rows in between, such as an hour of every stream.
const MAX_SCATTERED_FETCH_BYTES: u64 = 16 << 20;

/// A plan to read a few pages of a file.
pub struct PageFetch {
    path: Arc<str>,
    footer: ArrowReaderMetadata,
    groups: Vec<RowGroupSelection>,
    /// Ascending indices into the schema, which is flat.
    columns: Vec<usize>,
    cache: Arc<LakeCache>,
    /// Cached pages, by their offsets.
    kept: HashMap<u64, Page>,
    missing: Vec<Range<u64>>,
    bytes: u64,
}

impl PageFetch {
    /// Plans a read of the selected rows of `groups`, of some columns; `None` when it exceeds the limits above.
    pub fn if_small(
        path: &str,
        footer: &ArrowReaderMetadata,
        groups: &[RowGroupSelection],
        columns: &[usize],
        cache: &Arc<LakeCache>,
    ) -> Option<Self> {
        let (selected, rows) =
            groups.iter().fold((0, 0), |(selected, rows), g| (selected + g.selected(), rows + g.rows));
        let most = if selected * 4 < rows { MAX_SCATTERED_FETCH_BYTES } else { MAX_FETCH_BYTES };
        let mut pages = Vec::new();
        let mut bytes = 0;
        for group in groups {
            for column in columns {
                let more = selected_pages(footer.metadata(), group, *column);
                bytes += more.iter().map(|(_, length)| length).sum::<u64>();
                pages.extend(more);
                if bytes > most {
                    return None;
                }
            }
        }
        let (path, mut kept, mut missing): (Arc<str>, _, _) = (path.into(), HashMap::new(), Vec::new());
        for (offset, length) in pages {
            match cache.page(&path, offset) {
                Some(page) => drop(kept.insert(offset, page)),
                None => missing.push(offset..offset + length),
            }
        }
        let (footer, groups, columns, cache) =
            (footer.clone(), groups.to_vec(), columns.to_vec(), cache.clone());
        Some(Self { path, footer, groups, columns, cache, kept, missing: joined(missing), bytes })
    }

    /// Returns the bytes of the selected pages in the file, including cached ones.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the byte ranges to fetch, ascending and not touching each other.
    pub fn missing(&self) -> &[Range<u64>] {
        &self.missing
    }

    /// Returns the pages, given the bytes of the ranges of `missing`.
    ///
    /// # Errors
    /// A general Parquet error when the bytes are not as long as the ranges.
    pub fn into_pages(self, bytes: Vec<Bytes>) -> Result<FetchedPages> {
        let is_whole = bytes.len() == self.missing.len()
            && bytes
                .iter()
                .zip(&self.missing)
                .all(|(bytes, range)| bytes.len() as u64 == range.end - range.start);
        if !is_whole {
            return Err(ParquetError::General("a file is shorter than its footer says".to_owned()));
        }
        let fetched = self.missing.iter().map(|range| range.start).zip(bytes).collect();
        let parts = FetchedFile {
            path: self.path,
            file: self.footer.metadata().clone(),
            kept: self.kept,
            fetched: Arc::new(FetchedBytes { fetched }),
            cache: self.cache,
        };
        let Self { footer, groups, columns, .. } = self;
        Ok(FetchedPages { parts: Arc::new(parts), footer, groups, columns })
    }
}

/// A few pages of a file in memory.
pub struct FetchedPages {
    parts: Arc<FetchedFile>,
    footer: ArrowReaderMetadata,
    groups: Vec<RowGroupSelection>,
    columns: Vec<usize>,
}

impl FetchedPages {
    /// Returns the selected row groups with their selected rows.
    pub fn groups(&self) -> &[RowGroupSelection] {
        &self.groups
    }

    /// Reads all selected rows, with all columns.
    pub fn read(&self, batch_rows: usize) -> Result<ParquetRecordBatchReader> {
        self.read_part(&self.groups, &self.columns, batch_rows)
    }

    /// Reads rows of `groups`, which must all be among the selected ones, with some of the columns (ascending).
    pub fn read_part(
        &self,
        groups: &[RowGroupSelection],
        columns: &[usize],
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let schema = self.footer.parquet_schema();
        let mask = ProjectionMask::roots(schema, columns.iter().copied());
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(self.footer.schema().fields()))?;
        // The reader allocates a whole batch before it knows how many rows there are.
        let rows = groups.iter().map(RowGroupSelection::selected).sum::<usize>();
        let batch_rows = batch_rows.min(rows.max(1));
        let selection = page_pruning::row_selection(groups);
        let groups = groups.iter().map(|group| group.index).collect();
        let chunks = FetchedRowGroups { parts: self.parts.clone(), groups };
        ParquetRecordBatchReader::try_new_with_row_groups(&levels, &chunks, batch_rows, selection)
    }
}

/// Joins touching ranges, so that they are fetched as one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let touches = range.end == next.start;
        if touches {
            range.end = next.end;
        }
        touches
    });
    ranges
}

/// Returns offset and length of the pages with selected rows of a column chunk, its dictionary first. Without a page
/// index the whole chunk is one entry.
fn selected_pages(file: &ParquetMetaData, group: &RowGroupSelection, column: usize) -> Vec<(u64, u64)> {
    let (start, length) = file.row_group(group.index).column(column).byte_range();
    let Some(locations) = locations(file, group.index, column) else { return vec![(start, length)] };
    let dictionary = locations.first().map(|first| first.offset.unsigned_abs());
    let dictionary = dictionary.filter(|first| *first > start).map(|first| (start, first - start));
    let pages = locations.iter().enumerate().filter(|(page, location)| {
        let from = location.first_row_index.unsigned_abs() as usize;
        let next = locations.get(page + 1).map(|next| next.first_row_index.unsigned_abs() as usize);
        let rows = from..next.unwrap_or(group.rows);
        group.ranges.iter().any(|range| range.start < rows.end && rows.start < range.end)
    });
    let place = |location: &PageLocation| {
        (location.offset.unsigned_abs(), u64::from(location.compressed_page_size.unsigned_abs()))
    };
    dictionary.into_iter().chain(pages.map(|(_, location)| place(location))).collect()
}

#[cfg(test)]
#[path = "page_fetch_tests.rs"]
mod tests;
