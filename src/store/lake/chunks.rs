//! Reading chosen pages of a file: those kept from before, and the bytes of the others, fetched at once by whoever reads,
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

use super::cache::Cache;
use super::column_pages::{Bits, Fetched, Parts, locations};
use super::pages::{self, Group};

/// Bytes of a file that are read at once, as they lie in it. A reader that wants more takes them one after the other.
const FEW_BYTES: u64 = 2 << 20;
/// The same for a reader that wants less than a quarter of the rows that lie between, such as an hour of every stream.
const SCATTERED_BYTES: u64 = 16 << 20;

/// A few pages of a file, about to be read.
pub struct Chunks {
    path: Arc<str>,
    footer: ArrowReaderMetadata,
    groups: Vec<Group>,
    /// Of the schema, which is flat: ascending.
    columns: Vec<usize>,
    cache: Arc<Cache>,
    /// Pages kept from before, by their offsets.
    kept: HashMap<u64, Page>,
    missing: Vec<Range<u64>>,
    bytes: u64,
}

impl Chunks {
    /// The chosen rows of `groups`, of some columns; `None` when they are not a few.
    pub fn few(
        path: &str,
        footer: &ArrowReaderMetadata,
        groups: &[Group],
        columns: &[usize],
        cache: &Arc<Cache>,
    ) -> Option<Self> {
        let (selected, rows) =
            groups.iter().fold((0, 0), |(selected, rows), g| (selected + g.selected(), rows + g.rows));
        let most = if selected * 4 < rows { SCATTERED_BYTES } else { FEW_BYTES };
        let mut pages = Vec::new();
        let mut bytes = 0;
        for group in groups {
            for column in columns {
                let more = wanted(footer.metadata(), group, *column);
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

    /// Bytes of the file, those that need not be fetched included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes to be fetched; ascending, apart from each other.
    pub fn missing(&self) -> &[Range<u64>] {
        &self.missing
    }

    /// The pages, given the bytes of `missing`.
    ///
    /// # Errors
    /// Bytes that are not those of the footer's file.
    pub fn fetched(self, bytes: Vec<Bytes>) -> Result<Pages> {
        let is_whole = bytes.len() == self.missing.len()
            && bytes
                .iter()
                .zip(&self.missing)
                .all(|(bytes, range)| bytes.len() as u64 == range.end - range.start);
        if !is_whole {
            return Err(ParquetError::General("a file is shorter than its footer says".to_owned()));
        }
        let fetched = self.missing.iter().map(|range| range.start).zip(bytes).collect();
        let parts = Parts {
            path: self.path,
            file: self.footer.metadata().clone(),
            kept: self.kept,
            fetched: Arc::new(Bits { fetched }),
            cache: self.cache,
        };
        let Self { footer, groups, columns, .. } = self;
        Ok(Pages { parts: Arc::new(parts), footer, groups, columns })
    }
}

/// A few pages of a file, at hand.
pub struct Pages {
    parts: Arc<Parts>,
    footer: ArrowReaderMetadata,
    groups: Vec<Group>,
    columns: Vec<usize>,
}

impl Pages {
    /// The chosen row groups, with their rows.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// All chosen rows, with all columns.
    pub fn read(&self, batch_rows: usize) -> Result<ParquetRecordBatchReader> {
        self.read_part(&self.groups, &self.columns, batch_rows)
    }

    /// Rows of `groups`, which are all among the chosen ones, with some of the columns (ascending).
    pub fn read_part(
        &self,
        groups: &[Group],
        columns: &[usize],
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let schema = self.footer.parquet_schema();
        let mask = ProjectionMask::roots(schema, columns.iter().copied());
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(self.footer.schema().fields()))?;
        // The reader makes room for a whole batch before it knows how much there is.
        let rows = groups.iter().map(Group::selected).sum::<usize>();
        let batch_rows = batch_rows.min(rows.max(1));
        let selection = pages::selection(groups);
        let groups = groups.iter().map(|group| group.index).collect();
        let chunks = Fetched { parts: self.parts.clone(), groups };
        ParquetRecordBatchReader::try_new_with_row_groups(&levels, &chunks, batch_rows, selection)
    }
}

/// Pieces that touch are fetched as one.
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

/// Where the pages with chosen rows of a column chunk are, its dictionary first: offset and length. All of it as one
/// where there is no page index.
fn wanted(file: &ParquetMetaData, group: &Group, column: usize) -> Vec<(u64, u64)> {
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
#[path = "chunks_tests.rs"]
mod tests;
