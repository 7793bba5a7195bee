//! Reading chosen pages of a file: those kept from before, and the bytes of the others, fetched at once by whoever reads,
//! from a disk or over a network.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, RowGroups};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::cache::Cache;
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

    /// The rows, given the bytes of `missing`.
    ///
    /// # Errors
    /// Bytes that are not those of the footer's file.
    pub fn read(self, bytes: Vec<Bytes>, batch_rows: usize) -> Result<ParquetRecordBatchReader> {
        let is_whole = bytes.len() == self.missing.len()
            && bytes
                .iter()
                .zip(&self.missing)
                .all(|(bytes, range)| bytes.len() as u64 == range.end - range.start);
        if !is_whole {
            return Err(ParquetError::General("a file is shorter than its footer says".to_owned()));
        }
        let schema = self.footer.parquet_schema();
        let mask = ProjectionMask::roots(schema, self.columns.iter().copied());
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(self.footer.schema().fields()))?;
        let selection = pages::selection(&self.groups);
        // The reader makes room for a whole batch before it knows how much there is.
        let rows = self.groups.iter().map(Group::selected).sum::<usize>();
        let batch_rows = batch_rows.min(rows.max(1));
        let fetched = self.missing.iter().map(|range| range.start).zip(bytes).collect();
        let groups = Fetched(Arc::new(Parts {
            path: self.path,
            file: self.footer.metadata().clone(),
            groups: self.groups.iter().map(|group| group.index).collect(),
            kept: self.kept,
            fetched: Arc::new(Bits { fetched }),
            cache: self.cache,
        }));
        ParquetRecordBatchReader::try_new_with_row_groups(&levels, &groups, batch_rows, selection)
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

fn locations(file: &ParquetMetaData, group: usize, column: usize) -> Option<&Vec<PageLocation>> {
    Some(file.offset_index()?.get(group)?.get(column)?.page_locations())
}

/// The pieces of a file that were fetched, by their offsets.
struct Bits {
    fetched: Vec<(u64, Bytes)>,
}

impl Length for Bits {
    fn len(&self) -> u64 {
        self.fetched.last().map_or(0, |(start, bytes)| start + bytes.len() as u64)
    }
}

impl ChunkReader for Bits {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} were not fetched")));
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Bits {
    fn from(&self, start: u64) -> Result<Bytes> {
        let at = self.fetched.partition_point(|(offset, _)| *offset <= start);
        let found = at.checked_sub(1).map(|at| &self.fetched[at]);
        let within = found.and_then(|(offset, bytes)| {
            let skipped = usize::try_from(start - offset).ok().filter(|skipped| *skipped <= bytes.len())?;
            Some(bytes.slice(skipped..))
        });
        within.ok_or_else(|| ParquetError::EOF(format!("the bytes at {start} were not fetched")))
    }
}

/// What of a file its readers share.
struct Parts {
    path: Arc<str>,
    file: Arc<ParquetMetaData>,
    groups: Vec<usize>,
    kept: HashMap<u64, Page>,
    fetched: Arc<Bits>,
    cache: Arc<Cache>,
}

/// As the Arrow reader takes it.
struct Fetched(Arc<Parts>);

impl RowGroups for Fetched {
    fn num_rows(&self) -> usize {
        self.row_groups().map(|group| group.num_rows().unsigned_abs() as usize).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(ColumnChunks { parts: self.0.clone(), groups: self.0.groups.clone().into(), column }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.0.groups.iter().map(|index| self.0.file.row_group(*index)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.0.file
    }
}

struct ColumnChunks {
    parts: Arc<Parts>,
    groups: VecDeque<usize>,
    column: usize,
}

impl Iterator for ColumnChunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.groups.pop_front()?;
        Some(Pages::open(self.parts.clone(), group, self.column))
    }
}

impl PageIterator for ColumnChunks {}

/// The pages of a column chunk. What decodes them is made for the first that is not kept: it is dear.
struct Pages {
    parts: Arc<Parts>,
    group: usize,
    column: usize,
    /// Where they are and the rows of each; `None` for the dictionary.
    places: VecDeque<(u64, Option<usize>)>,
    decoder: Option<SerializedPageReader<Bits>>,
    /// Pages that are passed and that the decoder has not been told of.
    passed: usize,
}

impl Pages {
    fn open(parts: Arc<Parts>, group: usize, column: usize) -> Result<Box<dyn PageReader>> {
        let rows = parts.file.row_group(group).num_rows().unsigned_abs() as usize;
        let chunk = parts.file.row_group(group).column(column);
        let Some(locations) = locations(&parts.file, group, column) else {
            let decoder = SerializedPageReader::new(parts.fetched.clone(), chunk, rows, None)?;
            return Ok(Box::new(decoder));
        };
        let first = locations.first().map(|first| first.offset.unsigned_abs());
        let dictionary =
            first.filter(|first| *first > chunk.byte_range().0).map(|_| (chunk.byte_range().0, None));
        let of_page = |(page, location): (usize, &PageLocation)| {
            let next =
                locations.get(page + 1).map_or(rows, |next| next.first_row_index.unsigned_abs() as usize);
            let rows = next.saturating_sub(location.first_row_index.unsigned_abs() as usize);
            (location.offset.unsigned_abs(), Some(rows))
        };
        let places = dictionary.into_iter().chain(locations.iter().enumerate().map(of_page)).collect();
        Ok(Box::new(Pages { group, column, places, decoder: None, passed: 0, parts }))
    }

    fn chunk(&self) -> &ColumnChunkMetaData {
        self.parts.file.row_group(self.group).column(self.column)
    }

    /// The next page, decoded.
    fn decode(&mut self) -> Result<Option<Page>> {
        if self.decoder.is_none() {
            let rows = self.parts.file.row_group(self.group).num_rows().unsigned_abs() as usize;
            let locations = locations(&self.parts.file, self.group, self.column).cloned();
            let fetched = self.parts.fetched.clone();
            self.decoder = Some(SerializedPageReader::new(fetched, self.chunk(), rows, locations)?);
        }
        let decoder = self.decoder.as_mut().expect("it was just made");
        for _ in 0..std::mem::take(&mut self.passed) {
            decoder.skip_next_page()?;
        }
        decoder.get_next_page()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some((offset, _)) = self.places.front().copied() else { return Ok(None) };
        if let Some(page) = self.parts.kept.get(&offset).cloned() {
            self.skip_next_page()?;
            return Ok(Some(page));
        }
        let page = self.decode()?;
        self.places.pop_front();
        if let Some(page) = &page {
            let is_piece = self.chunk().compression() == Compression::UNCOMPRESSED;
            self.parts.cache.put_page(&self.parts.path, offset, page.clone(), is_piece);
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Ok(self.places.front().map(|(_, rows)| PageMetadata {
            num_rows: *rows,
            num_levels: None,
            is_dict: rows.is_none(),
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.passed += usize::from(self.places.pop_front().is_some());
        Ok(())
    }
}

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
