//! Filters of lists by a row that the request names.

use uuid::Uuid;

use crate::domain::{Kind, Result};

/// The row that a list is filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFilter<T> {
    /// The request names none: the list is not filtered.
    Any,
    /// The row with this id.
    One(T),
    /// The request names a row that the caller does not see: the list is empty.
    Unknown,
}

impl<T> RowFilter<T> {
    /// Finds the row that a request names, if it names one.
    ///
    /// # Errors
    /// Every error of `find` but `NotFound`.
    pub fn find(named: Option<Uuid>, find: impl FnOnce(Uuid) -> Result<T>) -> Result<Self> {
        match named.map(find) {
            None => Ok(RowFilter::Any),
            Some(Ok(row)) => Ok(RowFilter::One(row)),
            Some(Err(error)) if error.kind == Kind::NotFound => Ok(RowFilter::Unknown),
            Some(Err(error)) => Err(error),
        }
    }

    /// Whether the list is empty, because nobody has the row.
    pub fn is_unknown(&self) -> bool {
        matches!(self, RowFilter::Unknown)
    }

    /// The row, if the list is filtered by one.
    pub fn row(self) -> Option<T> {
        match self {
            RowFilter::One(row) => Some(row),
            RowFilter::Any | RowFilter::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Error;

    #[test]
    fn a_row_that_does_not_exist_is_neither_none_nor_a_failure() {
        let find = |named: Option<Uuid>, found: Result<i32>| RowFilter::find(named, |_| found);
        let id = Some(Uuid::nil());
        assert_eq!(find(None, Ok(1)).ok(), Some(RowFilter::Any));
        assert_eq!(find(id, Ok(1)).ok(), Some(RowFilter::One(1)));
        assert_eq!(find(id, Err(Error::not_found())).ok(), Some(RowFilter::Unknown));
        assert_eq!(find(id, Err(Error::busy("later"))).map_err(|error| error.kind), Err(Kind::Busy));
        let rows = [RowFilter::Any, RowFilter::One(1), RowFilter::Unknown];
        assert_eq!(
            rows.map(|filter| (filter.is_unknown(), filter.row())),
            [(false, None), (false, Some(1)), (true, None)]
        );
    }
}
