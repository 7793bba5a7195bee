//! Amounts that retention removes.

use std::ops::AddAssign;

/// Amounts that were removed from disk, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PurgeStats {
    /// Stored rows: an overwritten row counts as well until the files are merged.
    pub rows: u64,
    /// Sizes of removed files; in a dry run, a partly expired file counts with the share of its expired rows.
    pub bytes: u64,
    /// Files removed or rewritten.
    pub files: u64,
}

impl AddAssign for PurgeStats {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.bytes += more.bytes;
        self.files += more.files;
    }
}
