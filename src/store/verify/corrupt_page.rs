//! Locates the page of a row group that cannot be decoded: column by column, then page by page.

use std::io;
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::store::disk::DiskReader;

/// A defect at a place in a file.
pub(super) struct Corruption {
    pub(super) at: String,
    pub(super) what: String,
}

impl Corruption {
    pub(super) fn of_file(what: impl Into<String>) -> Corruption {
        Corruption { at: String::new(), what: what.into() }
    }
}

/// Returns where a row group that cannot be decoded is corrupt. `cause` is the error from decoding all of it.
pub(super) fn locate(
    open: impl Fn() -> io::Result<DiskReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    cause: &dyn std::fmt::Display,
) -> Corruption {
    let columns = metadata.metadata().row_group(group).num_columns();
    for column in 0..columns {
        let Err(what) = decode(&open, metadata, group, column) else { continue };
        let name = metadata.metadata().row_group(group).column(column).column_path().string();
        let place = match page(&open, metadata, group, column) {
            Some((page, offset)) => {
                format!("row group {group}, column {name}, page {page} at offset {offset}")
            }
            None => format!("row group {group}, column {name}"),
        };
        return Corruption { at: place, what: format!("cannot be decoded: {what}") };
    }
    Corruption { at: format!("row group {group}"), what: format!("cannot be decoded: {cause}") }
}

/// Decodes one column of a row group.
fn decode(
    open: impl Fn() -> io::Result<DiskReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    column: usize,
) -> Result<(), String> {
    let file = open().map_err(|e| e.to_string())?;
    let mask = ProjectionMask::leaves(metadata.parquet_schema(), [column]);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
    let reader = builder.with_row_groups(vec![group]).with_projection(mask).build();
    for batch in reader.map_err(|e| e.to_string())? {
        batch.map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Returns the first page of a column that cannot be decompressed, counted from 0 without the dictionary, and its
/// offset.
fn page(
    open: impl Fn() -> io::Result<DiskReader>,
    metadata: &ArrowReaderMetadata,
    group: usize,
    column: usize,
) -> Option<(usize, i64)> {
    let known = metadata.metadata();
    let locations = known.offset_index()?.get(group)?.get(column)?.page_locations();
    let rows = usize::try_from(known.row_group(group).num_rows()).ok()?;
    let of = known.row_group(group).column(column);
    let has_dictionary = of.dictionary_page_offset().is_some();
    let reader = SerializedPageReader::new(Arc::new(open().ok()?), of, rows, Some(locations.clone())).ok()?;
    for (n, page) in reader.enumerate() {
        if page.is_err() {
            let n = n.checked_sub(usize::from(has_dictionary));
            return match n {
                Some(n) => Some((n, locations.get(n)?.offset)),
                None => Some((0, of.dictionary_page_offset()?)),
            };
        }
    }
    None
}
