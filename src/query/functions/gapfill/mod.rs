//! Gap filling: `time_bucket_gapfill(interval, ts [, timezone])` with `locf(aggregate)` and `interpolate(aggregate)`
//! returns, for every group, a row for every bucket of the range in WHERE.
//!
//! An analyzer rule replaces the grouping by one with `time_bucket` and puts a logical node above it; the plan below
//! remains an ordinary aggregation, open to every optimization. The node becomes an operator over input ordered by
//! group and bucket, which buffers one group at a time.

pub mod exec;
pub mod fill;
pub mod marker;
pub mod node;
pub mod planner;
pub mod range;
pub mod rows;
pub mod rule;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;

/// Adds the rule and the planner of gap filling.
pub fn register(builder: SessionStateBuilder) -> SessionStateBuilder {
    builder
        .with_analyzer_rule(Arc::new(rule::FillGaps))
        .with_query_planner(Arc::<planner::GapFillQueryPlanner>::default())
}

#[cfg(test)]
#[path = "gapfill_tests.rs"]
mod tests;
