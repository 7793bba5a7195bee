//! Encoders of the columns of a row group, which are others where its values hardly repeat: a dictionary would be a second copy
//! of them, which every reader of a few rows decodes as well.

use std::collections::HashSet;
use std::io::sink;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory};
use parquet::errors::Result;

use super::column_input::ColumnInput;
use super::page_checksums::{EncodedChunk, PageChecksums};
use super::writer_properties::{self, ValueEncoding};
use crate::store::table::Table;

/// Most values that are looked at, evenly spread over the rows.
const MAX_SAMPLE: usize = 4096;
/// With fewer values, nothing is said of those that follow.
const MIN_SAMPLE: usize = 1024;
/// Values of which less than one in so many repeats have no dictionary.
const MIN_ROWS_PER_REPEAT: usize = 10;

/// Encoders of all columns of a table.
pub struct ColumnEncoders {
    factory: ArrowRowGroupWriterFactory,
    checksums: Arc<PageChecksums>,
}

impl ColumnEncoders {
    /// Encoders by a factory whose pages go through `checksums`.
    pub fn new(factory: ArrowRowGroupWriterFactory, checksums: Arc<PageChecksums>) -> Self {
        Self { factory, checksums }
    }

    /// Encoders for values that hardly repeat.
    pub fn of_distinct_values(table: Table) -> Result<Self> {
        let checksums = Arc::new(PageChecksums::default());
        let encoding = ValueEncoding::Distinct;
        let (_, factory) =
            writer_properties::new_writer(sink(), table, encoding, table.schema(), checksums.clone())?;
        Ok(Self { factory, checksums })
    }

    /// Returns a writer of each column of the row group with this number.
    pub fn writers(&self, group: usize) -> Result<Vec<ArrowColumnWriter>> {
        self.factory.create_column_writers(group)
    }

    /// Closes the writer of a column.
    pub fn close(&self, column: usize, writer: ArrowColumnWriter) -> Result<EncodedChunk> {
        self.checksums.close(column, writer)
    }
}

/// Whether the numbers of some rows hardly repeat.
pub fn are_distinct(values: &ColumnInput, (start, count): (usize, usize)) -> bool {
    let ColumnInput::Values(array) = values else { return false };
    let numbers = array.as_primitive::<Float64Type>();
    let step = count.div_ceil(MAX_SAMPLE).max(1);
    let rows = (start..start + count).step_by(step).filter(|row| numbers.is_valid(*row));
    let (mut sample, mut distinct) = (0, HashSet::with_capacity(MAX_SAMPLE));
    for row in rows {
        sample += 1;
        distinct.insert(numbers.value(row).to_bits());
    }
    sample >= MIN_SAMPLE && (sample - distinct.len()) * MIN_ROWS_PER_REPEAT < sample
}

#[cfg(test)]
mod tests {
    use arrow::array::Float64Array;

    use super::*;

    #[test]
    fn values_are_distinct_that_hardly_repeat() {
        let column = |value: fn(usize) -> Option<f64>, rows: usize| {
            ColumnInput::Values(Arc::new((0..rows).map(value).collect::<Float64Array>()))
        };
        let counter = |row| Some(row as f64);
        assert!(are_distinct(&column(counter, 8192), (0, 8192)));
        assert!(are_distinct(&column(counter, 100_000), (90_000, 5000)));
        assert!(!are_distinct(&column(counter, 8192), (0, MIN_SAMPLE - 1)), "too few to tell");
        assert!(!are_distinct(&column(|row| Some((row % 2000) as f64), 8192), (0, 8192)));
        assert!(!are_distinct(&column(|row| Some((row / 2) as f64), 4096), (0, 4096)));
        assert!(
            are_distinct(&column(|row| Some(row.min(4096) as f64), 8192), (0, 4096)),
            "no other rows count"
        );
        let every_other = |row: usize| row.is_multiple_of(2).then_some(row as f64);
        assert!(are_distinct(&column(every_other, 4096), (0, 4096)), "nulls say nothing");
        assert!(!are_distinct(&column(|_| None, 8192), (0, 8192)));
        assert!(!are_distinct(&ColumnInput::Constant(Arc::new(Float64Array::from(vec![1.0]))), (0, 8192)));
    }
}
