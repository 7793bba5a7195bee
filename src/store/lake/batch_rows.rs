//! Chooses how many rows of a file to decode at a time, by their decoded size, not by their size in the file. A
//! dictionary encodes a thousand equal texts in a few bytes.

use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::page_pruning::RowGroupSelection;

/// Maximum rows per batch.
pub const MAX_BATCH_ROWS: usize = 8192;
/// Approximate decoded bytes of one file per batch. Offsets within a batch have 31 bits; this is far below, and small
/// compared with the memory of a query or a merge.
pub const TARGET_BATCH_BYTES: u64 = 4 << 20;

/// Returns how many rows of some columns of the groups make about `bytes` decoded bytes. The estimate is an average: a
/// group with texts of very different length can yield a batch of all its texts, see
/// `writer_properties::MAX_ROW_GROUP_TEXT_BYTES`.
pub fn batch_rows(
    file: &ParquetMetaData,
    groups: &[RowGroupSelection],
    columns: &[usize],
    bytes: u64,
) -> usize {
    rows_up_to(MAX_BATCH_ROWS, file, groups, columns, bytes)
}

/// Returns the rows of a batch for a reader that decodes `step` rows of the key at a time: that many rows where no column has texts,
/// of which some may be far longer than the average.
pub fn step_rows(
    step: usize,
    file: &ParquetMetaData,
    groups: &[RowGroupSelection],
    columns: &[usize],
    bytes: u64,
) -> usize {
    let schema = file.file_metadata().schema_descr();
    let has_texts = columns.iter().any(|column| schema.column(*column).physical_type() == Type::BYTE_ARRAY);
    rows_up_to(if has_texts { MAX_BATCH_ROWS } else { step }, file, groups, columns, bytes)
}

fn rows_up_to(
    most: usize,
    file: &ParquetMetaData,
    groups: &[RowGroupSelection],
    columns: &[usize],
    bytes: u64,
) -> usize {
    let longest = groups.iter().map(|group| row_bytes(file, group.index, columns)).max().unwrap_or(1);
    usize::try_from(bytes / longest.max(1)).unwrap_or(most).clamp(1, most)
}

/// Average decoded bytes per row of a row group.
fn row_bytes(file: &ParquetMetaData, group: usize, columns: &[usize]) -> u64 {
    let group = file.row_group(group);
    let rows = group.num_rows().unsigned_abs().max(1);
    columns.iter().map(|column| decoded_bytes(group.column(*column), rows).div_ceil(rows)).sum()
}

/// Decoded bytes of all values of a column chunk.
fn decoded_bytes(chunk: &ColumnChunkMetaData, rows: u64) -> u64 {
    match (chunk.column_type(), chunk.unencoded_byte_array_data_bytes()) {
        (Type::BYTE_ARRAY, Some(texts)) => texts.unsigned_abs() + 4 * rows,
        // The file was not written by Basalt, or by a version that did not record it.
        (Type::BYTE_ARRAY, None) => chunk.uncompressed_size().unsigned_abs(),
        _ => 8 * rows,
    }
}

#[cfg(test)]
#[path = "batch_rows_tests.rs"]
mod tests;
