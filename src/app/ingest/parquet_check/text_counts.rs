//! Validates pages that store the number of their texts inside (`DELTA_LENGTH_BYTE_ARRAY`): the reader allocates a
//! length for each text (parquet 59). Only the first numbers of such a page are read.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::damaged;
use super::pages::ColumnChunkId;
use super::thrift::ThriftReader;
use crate::domain::Result;

/// Checks the pages of these chunks, whose headers must have been checked.
pub fn check(file: &Bytes, metadata: &ParquetMetaData, chunks: &[ColumnChunkId]) -> Result<()> {
    let unreadable = |e| damaged("a page cannot be read").with_source(e);
    let file = Arc::new(file.clone());
    for id in chunks {
        let group = metadata.row_group(id.row_group);
        let chunk = group.column(id.column);
        let rows =
            usize::try_from(group.num_rows()).map_err(|_| damaged("it has a negative number of rows"))?;
        let has_levels = chunk.column_descr().max_def_level() > 0;
        let mut pages = SerializedPageReader::new(file.clone(), chunk, rows, None).map_err(unreadable)?;
        while let Some(page) = pages.get_next_page().map_err(unreadable)? {
            if page.encoding() == Encoding::DELTA_LENGTH_BYTE_ARRAY && page.is_data_page() {
                check_count(&page, has_levels)?;
            }
        }
    }
    Ok(())
}

fn check_count(page: &Page, has_levels: bool) -> Result<()> {
    let short = || damaged("a page of texts is cut short");
    let levels = match page {
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            *def_levels_byte_len as usize + *rep_levels_byte_len as usize
        }
        Page::DataPage { def_level_encoding: Encoding::RLE, buf, .. } if has_levels => {
            let length = buf.get(..4).and_then(|bytes| bytes.try_into().ok()).ok_or_else(short)?;
            (u32::from_le_bytes(length) as usize).saturating_add(4)
        }
        Page::DataPage { .. } if has_levels => {
            return Err(damaged("a page of texts has levels of an old form"));
        }
        _ => 0,
    };
    let mut content = ThriftReader(page.buffer().get(levels..).ok_or_else(short)?);
    // The block size and the number of miniblocks come first.
    let (_, _, count) = (content.varint()?, content.varint()?, content.varint()?);
    if count <= u64::from(page.num_values()) {
        return Ok(());
    }
    Err(damaged("a page has more texts than values"))
}
