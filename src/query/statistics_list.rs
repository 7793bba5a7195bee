//! Lists of statistics for the REST interfaces: by time, oldest or newest first, a day at a time.

use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::context::QueryContext;
use super::engine::Engine;
use super::executor::{QueryLimits, StartedQuery};
use super::list_query::ListQuery;
use super::log::Surface;
use super::rollup::statistics_scan::{StatisticsScan, WindowRequest};
use super::scan::opaque_scan::OpaqueScanExec;
use crate::domain::cluster::TailRequest;
use crate::domain::min_max::MinMax;
use crate::domain::statistic::Statistic;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::domain::{Principal, Result, StreamId};
use crate::store::statistics::rows;
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;

impl Engine {
    /// Streams statistics ordered by time, equal times by stream id: one of each window that is over and contains a
    /// value, and each row posted by a client, which replaces a computed one of the same time. The list has no row
    /// limit of its own: each day is computed when it is read.
    pub async fn statistics(
        self: &Arc<Self>,
        principal: &Principal,
        list: ListQuery,
    ) -> Result<BoxStream<'static, Result<Vec<Statistic>>>> {
        if list.limit == Some(0) {
            return Ok(stream::empty().boxed());
        }
        let tracker = self.start_tracking(principal, Surface::Statistics, None);
        let wanted = TailRequest::for_rows(principal.org);
        let query_context = QueryContext::pin(&self.services, principal, tracker.clone(), wanted).await?;
        let context = query_context.task_context(&self.template);
        let start = async move {
            Ok(StartedQuery::short(Arc::new(StatisticsList { query_context, list, context }).stream()))
        };
        let limits = QueryLimits { timeout: self.statement_limits().timeout, max_rows: None };
        let answer = self.run_query(limits, tracker, Box::pin(start)).await?;
        let rows = answer.batches.map(|batch| {
            let rows = UpsertRows::from_sorted_batch(Table::Statistics, batch?)?;
            Ok(rows::read_rows(&rows).collect())
        });
        Ok(rows.boxed())
    }
}

struct StatisticsList {
    query_context: QueryContext,
    list: ListQuery,
    context: Arc<TaskContext>,
}

impl StatisticsList {
    /// Streams days in the requested order, each computed only when the reader reaches it.
    fn stream(self: Arc<Self>) -> SendableRecordBatchStream {
        let mut days = self.days();
        if self.list.newest_first {
            days.reverse();
        }
        let listing = self.clone();
        let batches = stream::iter(days)
            .then(move |day| {
                let listing = listing.clone();
                async move { listing.read_day(day) }
            })
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(
            Table::Statistics.schema(),
            self.list.paginate(batches.boxed()),
        ))
    }

    fn days(&self) -> Vec<Day> {
        let MinMax { min: from, max: to } = self.list.ts_bounds();
        let snapshot = &self.query_context.snapshot;
        let stored = &snapshot.upsert_tables[Table::Statistics];
        let readings = snapshot.lake.days().keys().chain(snapshot.memory.keys());
        let all = readings.chain(stored.lake.days().keys()).chain(stored.memory.keys());
        let mut days: Vec<Day> =
            all.copied().filter(|d| d.start().0 <= to && d.start().0 + MICROS_PER_DAY > from).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    fn read_day(&self, day: Day) -> datafusion::error::Result<SendableRecordBatchStream> {
        let start = day.start().0;
        let visible = self.query_context.visible_streams().ids().iter().copied();
        let wanted = |id: &i32| self.list.streams.as_ref().is_none_or(|ids| ids.contains(&StreamId(*id)));
        let request = WindowRequest {
            streams: visible.filter(wanted).collect(),
            ts: self.list.ts_bounds().intersection(MinMax::new(start, start + MICROS_PER_DAY - 1)),
            overlay: true,
            columns: (0..Table::Statistics.schema().fields().len()).collect(),
        };
        let rows = Arc::new(OpaqueScanExec::new(StatisticsScan::new(&self.query_context, request, 1)?, 1));
        execute_stream(self.list.sorted(rows)?, self.context.clone())
    }
}
