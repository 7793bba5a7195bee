//! Our own SQL functions over time: one file a function, registered with one call. `docs/sql.md` tells users of them.
//!
//! They run above `VisibleRows` as any expression of a caller does, so they see only rows of the principal.

pub mod anomaly_score;
pub mod bookend;
pub mod buckets;
pub mod calendar;
pub mod counter;
pub mod gapfill;
pub mod lttb;
pub mod points;
pub mod rms;
pub mod single;
pub mod sums;
pub mod time_bucket;
pub mod types;
pub mod width;
pub mod zone;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use bookend::Bookend;
use counter::Counter;
use gapfill::marker::Marker;
use time_bucket::TimeBucket;

/// Adds every function of ours, with what plans `time_bucket_gapfill`, to a session with default features.
pub fn register(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let scalars = [
        ScalarUDF::from(TimeBucket::default()),
        ScalarUDF::from(Marker::gapfill()),
        ScalarUDF::from(Marker::locf()),
        ScalarUDF::from(Marker::interpolate()),
    ];
    let aggregates = [
        AggregateUDF::from(rms::Rms::default()),
        AggregateUDF::from(Bookend::first()),
        AggregateUDF::from(Bookend::last()),
        AggregateUDF::from(Counter::delta()),
        AggregateUDF::from(Counter::rate()),
        AggregateUDF::from(lttb::Lttb::default()),
    ];
    builder.scalar_functions().get_or_insert_default().extend(scalars.map(Arc::new));
    builder.aggregate_functions().get_or_insert_default().extend(aggregates.map(Arc::new));
    gapfill::register(builder)
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
