//! A column chunk with one value in all rows. It is encoded once and copied as bytes afterwards.

use std::io::{Write, sink};
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Schema;
use parquet::arrow::arrow_writer::compute_leaves;
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::writer::SerializedRowGroupWriter;

use super::page_checksums::{EncodedChunk, PageChecksums};
use super::writer_properties::{self, ValueEncoding};
use crate::store::table::Table;

/// An encoded column chunk whose rows all have the same value.
pub struct ConstantChunk {
    value: ArrayRef,
    rows: usize,
    chunk: EncodedChunk,
}

impl ConstantChunk {
    /// Encodes a column of a table in which `rows` rows have one value (an array of length 1).
    pub fn encode(table: Table, column: usize, value: &ArrayRef, rows: usize) -> Result<Self> {
        let field = table.schema().fields()[column].clone();
        let (schema, checksums) =
            (Arc::new(Schema::new(vec![field.clone()])), Arc::new(PageChecksums::default()));
        let (_, writers) =
            writer_properties::new_writer(sink(), table, ValueEncoding::Repeated, schema, checksums.clone())?;
        let mut writer = writers.create_column_writers(0)?.swap_remove(0);
        compute_leaves(&field, &repeated(value, rows)?)?.iter().try_for_each(|leaf| writer.write(leaf))?;
        Ok(Self { value: value.clone(), rows, chunk: checksums.close(0, writer)? })
    }

    /// Whether encoding these rows would give this chunk.
    pub fn matches(&self, value: &ArrayRef, rows: usize) -> bool {
        self.rows == rows && &self.value == value
    }

    /// Copies the chunk into a row group as its next column.
    pub fn append_to<W: Write + Send>(&self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        self.chunk.append_to(group)
    }
}

/// Whether every row of a file has this value in a byte-array column (`None` for null), judged by its footer alone.
pub fn is_constant(file: &ParquetMetaData, column: usize, value: Option<&[u8]>) -> bool {
    file.row_groups().iter().all(|group| {
        let Some(statistics) = group.column(column).statistics() else { return false };
        let nulls = statistics.null_count_opt();
        match value {
            None => nulls == Some(group.num_rows().unsigned_abs()),
            Some(value) => {
                let is_exact = statistics.min_is_exact() && statistics.max_is_exact();
                let bounds = (statistics.min_bytes_opt(), statistics.max_bytes_opt());
                nulls == Some(0) && is_exact && bounds == (Some(value), Some(value))
            }
        }
    })
}

/// Repeats a value `rows` times.
pub(super) fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    Ok(take(value, &UInt32Array::from_value(0, rows), None)?)
}
