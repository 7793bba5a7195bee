//! Range and page of a list of values or statistics.

use crate::domain::{Micros, StreamId};
use crate::query::list_query::ListQuery;

/// The requested rows of a list. Both bounds are inclusive. With a bound the oldest row comes first, without any the
/// newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListRange {
    pub from: Option<Micros>,
    pub to: Option<Micros>,
    pub offset: usize,
    pub limit: Option<usize>,
}

impl ListRange {
    /// Whether there is a bound, which turns the order to oldest first.
    pub fn is_bounded(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// Returns the query for all streams or for one; `None` when the range ends before it begins.
    pub(super) fn list(self, of: Option<StreamId>) -> Option<ListQuery> {
        let ListRange { from, to, offset, limit } = self;
        if matches!((from, to), (Some(from), Some(to)) if from > to) {
            return None;
        }
        let streams = of.map(|id| vec![id]);
        Some(ListQuery { streams, from, to, newest_first: !self.is_bounded(), offset, limit })
    }
}
