//! Validates page headers, because the footer's totals need not be true. The reader allocates the declared size of a
//! page and the declared length of a dictionary (parquet 59).

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::thrift::{ThriftReader, ThriftValue, ThriftVisitor};
use super::thrift_schema::PAGE;
use super::{codec, damaged};
use crate::app::ingest::size::ROW_BYTES;
use crate::app::ingest::{DECODED_BYTES, size};
use crate::domain::Result;

/// Maximum pages of a file: writers put thousands of rows into a page, so that no file of a request has more.
const MAX_PAGES: usize = 1 << 18;
/// Maximum values of a page: no request has more rows.
const MAX_VALUES: i64 = (DECODED_BYTES / ROW_BYTES) as i64;

const DATA: i64 = 0;
const INDEX: i64 = 1;
const DICTIONARY: i64 = 2;
const DATA_V2: i64 = 3;
/// Encoding in which a text shares a prefix with the one before it: every row can be as long as all before it
/// together.
const DELTA_BYTE_ARRAY: i64 = 7;
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;

/// Totals over the pages of a file.
#[derive(Debug, Default)]
pub struct ParquetPageTotals {
    /// Decompressed size, bytes.
    pub bytes: usize,
    pages: usize,
    /// Chunks whose pages store the number of their texts inside.
    pub with_lengths: Vec<ColumnChunkId>,
}

/// Place of a column chunk in a file.
#[derive(Debug, Clone, Copy)]
pub struct ColumnChunkId {
    pub row_group: usize,
    pub column: usize,
}

/// Walks the page headers of every chunk.
pub fn check(file: &[u8], metadata: &ParquetMetaData) -> Result<ParquetPageTotals> {
    let mut pages = ParquetPageTotals::default();
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        for (column, chunk) in group.columns().iter().enumerate() {
            if pages.chunk(file, chunk)? {
                pages.with_lengths.push(ColumnChunkId { row_group, column });
            }
        }
    }
    Ok(pages)
}

impl ParquetPageTotals {
    /// Walks a chunk. Returns whether it has pages that store the number of their texts inside.
    fn chunk(&mut self, file: &[u8], chunk: &ColumnChunkMetaData) -> Result<bool> {
        codec::check(chunk.compression())?;
        let outside = || damaged("a column lies outside of the file");
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let start = usize::try_from(start).map_err(|_| outside())?;
        let length = usize::try_from(chunk.compressed_size()).map_err(|_| outside())?;
        let end = start.checked_add(length).ok_or_else(outside)?;
        let mut rest = file.get(start..end).ok_or_else(outside)?;
        let mut has_lengths = false;
        while !rest.is_empty() {
            let mut page = ParquetPageHeader::default();
            let mut header = ThriftReader(rest);
            header.structure(&PAGE, &mut page)?;
            let compressed = page.check()?;
            let (content, after) =
                header.0.split_at_checked(compressed).ok_or_else(|| damaged("a page is cut short"))?;
            self.count(&page, compressed)?;
            if page.kind != Some(INDEX) && chunk.compression() != Compression::UNCOMPRESSED {
                codec::check_page(
                    chunk.compression(),
                    page.compressed_part(content),
                    page.decompressed_bytes(),
                )?;
            }
            has_lengths |= page.encoding == Some(DELTA_LENGTH_BYTE_ARRAY);
            rest = after;
        }
        Ok(has_lengths)
    }

    fn count(&mut self, page: &ParquetPageHeader, compressed: usize) -> Result<()> {
        self.pages += 1;
        if self.pages > MAX_PAGES {
            return Err(damaged(&format!("it has more than {MAX_PAGES} pages")));
        }
        let bytes = usize::try_from(page.uncompressed.unwrap_or_default()).unwrap_or(usize::MAX);
        self.bytes = self.bytes.saturating_add(bytes.max(compressed));
        size::check(self.bytes)
    }
}

/// The header of a page.
#[derive(Default)]
struct ParquetPageHeader {
    kind: Option<i64>,
    uncompressed: Option<i64>,
    compressed: Option<i64>,
    values: Option<i64>,
    encoding: Option<i64>,
    /// Bytes of levels, which pages of the second version store uncompressed.
    levels: [i64; 2],
    is_plain: bool,
}

impl<'a> ThriftVisitor<'a> for ParquetPageHeader {
    fn visit_field(&mut self, form: &'static str, field: i16, value: ThriftValue<'a>) -> Result<()> {
        let ThriftValue::Int(value) = value else { return Ok(()) };
        match (form, field) {
            ("PageHeader", 1) => self.kind = Some(value),
            ("PageHeader", 2) => self.uncompressed = Some(value),
            ("PageHeader", 3) => self.compressed = Some(value),
            ("DataPageHeader" | "DataPageHeaderV2" | "DictionaryPageHeader", 1) => {
                // Whatever its type is, the page counts with the largest of its numbers.
                self.values =
                    Some(if value < 0 { value } else { value.max(self.values.unwrap_or_default()) });
            }
            ("DataPageHeader", 2) | ("DataPageHeaderV2", 4) => self.encoding = Some(value),
            ("DataPageHeaderV2", 5) => self.levels[0] = value,
            ("DataPageHeaderV2", 6) => self.levels[1] = value,
            ("DataPageHeaderV2", 7) => self.is_plain = value == 0,
            _ => {}
        }
        Ok(())
    }
}

impl ParquetPageHeader {
    /// Checks the header and returns the number of bytes that follow it.
    fn check(&self) -> Result<usize> {
        let missing = || damaged("a page does not say how long it is");
        let uncompressed = self.uncompressed.filter(|bytes| *bytes >= 0).ok_or_else(missing)?;
        let compressed = self.compressed.filter(|bytes| *bytes >= 0).ok_or_else(missing)?;
        let values = self.values.unwrap_or_default();
        let most = match self.kind {
            Some(DATA | DATA_V2) => MAX_VALUES,
            // Every value of a dictionary takes a byte at least.
            Some(DICTIONARY) => uncompressed.max(compressed),
            Some(INDEX) => MAX_VALUES,
            _ => return Err(damaged("it has a page of a type that is not read here")),
        };
        if !(0..=most).contains(&values) {
            return Err(damaged("a page has more values than its bytes can say"));
        }
        if self.levels.iter().any(|bytes| *bytes < 0) || self.levels.iter().sum::<i64>() > uncompressed {
            return Err(damaged("the levels of a page are longer than the page"));
        }
        if self.encoding == Some(DELTA_BYTE_ARRAY) {
            return Err(damaged(
                "the encoding DELTA_BYTE_ARRAY is not read here; write texts plain, by a dictionary, or with \
                 DELTA_LENGTH_BYTE_ARRAY",
            ));
        }
        usize::try_from(compressed).map_err(|_| missing())
    }

    fn level_bytes(&self) -> usize {
        let bytes = self.levels.iter().sum::<i64>();
        if self.kind == Some(DATA_V2) { usize::try_from(bytes).unwrap_or_default() } else { 0 }
    }

    /// Returns the compressed part of a page.
    fn compressed_part<'c>(&self, content: &'c [u8]) -> &'c [u8] {
        let is_plain = self.is_plain && self.kind == Some(DATA_V2);
        let from = if is_plain { content.len() } else { self.level_bytes().min(content.len()) };
        &content[from..]
    }

    /// Returns the declared decompressed length of that part.
    fn decompressed_bytes(&self) -> usize {
        let whole = usize::try_from(self.uncompressed.unwrap_or_default()).unwrap_or_default();
        whole.saturating_sub(self.level_bytes())
    }
}
