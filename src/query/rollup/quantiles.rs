//! Median and quartiles: of one window they are in its computed row, of several they are not those of their quantiles.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};

use super::series::{Spec, blocking};
use super::split::Split;
use super::stored;
use crate::domain::window::Windows;
use crate::domain::{Error, Micros};
use crate::store::statistics::ranges::Ranges;

/// The time of streams, divided so that quantiles are exact: raw where buckets are not windows.
///
/// # Errors
/// `Invalid` for the field `fields` where that takes raw readings that are no longer kept.
pub async fn exact(
    spec: &Spec,
    splits: Vec<Split>,
    windows: &HashMap<i32, Windows>,
) -> Result<Vec<Arc<Split>>> {
    let mut gone = Vec::new();
    let exact = splits.into_iter().map(|split| {
        if are_buckets(spec, &windows[&split.stream]) {
            return Arc::new(split);
        }
        let kept_from = spec.view.snapshot.kept.raw.of(split.stream);
        let computed = split.computed.within(i64::MIN, kept_from);
        if !computed.is_empty() {
            gone.push(Arc::new(Split { computed, raw: Ranges::default(), ..split }));
        }
        let raw = Ranges::new(split.computed.iter().chain(split.raw.iter()).collect());
        Arc::new(Split { computed: Ranges::default(), raw, ..split })
    });
    let exact = exact.collect();
    refuse_gone(spec, gone).await?;
    Ok(exact)
}

/// Whether each bucket is one window of the stream.
fn are_buckets(spec: &Spec, windows: &Windows) -> bool {
    let (from, to) = spec.range;
    let width = spec.buckets.fixed_width();
    windows.lengths_between(from, to).all(|length| Some(length) == width)
}

/// Time without raw readings is no loss where nothing was ever written.
async fn refuse_gone(spec: &Spec, gone: Vec<Arc<Split>>) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let snapshot = spec.view.snapshot.clone();
    let rows = blocking(move || stored::whole(&snapshot, &gone)).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let kept_from = Micros(spec.view.snapshot.kept.raw.of(row.stream.0));
    let message = format!(
        "median, q1 and q3 of this step are computed from raw readings, and those of stream {} before {kept_from} \
         are no longer kept: ask from then on, for other fields, or for its statistics interval as step.",
        row.stream.0
    );
    Err(DataFusionError::External(Box::new(Error::field("fields", message))))
}
