//! Pagination of lists.

/// A slice of a list ordered by id.
#[derive(Debug, Clone, Copy)]
pub struct Pagination {
    /// Number of rows to skip.
    pub offset: usize,
    /// Maximum number of rows to return.
    pub limit: usize,
}

impl Pagination {
    /// The whole list.
    pub const ALL: Pagination = Pagination { offset: 0, limit: usize::MAX };
}

impl Default for Pagination {
    fn default() -> Self {
        Pagination::ALL
    }
}
