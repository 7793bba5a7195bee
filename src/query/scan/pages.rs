//! Bounds as what chooses pages of the lake's files.

use super::bounds::Bounds;
use crate::store::lake::pages::{Prune, Span};
use crate::store::schema::{STREAM_ID, TS, VALUE};

impl Prune for Bounds {
    fn columns(&self) -> impl Iterator<Item = usize> {
        let streams = self.streams.is_some().then_some(STREAM_ID);
        let ts = (self.ts != Bounds::default().ts).then_some(TS);
        let value = self.value.is_some().then_some(VALUE);
        [streams, ts, value].into_iter().flatten()
    }

    fn may_hold(&self, column: usize, span: Span<'_>) -> bool {
        match (column, span) {
            (STREAM_ID, Span::Int32(low, high)) => self.has_stream_between((low, high)),
            (TS, Span::Int64(from, to)) => self.overlaps((from, to)),
            (VALUE, Span::Double(low, high)) => self.has_value_between((low, high)),
            _ => true,
        }
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
