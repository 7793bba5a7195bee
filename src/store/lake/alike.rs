//! A column chunk of one value: encoded once, and copied as bytes from then on.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use bytes::Bytes;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::writer::SerializedRowGroupWriter;

use super::encode;
use super::row_groups::repeated;
use crate::store::table::Table;

/// A column chunk whose rows are alike, as it stands in a file.
pub struct Alike {
    value: ArrayRef,
    rows: usize,
    /// A file of this column alone.
    file: Bytes,
    chunk: ColumnCloseResult,
}

impl Alike {
    /// A column of a table, of so many rows with one value (an array of length 1).
    pub fn encode(table: Table, column: usize, value: &ArrayRef, rows: usize) -> Result<Self> {
        let schema = Arc::new(Schema::new(vec![table.schema().field(column).clone()]));
        let batch = RecordBatch::try_new(schema.clone(), vec![repeated(value, rows)?])?;
        let mut writer = encode::writer(Vec::new(), table, schema)?;
        writer.write(&batch)?;
        let file = Bytes::from(writer.into_inner()?);
        let footer = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&file)?;
        let metadata = footer.row_group(0).column(0).clone();
        let chunk = ColumnCloseResult {
            bytes_written: metadata.compressed_size().unsigned_abs(),
            rows_written: rows as u64,
            bloom_filter: None,
            column_index: footer.column_index().and_then(|groups| groups.first()?.first().cloned()),
            offset_index: footer.offset_index().and_then(|groups| groups.first()?.first().cloned()),
            metadata,
        };
        Ok(Self { value: value.clone(), rows, file, chunk })
    }

    /// Whether it is what these rows would be encoded as.
    pub fn is_of(&self, value: &ArrayRef, rows: usize) -> bool {
        self.rows == rows && &self.value == value
    }

    /// Copies it into a row group as its next column.
    pub fn append_to<W: Write + Send>(&self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        group.append_column(&self.file, self.chunk.clone())
    }
}

/// Whether every row of a file has this value in a column of bytes, `None` for null, as far as its footer tells.
pub fn is_everywhere(file: &ParquetMetaData, column: usize, value: Option<&[u8]>) -> bool {
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
