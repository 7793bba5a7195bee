//! How many rows of a file are decoded at a time: by what they take when they are decoded, not as they lie in the file.
//! A dictionary makes a thousand equal texts a few bytes there.

use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::pages::Group;

/// Rows decoded at a time, unless they are long.
pub const BATCH_ROWS: usize = 8192;
/// Bytes decoded at a time of one file, about. Offsets within a batch have 31 bits; this is far below, and small beside
/// what a query or a merge may take.
pub const BATCH_BYTES: u64 = 4 << 20;

/// As many rows of some columns of the groups as make about so many bytes. A group whose texts are of very different
/// length can give a batch of all its texts: `encode::ROW_GROUP_TEXT`.
pub fn batch_rows(file: &ParquetMetaData, groups: &[Group], columns: &[usize], bytes: u64) -> usize {
    let longest = groups.iter().map(|group| row_bytes(file, group.index, columns)).max().unwrap_or(1);
    usize::try_from(bytes / longest.max(1)).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
}

/// Bytes of a row of a group on the average.
fn row_bytes(file: &ParquetMetaData, group: usize, columns: &[usize]) -> u64 {
    let group = file.row_group(group);
    let rows = group.num_rows().unsigned_abs().max(1);
    columns.iter().map(|column| decoded_bytes(group.column(*column), rows).div_ceil(rows)).sum()
}

/// Bytes of all values of a column chunk.
fn decoded_bytes(chunk: &ColumnChunkMetaData, rows: u64) -> u64 {
    match (chunk.column_type(), chunk.unencoded_byte_array_data_bytes()) {
        (Type::BYTE_ARRAY, Some(texts)) => texts.unsigned_abs() + 4 * rows,
        // Not written by us, or by a version that did not tell.
        (Type::BYTE_ARRAY, None) => chunk.uncompressed_size().unsigned_abs(),
        _ => 8 * rows,
    }
}

#[cfg(test)]
#[path = "batch_rows_tests.rs"]
mod tests;
