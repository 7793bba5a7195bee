//! Exact median and quartiles. One window has them in its stored statistics; those of several windows cannot be combined,
//! so a bucket of several windows computes them from raw readings.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};

use super::from_statistics;
use super::range_split::RangeSplit;
use super::series_spec::SeriesSpec;
use crate::domain::window::Windows;
use crate::domain::{Error, Micros};
use crate::store::statistics::time_ranges::TimeRanges;

/// Divides the time of streams so that quantiles are exact: raw readings where buckets are not windows.
///
/// # Errors
/// `Invalid` for the field `fields` if that needs raw readings that are no longer retained.
pub async fn split_for_exact_quantiles(
    spec: &SeriesSpec,
    splits: Vec<RangeSplit>,
    windows: &HashMap<i32, Windows>,
) -> Result<Vec<Arc<RangeSplit>>> {
    let mut gone = Vec::new();
    let exact = splits.into_iter().map(RangeSplit::by_windows).map(|split| {
        if are_buckets(spec, &windows[&split.stream]) {
            return Arc::new(split);
        }
        let kept_from = spec.query_context.snapshot.retention_bounds.raw_from.start_of(split.stream);
        let computed = split.computed.within(i64::MIN, kept_from);
        if !computed.is_empty() {
            gone.push(Arc::new(RangeSplit { computed, raw: TimeRanges::default(), ..split.clone() }));
        }
        let raw = TimeRanges::new(split.computed.iter().chain(split.raw.iter()).collect());
        Arc::new(RangeSplit { computed: TimeRanges::default(), raw, ..split })
    });
    let exact = exact.collect();
    refuse_gone(spec, gone).await?;
    Ok(exact)
}

/// Whether each bucket is exactly one window of the stream.
fn are_buckets(spec: &SeriesSpec, windows: &Windows) -> bool {
    let (from, to) = spec.range;
    let width = spec.buckets.fixed_width();
    windows.lengths_between(from, to).all(|length| Some(length) == width)
}

/// Fails if statistics exist for times without raw readings; times in which nothing was ever written lose nothing.
async fn refuse_gone(spec: &SeriesSpec, gone: Vec<Arc<RangeSplit>>) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let snapshot = spec.query_context.snapshot.clone();
    let rows = from_statistics::blocking(move || from_statistics::read_windows(&snapshot, &gone)).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let kept_from = Micros(spec.query_context.snapshot.retention_bounds.raw_from.start_of(row.stream.0));
    let message = format!(
        "median, q1 and q3 of this step are computed from raw readings, and those of stream {} before {kept_from} \
         are no longer kept: request a range from then on, other fields, or its statistics interval as step.",
        row.stream.0
    );
    Err(DataFusionError::External(Box::new(Error::field("fields", message))))
}
