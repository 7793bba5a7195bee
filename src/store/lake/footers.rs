//! The ends of files: footer and page indexes, which say what there is in a file and where. A changed bit there leaves rows
//! out of an answer, so that they have a checksum of their own in the Delta log.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::ChunkReader;

use super::column_pages::Bits;
use super::file::{End, LakeFile};

/// Where the end of a file lies; `None` when the Delta log does not tell.
pub fn range(file: &LakeFile) -> Option<Range<u64>> {
    let end = file.end?;
    Some(file.bytes.checked_sub(end.bytes)?..file.bytes)
}

/// What the end of a file says.
///
/// # Errors
/// Bytes that are not those that were written.
pub fn parse(file: &LakeFile, bytes: Bytes, options: ArrowReaderOptions) -> Result<ArrowReaderMetadata> {
    let told = file.end;
    let found = End { bytes: bytes.len() as u64, crc32: crc32fast::hash(&bytes) };
    if told.is_some_and(|told| told != found) {
        return Err(ParquetError::General("the footer fails its checksum".to_owned()));
    }
    let end = Bits { fetched: vec![(file.bytes.saturating_sub(found.bytes), bytes)] };
    let metadata = ParquetMetaDataReader::new()
        .with_column_index_policy(options.column_index_policy())
        .with_offset_index_policy(options.offset_index_policy())
        .parse_and_finish(&end)?;
    ArrowReaderMetadata::try_new(Arc::new(metadata), options)
}

/// The same of a file that is open.
pub fn load<R: ChunkReader>(
    file: &LakeFile,
    opened: &R,
    options: ArrowReaderOptions,
) -> Result<ArrowReaderMetadata> {
    let Some(range) = range(file) else { return ArrowReaderMetadata::load(opened, options) };
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    parse(file, opened.get_bytes(range.start, length)?, options)
}

#[cfg(test)]
#[path = "footers_tests.rs"]
mod tests;
