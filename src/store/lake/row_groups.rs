//! Sorted rows as the row groups of a file. A column that is alike in all rows of a group, as quality and text mostly are,
//! is encoded once and copied into every further group of as many rows.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;

use super::alike::Alike;
use super::checksums::Checksums;
use super::encode::{self, ROW_GROUP_ROWS, ROW_GROUP_TEXT};
use crate::store::table::Table;

/// A column of some rows.
#[derive(Debug, Clone)]
pub enum Cells {
    /// A value for each row.
    Each(ArrayRef),
    /// The one value of all of them: an array of length 1.
    Same(ArrayRef),
}

/// Writes rows of a table, a row group whenever there are enough.
pub struct RowGroups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    writers: ArrowRowGroupWriterFactory,
    checksums: Arc<Checksums>,
    table: Table,
    schema: SchemaRef,
    /// The group that is being filled.
    open: Vec<Column>,
    rows: usize,
    /// Bytes of its texts.
    text: usize,
    /// What was encoded last of each column that was alike in a group.
    alike: Vec<Option<Alike>>,
}

/// A column of the group that is being filled.
struct Column {
    writer: ArrowColumnWriter,
    /// What every row has, none of them written yet; `None` once rows differ.
    same: Option<ArrayRef>,
}

impl<W: Write + Send> RowGroups<W> {
    pub fn new(out: W, table: Table) -> Result<Self> {
        let checksums = Arc::new(Checksums::default());
        let (file, writers) = encode::writer(out, table, table.schema(), checksums.clone())?;
        let (schema, alike) = (table.schema(), table.schema().fields().iter().map(|_| None).collect());
        Ok(Self { file, writers, checksums, table, schema, open: Vec::new(), rows: 0, text: 0, alike })
    }

    /// Adds rows with all columns of the table.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let cells: Vec<Cells> = batch.columns().iter().cloned().map(Cells::Each).collect();
        self.write_cells(&cells, batch.num_rows())
    }

    /// Adds rows, given by all columns of the table.
    pub fn write_cells(&mut self, columns: &[Cells], rows: usize) -> Result<()> {
        let mut start = 0;
        while start < rows {
            if self.open.is_empty() {
                self.begin()?;
            }
            let count = (rows - start).min(ROW_GROUP_ROWS - self.rows);
            let count = fitting(columns, (start, count), ROW_GROUP_TEXT.saturating_sub(self.text));
            if count == 0 && self.rows > 0 {
                self.end()?;
                continue;
            }
            // A text may be longer than all that fits.
            let count = count.max(1);
            for ((column, cells), field) in self.open.iter_mut().zip(columns).zip(self.schema.fields()) {
                match cells {
                    Cells::Each(array) => column.each(field, &array.slice(start, count), self.rows)?,
                    Cells::Same(value) => column.same(field, value, (self.rows, count))?,
                }
            }
            self.rows += count;
            self.text += text_bytes(columns, (start, count));
            start += count;
            if self.rows == ROW_GROUP_ROWS {
                self.end()?;
            }
        }
        Ok(())
    }

    /// Ends the file and returns what it was written to, which is told before page indexes and footer are.
    pub fn finish(mut self, before_footer: impl FnOnce(&mut W)) -> Result<W> {
        if self.rows > 0 {
            self.end()?;
        }
        self.file.flush()?;
        before_footer(self.file.inner_mut());
        self.file.into_inner()
    }

    fn begin(&mut self) -> Result<()> {
        let writers = self.writers.create_column_writers(self.file.flushed_row_groups().len())?;
        self.open = writers.into_iter().map(|writer| Column { writer, same: None }).collect();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        self.text = 0;
        let mut group = self.file.next_row_group()?;
        for (index, column) in std::mem::take(&mut self.open).into_iter().enumerate() {
            match &column.same {
                Some(value) => {
                    let known = self.alike[index].take().filter(|known| known.is_of(value, rows));
                    let known = match known {
                        Some(known) => known,
                        None => Alike::encode(self.table, index, value, rows)?,
                    };
                    known.append_to(&mut group)?;
                    self.alike[index] = Some(known);
                }
                None => self.checksums.close(index, column.writer)?.append_to(&mut group)?,
            }
        }
        group.close()?;
        Ok(())
    }
}

impl Column {
    fn each(&mut self, field: &FieldRef, array: &ArrayRef, rows_before: usize) -> Result<()> {
        if let Some(value) = self.same.take() {
            self.write(field, &repeated(&value, rows_before)?)?;
        }
        self.write(field, array)
    }

    fn same(&mut self, field: &FieldRef, value: &ArrayRef, (before, count): (usize, usize)) -> Result<()> {
        match &self.same {
            Some(other) if other == value => Ok(()),
            None if before == 0 => {
                self.same = Some(value.clone());
                Ok(())
            }
            _ => self.each(field, &repeated(value, count)?, before),
        }
    }

    fn write(&mut self, field: &FieldRef, array: &ArrayRef) -> Result<()> {
        compute_leaves(field, array)?.iter().try_for_each(|leaf| self.writer.write(leaf))
    }
}

/// How many of some rows, from the first on, have no more than `most` bytes of text.
fn fitting(columns: &[Cells], (start, count): (usize, usize), most: usize) -> usize {
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

/// Bytes of the texts of some rows; of one that is the same in all of them nothing, for it is short.
fn text_bytes(columns: &[Cells], (start, count): (usize, usize)) -> usize {
    let of_array = |cells: &Cells| match cells {
        Cells::Each(array) if array.data_type() == &DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            (offsets[start + count] - offsets[start]) as usize
        }
        Cells::Each(_) | Cells::Same(_) => 0,
    };
    columns.iter().map(of_array).sum()
}

/// A value as often as wanted.
pub(super) fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    Ok(take(value, &UInt32Array::from_value(0, rows), None)?)
}

#[cfg(test)]
#[path = "row_groups_tests.rs"]
mod tests;
