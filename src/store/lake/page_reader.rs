//! Page reader for the Arrow reader: serves pages of column chunks from the cache or from fetched bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::cache::LakeCache;

/// Returns the locations of a column chunk's data pages; `None` without a page index.
pub fn locations(file: &ParquetMetaData, group: usize, column: usize) -> Option<&Vec<PageLocation>> {
    Some(file.offset_index()?.get(group)?.get(column)?.page_locations())
}

/// Fetched ranges of a file, by their offsets.
pub struct FetchedBytes {
    pub fetched: Vec<(u64, Bytes)>,
}

impl Length for FetchedBytes {
    fn len(&self) -> u64 {
        self.fetched.last().map_or(0, |(start, bytes)| start + bytes.len() as u64)
    }
}

impl ChunkReader for FetchedBytes {
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

impl FetchedBytes {
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

/// State shared by all readers of a file.
pub struct FetchedFile {
    pub path: Arc<str>,
    pub file: Arc<ParquetMetaData>,
    pub kept: HashMap<u64, Page>,
    pub fetched: Arc<FetchedBytes>,
    pub cache: Arc<LakeCache>,
}

/// Row groups as input of the Arrow reader.
pub struct FetchedRowGroups {
    pub parts: Arc<FetchedFile>,
    pub groups: Vec<usize>,
}

impl RowGroups for FetchedRowGroups {
    fn num_rows(&self) -> usize {
        self.row_groups().map(|group| group.num_rows().unsigned_abs() as usize).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(ColumnChunks { parts: self.parts.clone(), groups: self.groups.clone().into(), column }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.groups.iter().map(|index| self.parts.file.row_group(*index)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.parts.file
    }
}

struct ColumnChunks {
    parts: Arc<FetchedFile>,
    groups: VecDeque<usize>,
    column: usize,
}

impl Iterator for ColumnChunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.groups.pop_front()?;
        Some(ColumnPageReader::open(self.parts.clone(), group, self.column))
    }
}

impl PageIterator for ColumnChunks {}

/// Reads the pages of a column chunk. The decoder is expensive, so it is created for the first page that is not cached.
struct ColumnPageReader {
    parts: Arc<FetchedFile>,
    group: usize,
    column: usize,
    /// Offset and row count of each page; `None` for the dictionary.
    places: VecDeque<(u64, Option<usize>)>,
    decoder: Option<SerializedPageReader<FetchedBytes>>,
    /// Pages already passed that the decoder has not skipped yet.
    passed: usize,
}

impl ColumnPageReader {
    fn open(parts: Arc<FetchedFile>, group: usize, column: usize) -> Result<Box<dyn PageReader>> {
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
        Ok(Box::new(ColumnPageReader { group, column, places, decoder: None, passed: 0, parts }))
    }

    fn chunk(&self) -> &ColumnChunkMetaData {
        self.parts.file.row_group(self.group).column(self.column)
    }

    /// Decodes the next page. The Parquet library verifies its checksum first (its `crc` feature).
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

impl Iterator for ColumnPageReader {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for ColumnPageReader {
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
