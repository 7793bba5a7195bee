//! Writes sorted rows as row groups of a file. A column with one value in all rows of a group, as quality and text
//! mostly have, is encoded once and copied into every further group of the same length.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;

use super::column_encoders::{ColumnEncoders, are_distinct};
use super::column_input::ColumnInput;
use super::constant_chunk::{ConstantChunk, repeated};
use super::page_checksums::PageChecksums;
use super::stream_run::StreamRun;
use super::writer_properties::{self, MAX_ROW_GROUP_ROWS, MAX_ROW_GROUP_TEXT_BYTES, ValueEncoding};
use crate::store::schema::{STREAM_ID, VALUE};
use crate::store::table::Table;

/// Writes rows of a table, ending a row group whenever it is full.
pub struct RowGroupWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    repeated_values: ColumnEncoders,
    distinct_values: ColumnEncoders,
    table: Table,
    schema: SchemaRef,
    /// Columns of the current row group.
    open: Vec<OpenColumn>,
    /// Whether its values hardly repeat.
    is_distinct: bool,
    rows: usize,
    /// The stream that the current row group ends with, where the table has streams as its first column.
    run: StreamRun,
    /// Bytes of text in the current row group.
    text: usize,
    /// The last chunk encoded for each column that was constant in a row group.
    constant_chunks: Vec<Option<ConstantChunk>>,
}

/// A column of the current row group.
struct OpenColumn {
    writer: ArrowColumnWriter,
    /// The value of all rows so far, none of them written yet; `None` once rows differ.
    same: Option<ArrayRef>,
}

impl<W: Write + Send> RowGroupWriter<W> {
    /// Begins a file with all columns of the table, written to `out`. Rows must be added in the order of their keys.
    pub fn new(out: W, table: Table) -> Result<Self> {
        let checksums = Arc::new(PageChecksums::default());
        let encoding = ValueEncoding::Repeated;
        let (file, factory) =
            writer_properties::new_writer(out, table, encoding, table.schema(), checksums.clone())?;
        let (schema, alike) = (table.schema(), table.schema().fields().iter().map(|_| None).collect());
        Ok(Self {
            file,
            repeated_values: ColumnEncoders::new(factory, checksums),
            distinct_values: ColumnEncoders::of_distinct_values(table)?,
            table,
            schema,
            open: Vec::new(),
            is_distinct: false,
            rows: 0,
            run: StreamRun::default(),
            text: 0,
            constant_chunks: alike,
        })
    }

