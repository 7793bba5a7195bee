//! Parquet files of rows, written as the rows come: of exports over HTTP and of `basalt export`.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::domain::{Error, Result};

/// Rows per row group, which the writer holds in memory, encoded.
const ROW_GROUP_ROWS: usize = 128 << 10;
/// Bytes of a row group, after which it ends also with fewer rows: texts may be long.
const ROW_GROUP_BYTES: usize = 8 << 20;

/// A file being written. It holds one row group in memory.
pub struct ParquetFile<W: Write + Send> {
    writer: ArrowWriter<W>,
    rows: u64,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// `Internal` for a column type that Parquet does not have; those of the output.
    pub fn new(out: W, schema: &SchemaRef) -> Result<Self> {
        let fast = ZstdLevel::try_new(1).map_err(parquet_error)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(fast))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(parquet_error)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Writes rows.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(parquet_error)?;
        self.rows += batch.num_rows() as u64;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(parquet_error)?;
        }
        Ok(())
    }

    /// Writes the end of the file; returns the output and the number of rows.
    ///
    /// # Errors
    /// The errors of the output.
    pub fn finish(self) -> Result<(W, u64)> {
        let out = self.writer.into_inner().map_err(parquet_error)?;
        Ok((out, self.rows))
    }
}

/// An error of the output is not ours.
fn parquet_error(error: ParquetError) -> Error {
    if let ParquetError::External(source) = &error
        && let Some(io) = source.downcast_ref::<io::Error>()
    {
        return Error::unavailable(format!("the rows cannot be written: {io}")).with_source(error);
    }
    Error::internal("the rows cannot be written as Parquet").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    #[test]
    fn long_texts_end_a_row_group_early() {
        let fields = vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8, false)];
        let schema = Arc::new(Schema::new(fields));
        let mut file = ParquetFile::new(Vec::new(), &schema).unwrap();
        let mut seed = 1_u64;
        // Texts that zstd does not shrink.
        let mut noise = || {
            std::iter::repeat_with(|| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b' ' + (seed >> 58) as u8)
            })
            .take(1 << 16)
            .collect::<String>()
        };
        for batch in 0..40_i64 {
            let texts: StringArray = (0..8).map(|_| Some(noise())).collect();
            let numbers = Int64Array::from_iter_values((0..8).map(|row| batch * 8 + row));
            let columns = vec![Arc::new(numbers) as _, Arc::new(texts) as _];
            file.write(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
            assert!(file.writer.in_progress_size() <= ROW_GROUP_BYTES);
        }
        let (bytes, rows) = file.finish().unwrap();
        assert_eq!(rows, 320);
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
        assert!(reader.metadata().num_row_groups() > 1);
        let rows: usize = reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 320);
    }
}
