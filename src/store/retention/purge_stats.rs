//! Amounts that retention removes.

use std::ops::AddAssign;

use crate::store::table::Table;

/// Amounts that were removed from disk, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PurgeStats {
    /// Stored rows: an overwritten row counts as well until the files are merged. Rows of hours do not count: they repeat
    /// what their windows hold.
    pub rows: u64,
    /// Sizes of removed files; in a dry run, a partly expired file counts with the share of its expired rows.
    pub bytes: u64,
    /// Files removed or rewritten.
    pub files: u64,
}

impl PurgeStats {
    /// Returns the amounts of a file of a table.
    pub fn of_file(table: Table, rows: u64, bytes: u64) -> Self {
        let counted = if table == Table::HourlyStatistics { 0 } else { rows };
        Self { rows: counted, bytes, files: u64::from(rows > 0) }
    }
}

impl AddAssign for PurgeStats {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.bytes += more.bytes;
        self.files += more.files;
    }
}
