//! Pagination of lists.

/// A slice of a list ordered by id.
#[derive(Debug, Clone, Copy)]
pub struct Pagination {
    pub offset: usize,
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
