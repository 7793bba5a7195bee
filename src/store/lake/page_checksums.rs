//! Adds checksums to page headers. The Parquet writer leaves them out, so they are inserted as the format specifies
//! while a row group is assembled. `page_reader` verifies them (the `crc` feature of the Parquet library), and so do other
//! readers of Parquet.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::OffsetIndexBuilder;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::writer::SerializedRowGroupWriter;

/// Header byte of an i32 field with the id following its predecessor's (Thrift compact protocol: delta 1, type 5).
const NEXT_I32: u8 = 0x15;
/// Increment of a field header byte for each step of the field id delta.
const FIELD_DELTA_STEP: u8 = 0x10;
/// First field of a dictionary page header: page type 2, zigzag-encoded.
const DICTIONARY_PAGE_TYPE: u8 = 4;

/// Header and body of each page of a column chunk, in encoding order.
type EncodedPages = Arc<Mutex<Vec<Bytes>>>;

/// Buffers the encoded pages, by column, of the row group being written.
#[derive(Debug, Default)]
pub struct PageChecksums {
    columns: Mutex<BTreeMap<usize, EncodedPages>>,
}

impl PageStoreFactory for PageChecksums {
    fn create(&self, args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        let blobs = EncodedPages::default();
        self.columns.lock().insert(args.column_index(), blobs.clone());
        Ok(Box::new(ColumnPageStore(blobs)))
    }
}

struct ColumnPageStore(EncodedPages);

impl PageStore for ColumnPageStore {
    fn put(&mut self, value: Bytes) -> Result<PageKey> {
        let mut blobs = self.0.lock();
        blobs.push(value);
        Ok(PageKey::new(blobs.len() as u64 - 1))
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let at = usize::try_from(key.get()).unwrap_or(usize::MAX);
        self.0
            .lock()
            .get_mut(at)
            .map(std::mem::take)
            .ok_or_else(|| malformed_page_error("a page that was never written"))
    }

    fn memory_size(&self) -> usize {
        self.0.lock().iter().map(Bytes::len).sum()
    }
}

/// A column chunk in the form in which it is written to a file.
pub struct EncodedChunk {
    bytes: Bytes,
    close: ColumnCloseResult,
}

impl EncodedChunk {
    /// Copies the chunk into a row group as its next column.
    pub fn append_to<W: std::io::Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        group.append_column(&self.bytes, self.close.clone())
    }
}

impl PageChecksums {
    /// Closes the writer of a column and adds the checksums to its pages.
    pub fn close(&self, column: usize, writer: ArrowColumnWriter) -> Result<EncodedChunk> {
        let close = writer.close()?.close().clone();
        let blobs = self.columns.lock().remove(&column);
        let blobs = blobs.map(|blobs| std::mem::take(&mut *blobs.lock())).unwrap_or_default();
        let encoded: usize = blobs.iter().map(Bytes::len).sum();
        let mut bytes = Vec::with_capacity(encoded + 6 * blobs.len());
        let (mut dictionary, mut data) = (None, Vec::new());
        for page in blobs.chunks(2) {
            let [header, body] = page else { return Err(malformed_page_error("a page of a header alone")) };
            let mut page = header_with_checksum(header, body)?;
            page.extend_from_slice(body);
            match header.get(1) {
                Some(&DICTIONARY_PAGE_TYPE) => dictionary = Some(page),
                _ => data.push(page),
            }
        }
        // The dictionary page is encoded last and stored first.
        let start = dictionary.as_ref().map_or(0, Vec::len);
        let sizes: Vec<usize> = data.iter().map(Vec::len).collect();
        dictionary.iter().chain(&data).for_each(|page| bytes.extend_from_slice(page));
        let close = resized_chunk(close, bytes.len() - encoded, start, &sizes)?;
        Ok(EncodedChunk { bytes: bytes.into(), close })
    }
}

/// Updates the metadata of a column chunk whose pages have grown by `more` bytes in total. Data pages begin at `start`
/// and have the given sizes.
fn resized_chunk(
    close: ColumnCloseResult,
    more: usize,
    start: usize,
    sizes: &[usize],
) -> Result<ColumnCloseResult> {
    let ColumnCloseResult { rows_written, metadata, bloom_filter, column_index, offset_index, .. } = close;
    let length = start + sizes.iter().sum::<usize>();
    let unpacked = metadata.uncompressed_size() + more as i64;
    let metadata = metadata
        .into_builder()
        .set_total_compressed_size(length as i64)
        .set_total_uncompressed_size(unpacked)
        .set_dictionary_page_offset((start > 0).then_some(0))
        .set_data_page_offset(start as i64)
        .build()?;
    let offset_index = offset_index.map(|index| moved(&index, rows_written, start, sizes)).transpose()?;
    let bytes_written = length as u64;
    Ok(ColumnCloseResult { bytes_written, rows_written, metadata, bloom_filter, column_index, offset_index })
}

fn moved(
    index: &OffsetIndexMetaData,
    rows: u64,
    start: usize,
    sizes: &[usize],
) -> Result<OffsetIndexMetaData> {
    let pages = index.page_locations();
    if pages.len() != sizes.len() {
        return Err(malformed_page_error("other pages than the offset index tells of"));
    }
    let unencoded = index.unencoded_byte_array_data_bytes();
    let (mut builder, mut offset) = (OffsetIndexBuilder::new(), start);
    for (page, size) in sizes.iter().enumerate() {
        let next = pages.get(page + 1).map_or(rows as i64, |next| next.first_row_index);
        builder.append_row_count(next - pages[page].first_row_index);
        let length = i32::try_from(*size).map_err(|_| malformed_page_error("a page of more than 2 GiB"))?;
        builder.append_offset_and_size(offset as i64, length);
        builder.append_unencoded_byte_array_data_bytes(unencoded.and_then(|of| of.get(page).copied()));
        offset += size;
    }
    Ok(builder.build())
}

/// Inserts the checksum of a page's body into its header. It is the fourth field, after page type, uncompressed size
/// and compressed size, and before the header of the specific type.
fn header_with_checksum(header: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    let at = fourth(header).ok_or_else(|| malformed_page_error("a page header of another form"))?;
    let sum = crc32fast::hash(body) as i32;
    let mut with = Vec::with_capacity(header.len() + 6 + body.len());
    with.extend_from_slice(&header[..at]);
    with.push(NEXT_I32);
    let mut zigzag = ((sum << 1) ^ (sum >> 31)) as u32;
    while zigzag >= 0x80 {
        with.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    with.push(zigzag as u8);
    // The id delta to the next field is now one smaller.
    with.push(header[at] - FIELD_DELTA_STEP);
    with.extend_from_slice(&header[at + 1..]);
    Ok(with)
}

/// Returns the offset after the first three fields; `None` unless these are i32 and the next field's id is above four.
fn fourth(header: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..3 {
        if *header.get(at)? != NEXT_I32 {
            return None;
        }
        at += 1 + header.get(at + 1..)?.iter().position(|byte| byte & 0x80 == 0)? + 1;
    }
    (*header.get(at)? >= 2 * FIELD_DELTA_STEP).then_some(at)
}

fn malformed_page_error(what: &str) -> ParquetError {
    ParquetError::General(format!("the Parquet writer made {what}"))
}

#[cfg(test)]
#[path = "page_checksums_tests.rs"]
mod tests;
