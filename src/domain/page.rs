//! A slice of a list.

/// A slice of a list ordered by id.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub offset: usize,
    pub limit: usize,
}

impl Page {
    pub const ALL: Page = Page { offset: 0, limit: usize::MAX };
}

impl Default for Page {
    fn default() -> Self {
        Page::ALL
    }
}
