//! Pruning of row groups and pages of lake files by the bounds of a query; `readings_scan.rs` prunes whole files.

use super::bounds::Bounds;
use crate::domain::min_max::MinMax;
use crate::store::lake::page_pruning::{PruningPredicate, ValueBounds};
use crate::store::schema::{STREAM_ID, TS, VALUE};

impl PruningPredicate for Bounds {
    fn columns(&self) -> Vec<usize> {
        let streams = self.streams.is_some().then_some(STREAM_ID);
        let ts = (self.ts != Bounds::default().ts).then_some(TS);
        let value = self.value.is_some().then_some(VALUE);
        [streams, ts, value].into_iter().flatten().collect()
    }

    fn survives_pruning(&self, column: usize, span: ValueBounds<'_>) -> bool {
        match (column, span) {
            (STREAM_ID, ValueBounds::Int32(low, high)) => self.has_stream_within(MinMax::new(low, high)),
            (TS, ValueBounds::Int64(from, to)) => self.ts.overlaps(MinMax::new(from, to)),
            (VALUE, ValueBounds::Double(low, high)) => self.has_value_within(MinMax::new(low, high)),
            _ => true,
        }
    }
}

#[cfg(test)]
#[path = "bounds_pruning_tests.rs"]
mod tests;
