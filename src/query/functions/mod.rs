//! Our own SQL functions over time: one file per function, registered with one call. `docs/sql.md` documents them for
//! users.
//!
//! They run above `VisibleRows`, like any expression of a caller, so they read only rows of the principal.

pub mod anomaly_score;
pub mod arg_types;
pub mod bookend;
pub mod bucket_width;
pub mod buckets;
pub mod calendar;
pub mod counter;
pub mod gapfill;
pub mod lttb;
pub mod ordered_points;
pub mod percentile_cont;
pub mod rms;
pub mod state_groups;
pub mod sum_state;
pub mod time_bucket;
pub mod ungrouped;
pub mod zone;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use bookend::Bookend;
use counter::Counter;
use gapfill::marker::MarkerFunction;
use time_bucket::TimeBucket;

/// Adds all of our functions, and the planner of `time_bucket_gapfill`, to a session with default features.
pub fn register(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let scalars = [
        ScalarUDF::from(TimeBucket::default()),
        ScalarUDF::from(MarkerFunction::gapfill()),
        ScalarUDF::from(MarkerFunction::locf()),
        ScalarUDF::from(MarkerFunction::interpolate()),
    ];
    let aggregates = [
        AggregateUDF::from(rms::Rms::default()),
        AggregateUDF::from(Bookend::first()),
        AggregateUDF::from(Bookend::last()),
        AggregateUDF::from(Counter::delta()),
        AggregateUDF::from(Counter::rate()),
        AggregateUDF::from(lttb::Lttb::default()),
        AggregateUDF::from(percentile_cont::PercentileCont::default()),
    ];
    builder.scalar_functions().get_or_insert_default().extend(scalars.map(Arc::new));
    builder.aggregate_functions().get_or_insert_default().extend(aggregates.map(Arc::new));
    gapfill::register(builder)
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
