//! Windows computed from raw readings while a query waits: those that are over and not in statistics yet, or touched
//! since.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;

use super::raw;
use super::summaries::Summaries;
use super::windows::Stream;
use crate::domain::time::Day;
use crate::query::session::View;
use crate::store::keyed::KeyedRows;
use crate::store::statistics::ranges::Ranges;
use crate::store::statistics::rows;
use crate::store::table::Table;

/// Which fresh windows are wanted: of a day, of these streams, that begin within `ts`, inclusive.
pub struct Fresh<'a> {
    pub day: Day,
    pub streams: &'a [Stream],
    pub ts: (i64, i64),
}

/// Their rows, where they hold a value; all columns, in order.
pub async fn windows(
    view: &View,
    wanted: Fresh<'_>,
    context: Arc<TaskContext>,
    memory: &MemoryReservation,
) -> Result<Option<KeyedRows>> {
    let Fresh { day, streams, ts } = wanted;
    let of: Vec<(i32, Ranges)> =
        streams.iter().map(|s| (s.id, s.fresh())).filter(|(_, fresh)| !fresh.is_empty()).collect();
    let spans = of.iter().filter_map(|(_, fresh)| fresh.span());
    let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Ok(None) };
    let ids: BTreeSet<i32> = of.iter().map(|(id, _)| *id).collect();
    let scan = raw::day(view, day, (from, to - 1), ids)?;
    let mut batches = execute_stream(scan, context)?;
    let around = |id: i32, ts: i64| {
        let at = streams.binary_search_by_key(&id, |s| s.id);
        Ok(at.map_or((ts, ts + 1), |at| streams[at].windows.around(ts)))
    };
    let mut windows = Summaries::new(of, &around, memory);
    while let Some(batch) = batches.try_next().await? {
        windows.add(&batch)?;
    }
    let mut done = windows.finish();
    done.retain(|window| window.summary.is_some() && ts.0 <= window.start && window.start <= ts.1);
    let rows = rows::computed(&done, view.snapshot.seq);
    Ok(KeyedRows::new(Table::Statistics, rows).ok().filter(|rows| !rows.is_empty()))
}