    /// Adds rows that have all columns of the table.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells: Vec<ColumnInput> = batch.columns().iter().cloned().map(ColumnInput::Values).collect();
        self.write_columns(&cells, batch.num_rows())
    }

    /// Adds rows given as all columns of the table.
    pub fn write_columns(&mut self, columns: &[ColumnInput], rows: usize) -> Result<()> {
        let mut start = 0;
        while start < rows {
            let count = (rows - start).min(MAX_ROW_GROUP_ROWS - self.rows);
            let count = match self.table {
                Table::Readings => self.run.rows_until_end(&columns[STREAM_ID], (start, count)),
                Table::Messages | Table::Statistics | Table::HourlyStatistics => count,
            };
            let count =
                rows_fitting(columns, (start, count), MAX_ROW_GROUP_TEXT_BYTES.saturating_sub(self.text));
            if count == 0 && self.rows > 0 {
                self.end()?;
                continue;
            }
            // A single text may exceed the limit.
            let count = count.max(1);
            if self.open.is_empty() {
                self.begin(columns, (start, count))?;
            }
            for ((column, cells), field) in self.open.iter_mut().zip(columns).zip(self.schema.fields()) {
                match cells {
                    ColumnInput::Values(array) => {
                        column.append_values(field, &array.slice(start, count), self.rows)?
                    }
                    ColumnInput::Constant(value) => {
                        column.append_constant(field, value, (self.rows, count))?
                    }
                }
            }
            if self.table == Table::Readings {
                self.run.extend(&columns[STREAM_ID], (start, count));
            }
            self.rows += count;
            self.text += text_bytes(columns, (start, count));
            start += count;
            if self.rows == MAX_ROW_GROUP_ROWS {
                self.end()?;
            }
        }
        Ok(())
    }

    /// Finishes the file and returns its output. `before_footer` is called before page indexes and footer are written.
    pub fn finish(mut self, before_footer: impl FnOnce(&mut W)) -> Result<W> {
        if self.rows > 0 {
            self.end()?;
        }
        self.file.flush()?;
        before_footer(self.file.inner_mut());
        self.file.into_inner()
    }

    /// Opens a row group that begins with these rows.
    fn begin(&mut self, columns: &[ColumnInput], rows: (usize, usize)) -> Result<()> {
        self.is_distinct = self.table == Table::Readings && are_distinct(&columns[VALUE], rows);
        let encoders = if self.is_distinct { &self.distinct_values } else { &self.repeated_values };
        let writers = encoders.writers(self.file.flushed_row_groups().len())?;
        self.open = writers.into_iter().map(|writer| OpenColumn { writer, same: None }).collect();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        (self.text, self.run) = (0, StreamRun::default());
        let encoders = if self.is_distinct { &self.distinct_values } else { &self.repeated_values };
        let mut group = self.file.next_row_group()?;
        for (index, column) in std::mem::take(&mut self.open).into_iter().enumerate() {
            match &column.same {
                Some(value) => {
                    let known = self.constant_chunks[index].take().filter(|known| known.matches(value, rows));
                    let known = match known {
                        Some(known) => known,
                        None => ConstantChunk::encode(self.table, index, value, rows)?,
                    };
                    known.append_to(&mut group)?;
                    self.constant_chunks[index] = Some(known);
                }
                None => encoders.close(index, column.writer)?.append_to(&mut group)?,
            }
        }
        group.close()?;
        Ok(())
    }
}

impl OpenColumn {
    fn append_values(&mut self, field: &FieldRef, array: &ArrayRef, rows_before: usize) -> Result<()> {
        if let Some(value) = self.same.take() {
            self.write(field, &repeated(&value, rows_before)?)?;
        }
        self.write(field, array)
    }

    fn append_constant(
        &mut self,
        field: &FieldRef,
        value: &ArrayRef,
        (before, count): (usize, usize),
    ) -> Result<()> {
        match &self.same {
            Some(other) if other == value => Ok(()),
            None if before == 0 => {
                self.same = Some(value.clone());
                Ok(())
            }
            _ => self.append_values(field, &repeated(value, count)?, before),
        }
    }

    fn write(&mut self, field: &FieldRef, array: &ArrayRef) -> Result<()> {
        compute_leaves(field, array)?.iter().try_for_each(|leaf| self.writer.write(leaf))
    }
}

/// Returns how many rows, from the first on, have at most `most` bytes of text.
fn rows_fitting(columns: &[ColumnInput], (start, count): (usize, usize), most: usize) -> usize {
    if text_bytes(columns, (start, count)) <= most {
        return count;
    }
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if text_bytes(columns, (start, middle)) <= most { low = middle } else { high = middle - 1 }
    }
    low
}

/// Returns the bytes of text of some rows. A constant text counts as nothing, because it is short.
fn text_bytes(columns: &[ColumnInput], (start, count): (usize, usize)) -> usize {
    let of_array = |cells: &ColumnInput| match cells {
        ColumnInput::Values(array) if array.data_type() == &DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            (offsets[start + count] - offsets[start]) as usize
        }
        ColumnInput::Values(_) | ColumnInput::Constant(_) => 0,
    };
    columns.iter().map(of_array).sum()
}

#[cfg(test)]
#[path = "row_group_writer_tests.rs"]
mod tests;
