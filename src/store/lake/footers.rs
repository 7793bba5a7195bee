//! Reads file footers and page indexes, and verifies their checksum. A flipped bit there would drop rows from results,
//! so the Delta log stores a checksum of them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::ChunkReader;

use super::file::{FooterChecksum, LakeFile};
use super::page_reader::FetchedBytes;

/// Returns the byte range of footer and page indexes; `None` when the Delta log does not record it.
pub fn range(file: &LakeFile) -> Option<Range<u64>> {
    let end = file.footer?;
    Some(file.bytes.checked_sub(end.bytes)?..file.bytes)
}

/// Parses the footer and the page indexes of a file.
///
/// # Errors
/// A general Parquet error when the bytes fail their checksum.
pub fn parse(file: &LakeFile, bytes: Bytes, options: ArrowReaderOptions) -> Result<ArrowReaderMetadata> {
    let recorded = file.footer;
    let found = FooterChecksum { bytes: bytes.len() as u64, crc32: crc32fast::hash(&bytes) };
    if recorded.is_some_and(|recorded| recorded != found) {
        return Err(ParquetError::General("the footer fails its checksum".to_owned()));
    }
    let end = FetchedBytes { fetched: vec![(file.bytes.saturating_sub(found.bytes), bytes)] };
    let metadata = ParquetMetaDataReader::new()
        .with_column_index_policy(options.column_index_policy())
        .with_offset_index_policy(options.offset_index_policy())
        .parse_and_finish(&end)?;
    ArrowReaderMetadata::try_new(Arc::new(metadata), options)
}

/// Reads and parses the footer of an open file.
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
