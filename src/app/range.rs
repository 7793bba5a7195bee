//! The page of a list, as values and statistics have them.

use super::App;
use crate::domain::{Micros, Principal, StreamId};
use crate::query::list::List;

/// Which rows of a list are wanted. Both bounds are inclusive. With a bound the oldest row comes first, without
/// any the newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    pub from: Option<Micros>,
    pub to: Option<Micros>,
    pub offset: usize,
    pub limit: Option<usize>,
}

impl Range {
    pub fn is_bounded(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The rows of all streams or of one; `None` when the range ends before it begins.
    pub(super) fn list(self, of: Option<StreamId>) -> Option<List> {
        let Range { from, to, offset, limit } = self;
        if matches!((from, to), (Some(from), Some(to)) if from > to) {
            return None;
        }
        let streams = of.map(|id| vec![id]);
        Some(List { streams, from, to, newest_first: !self.is_bounded(), offset, limit })
    }
}

impl App {
    /// Whether a list can hold anything: it is of all streams the principal sees, or of one that it sees.
    pub(super) fn sees(&self, principal: &Principal, of: Option<StreamId>) -> bool {
        of.is_none_or(|id| self.store.catalog().stream(principal, id).is_ok())
    }
}
