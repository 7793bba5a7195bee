//! Lists of readings for the REST interfaces: by time, oldest or newest first, in constant memory.

use std::future::ready;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, col as physical_col, lit as physical_lit};
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::context::QueryContext;
use super::engine::Engine;
use super::error::from_datafusion;
use super::executor::{QueryLimits, StartedQuery};
use super::list_query::ListQuery;
use super::log::{QueryTracker, Surface};
use super::scan::bounds::Bounds;
use super::scan::ordered_scan::OrderedStreamScan;
use super::scan::readings_scan::ReadingsScan;
use crate::domain::cluster::TailRequest;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::store::schema;

/// Selects the readings of a list.
#[derive(Debug, Clone, Default)]
pub struct ValuesQuery {
    pub list: ListQuery,
    /// Whether readings of bad quality are included.
    pub include_bad: bool,
}

pub(super) type ReadingChunks = BoxStream<'static, Result<Readings>>;

/// The columns of a reading.
pub(super) const READING_COLUMNS: [usize; 5] =
    [schema::STREAM_ID, schema::TS, schema::VALUE, schema::TEXT, schema::QUALITY];

impl Engine {
    /// Streams readings ordered by time, equal times by stream id. The list has no row limit of its own: each day is
    /// computed when it is read. The newest row alone, without a range, is not one whose time is ahead of the clock.
    pub async fn values(
        self: &Arc<Self>,
        principal: &Principal,
        mut query: ValuesQuery,
    ) -> Result<ReadingChunks> {
        if query.list.limit == Some(0) {
            return Ok(stream::empty().boxed());
        }
        let tracker = self.start_tracking(principal, Surface::Values, None);
        if query.list.is_of_newest() {
            let store = &self.services.store;
            let latest = store.ahead_bound().latest(store.clock().now());
            if let Some(newest) = self.newest(principal, &query, latest) {
                tracker.add_rows(1);
                tracker.finish();
                return Ok(stream::once(ready(Ok(Readings::from_iter([newest])))).boxed());
            }
            query.list.to = Some(latest);
        }
        let listing = ReadingsListTask::new(self, principal, query, tracker.clone()).await?;
        let start =
            async move { Arc::new(listing).stream().map(StartedQuery::short).map_err(from_datafusion) };
        let limits = QueryLimits { timeout: self.statement_limits().timeout, max_rows: None };
        let answer = self.run_query(limits, tracker, Box::pin(start)).await?;
        Ok(answer.batches.map_ok(|batch| to_readings(&batch)).boxed())
    }

    /// Returns the reading of a stream at exactly the time `ts`.
    pub async fn value(
        self: &Arc<Self>,
        principal: &Principal,
        stream: StreamId,
        ts: Micros,
    ) -> Result<Option<Reading>> {
        let list = ListQuery {
            streams: Some(vec![stream]),
            from: Some(ts),
            to: Some(ts),
            limit: Some(1),
            ..ListQuery::default()
        };
        let query = ValuesQuery { list, include_bad: true };
        let found: Vec<Readings> = self.values(principal, query).await?.try_collect().await?;
        Ok(found.first().filter(|rows| !rows.is_empty()).map(|rows| rows.get(0)))
    }

    /// Answers a request for the single newest value of a stream from memory, which is never older than an acknowledged
    /// write. When the newest reading is a bad one, or later than `latest`, only the lake knows for certain which value precedes it.
    /// Where another process owns the lake, the newest values of this one, if it has any, are old.
    fn newest(&self, principal: &Principal, query: &ValuesQuery, latest: Micros) -> Option<Reading> {
        if self.services.store.is_replica() {
            return None;
        }
        let stream = query.list.one_stream()?;
        let newest = self.services.store.newest_by_time(principal, stream)?;
        let is_shown = query.include_bad || newest.quality != Quality::Bad;
        (is_shown && newest.ts <= latest).then_some(newest)
    }
}

struct ReadingsListTask {
    query_context: QueryContext,
    query: ValuesQuery,
    context: Arc<TaskContext>,
}

