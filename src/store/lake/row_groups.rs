//! Sorted rows as the row groups of a file. A column that is alike in all rows of a group, as quality and text mostly are,
//! is encoded once and copied into every further group of as many rows.

use std::io::Write;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::alike::Alike;
use super::encode::{self, ROW_GROUP_ROWS};
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
    table: Table,
    schema: SchemaRef,
    /// The group that is being filled.
    open: Vec<Column>,
    rows: usize,
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
        let (file, writers) = encode::writer(out, table, table.schema())?.into_serialized_writer()?;
        let alike = table.schema().fields().iter().map(|_| None).collect();
        Ok(Self { file, writers, table, schema: table.schema(), open: Vec::new(), rows: 0, alike })
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
            for ((column, cells), field) in self.open.iter_mut().zip(columns).zip(self.schema.fields()) {
                match cells {
                    Cells::Each(array) => column.each(field, &array.slice(start, count), self.rows)?,
                    Cells::Same(value) => column.same(field, value, (self.rows, count))?,
                }
            }
            self.rows += count;
            start += count;
            if self.rows == ROW_GROUP_ROWS {
                self.end()?;
            }
        }
        Ok(())
    }

    /// Ends the file and returns what it was written to.
    pub fn finish(mut self) -> Result<W> {
        if self.rows > 0 {
            self.end()?;
        }
        self.file.into_inner()
    }

    fn begin(&mut self) -> Result<()> {
        let writers = self.writers.create_column_writers(self.file.flushed_row_groups().len())?;
        self.open = writers.into_iter().map(|writer| Column { writer, same: None }).collect();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
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
                None => column.append_to(&mut group)?,
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

    fn append_to<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        self.writer.close()?.append_to_row_group(group)
    }
}

/// A value as often as wanted.
pub(super) fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    Ok(take(value, &UInt32Array::from_value(0, rows), None)?)
}

#[cfg(test)]
#[path = "row_groups_tests.rs"]
mod tests;
