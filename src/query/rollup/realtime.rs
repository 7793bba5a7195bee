//! Real-time windows, computed from raw readings during a query: closed windows that are not materialized yet or were
//! invalidated since.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;

use super::exact_statistics::ExactStatistics;
use super::from_readings;
use super::stream_windows::StreamWindows;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::query::context::QueryContext;
use crate::store::statistics::rows;
use crate::store::statistics::time_ranges::TimeRanges;
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;

/// The requested windows: those of a day and of these streams that begin within `ts`.
pub struct RealtimeRequest<'a> {
    pub day: Day,
    pub streams: &'a [StreamWindows],
    pub ts: MinMax<i64>,
}

/// Returns the rows of the windows that contain a value; all columns, in order.
pub async fn compute_windows(
    query_context: &QueryContext,
    wanted: RealtimeRequest<'_>,
    context: Arc<TaskContext>,
    memory: &MemoryReservation,
) -> Result<Option<UpsertRows>> {
    let RealtimeRequest { day, streams, ts } = wanted;
    let of: Vec<(i32, TimeRanges)> =
        streams.iter().map(|s| (s.id, s.realtime_ranges())).filter(|(_, fresh)| !fresh.is_empty()).collect();
    let spans = of.iter().filter_map(|(_, fresh)| fresh.span());
    let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Ok(None) };
    let ids: BTreeSet<i32> = of.iter().map(|(id, _)| *id).collect();
    let scan = from_readings::plan_day(query_context, day, MinMax::new(from, to - 1), ids)?;
    let mut batches = execute_stream(scan, context)?;
    let around = |id: i32, ts: i64| {
        let at = streams.binary_search_by_key(&id, |s| s.id);
        Ok(at.map_or((ts, ts + 1), |at| streams[at].windows.window_containing(ts)))
    };
    let mut windows = ExactStatistics::new(of, &around, memory);
    while let Some(batch) = batches.try_next().await? {
        windows.add(&batch)?;
    }
    let mut done = windows.finish();
    done.retain(|window| window.summary.is_some() && ts.contains(window.start));
    let rows = rows::computed_batch(&done, query_context.snapshot.seq);
    Ok(UpsertRows::new(Table::Statistics, rows).ok().filter(|rows| !rows.is_empty()))
}