impl ReadingsListTask {
    async fn new(
        engine: &Arc<Engine>,
        principal: &Principal,
        query: ValuesQuery,
        tracker: Arc<QueryTracker>,
    ) -> Result<Self> {
        let wanted = TailRequest::for_rows(principal.org);
        let query_context = QueryContext::pin(&engine.services, principal, tracker, wanted).await?;
        scan(&query_context, &query.list).record_text_lengths();
        let context = query_context.task_context(&engine.template);
        Ok(Self { query_context, query, context })
    }

    /// Streams days in the requested order, each computed only when the reader reaches it.
    fn stream(self: Arc<Self>) -> datafusion::error::Result<SendableRecordBatchStream> {
        let list = &self.query.list;
        let batches = match list.one_stream().filter(|_| list.newest_first) {
            Some(stream) => {
                let rows = OrderedStreamScan::new(self.scan(), stream.0, &READING_COLUMNS)?.newest_first();
                execute_stream(self.filter_bad(Arc::new(rows.into_exec()?))?, self.context.clone())?.boxed()
            }
            None => self.clone().days(),
        };
        let schema = Arc::new(schema::readings().project(&READING_COLUMNS)?);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, list.paginate(batches))))
    }

    fn days(self: Arc<Self>) -> BoxStream<'static, datafusion::error::Result<RecordBatch>> {
        let mut days: Vec<Day> = self.scan().days().into_iter().collect();
        if self.query.list.newest_first {
            days.reverse();
        }
        let read = move |day| {
            let listing = self.clone();
            async move { listing.read(day) }
        };
        stream::iter(days).then(read).try_flatten().boxed()
    }

    fn scan(&self) -> ReadingsScan {
        scan(&self.query_context, &self.query.list)
    }

    fn read(&self, day: Day) -> datafusion::error::Result<SendableRecordBatchStream> {
        let rows = self.filter_bad(self.scan().plan_day(day, &READING_COLUMNS)?)?;
        execute_stream(self.ordered(rows)?, self.context.clone())
    }

    /// Removes readings of bad quality, unless they are included.
    fn filter_bad(&self, rows: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        if self.query.include_bad {
            return Ok(rows);
        }
        let quality = physical_col("quality", &rows.schema())?;
        let shown = BinaryExpr::new(quality, Operator::NotEq, physical_lit(Quality::Bad.name()));
        // Rows that are already ordered need not be filtered beyond the last row of the page.
        let list = &self.query.list;
        let most = list.one_stream().and(list.max_rows());
        Ok(Arc::new(
            FilterExecBuilder::new(Arc::new(shown), rows)
                .with_fetch(most)
                .with_batch_size(self.query_context.text_batch_size.rows())
                .build()?,
        ))
    }

    /// Leaves a single stream in ascending order as it is; sorts everything else.
    fn ordered(&self, rows: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let list = &self.query.list;
        if list.one_stream().is_some() { Ok(rows) } else { list.sorted(rows) }
    }
}

fn scan(query_context: &QueryContext, list: &ListQuery) -> ReadingsScan {
    let mut bounds = Bounds { ts: list.ts_bounds(), ..Bounds::default() };
    if let Some(streams) = &list.streams {
        bounds.restrict(streams.iter().map(|s| s.0).collect());
    }
    let (query_context, visible) = (query_context.clone(), query_context.visible_streams().clone());
    ReadingsScan { query_context, visible, bounds, filter: None, partitions: 1 }
}

/// Converts a batch whose first columns are those of `schema::readings()` to domain readings.
pub fn to_readings(batch: &RecordBatch) -> Readings {
    let streams = batch.column(schema::STREAM_ID).as_primitive::<Int32Type>();
    let times = batch.column(schema::TS).as_primitive::<TimestampMicrosecondType>();
    let values = batch.column(schema::VALUE).as_primitive::<Float64Type>();
    let texts = batch.column(schema::TEXT).as_string::<i32>();
    let qualities = batch.column(schema::QUALITY).as_string::<i32>();
    let row = |i: usize| Reading {
        stream: StreamId(streams.value(i)),
        ts: Micros(times.value(i)),
        value: values.is_valid(i).then(|| values.value(i)),
        text: texts.is_valid(i).then(|| texts.value(i).into()),
        quality: qualities.value(i).parse().unwrap_or(Quality::Bad),
    };
    (0..batch.num_rows()).map(row).collect()
}
