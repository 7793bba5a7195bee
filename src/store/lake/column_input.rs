//! A column as it is given to the writer of row groups.

use arrow::array::ArrayRef;

/// A column of a batch of rows.
#[derive(Debug, Clone)]
pub enum ColumnInput {
    /// One value for each row.
    Values(ArrayRef),
    /// One value for all rows: an array of length 1.
    Constant(ArrayRef),
}
