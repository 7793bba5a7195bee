//! History of streams for subscribers that then follow them live: one snapshot, ordered by day, stream and time.

use std::future::ready;
use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::{StreamExt, TryStreamExt, stream};

use super::context::QueryContext;
use super::engine::Engine;
use super::executor::{QueryLimits, StartedQuery};
use super::log::Surface;
use super::readings_list::{READING_COLUMNS, ReadingChunks, to_readings};
use super::scan::bounds::Bounds;
use super::scan::readings_scan::ReadingsScan;
use crate::domain::cluster::TailRequest;
use crate::domain::min_max::MinMax;
use crate::domain::reading::Readings;
use crate::domain::time::Day;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::store::live::position::{HistoryKey, key};
use crate::store::schema;

/// Selects the readings of a history.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// `None` means every visible stream.
    pub streams: Option<Vec<StreamId>>,
    /// Inclusive.
    pub since: Micros,
    /// Resumes after this reading.
    pub after: Option<HistoryKey>,
}

/// A history, streamed as it is read.
pub struct History {
    /// Sequence number of the snapshot: the history contains every write up to it and none after.
    pub seq: u64,
    pub chunks: ReadingChunks,
}

impl Engine {
    /// Streams readings of every quality, ordered by day, stream and time. It has no row limit of its own: each day is
    /// computed when it is read.
    pub async fn history(self: &Arc<Self>, principal: &Principal, query: HistoryQuery) -> Result<History> {
        let tracker = self.start_tracking(principal, Surface::Values, None);
        let wanted = TailRequest::for_rows(principal.org);
        let query_context = QueryContext::pin(&self.services, principal, tracker.clone(), wanted).await?;
        let (seq, context) = (query_context.snapshot.seq, query_context.task_context(&self.template));
        let after = query.after;
        let reader = Arc::new(HistoryReader { query_context, query, context });
        let start = async move { Ok(StartedQuery::short(reader.stream())) };
        let limits = QueryLimits { timeout: self.statement_limits().timeout, max_rows: None };
        let answer = self.run_query(limits, tracker, Box::pin(start)).await?;
        let chunks = answer.batches.map_ok(move |batch| rows_after(to_readings(&batch), after));
        let chunks = chunks.try_filter(|rows| ready(!rows.is_empty())).boxed();
        Ok(History { seq, chunks })
    }
}

/// Returns the rows after a given position of the history.
fn rows_after(rows: Readings, after: Option<HistoryKey>) -> Readings {
    let Some(after) = after.filter(|after| !rows.is_empty() && key(rows.stream[0], rows.ts[0]) <= *after)
    else {
        return rows;
    };
    rows.iter().filter(|row| key(row.stream.0, row.ts.0) > after).collect()
}

struct HistoryReader {
    query_context: QueryContext,
    query: HistoryQuery,
    context: Arc<TaskContext>,
}

impl HistoryReader {
    /// Streams day after day, each computed only when the reader reaches it.
    fn stream(self: Arc<Self>) -> SendableRecordBatchStream {
        let reader = self.clone();
        let batches = stream::iter(self.days())
            .then(move |day| {
                let reader = reader.clone();
                async move { reader.read(day) }
            })
            .try_flatten();
        let schema = Arc::new(schema::readings().project(&READING_COLUMNS).expect("columns of this schema"));
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    fn days(&self) -> Vec<Day> {
        let begun = self.query.after.map(|(day, ..)| day);
        let days = self.scan().days().into_iter();
        days.filter(|day| begun.is_none_or(|begun| *day >= begun)).collect()
    }

    fn read(&self, day: Day) -> datafusion::error::Result<SendableRecordBatchStream> {
        execute_stream(self.scan().plan_day_sorted(day, &READING_COLUMNS)?, self.context.clone())
    }

    fn scan(&self) -> ReadingsScan {
        let mut bounds = Bounds { ts: MinMax::new(self.query.since.0, i64::MAX), ..Bounds::default() };
        if let Some(streams) = &self.query.streams {
            bounds.restrict(streams.iter().map(|s| s.0).collect());
        }
        let (query_context, visible) =
            (self.query_context.clone(), self.query_context.visible_streams().clone());
        ReadingsScan { query_context, visible, bounds, filter: None, partitions: 1 }
    }
}
