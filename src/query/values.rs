//! Lists of readings for the REST surfaces: by time, oldest or newest first, in constant memory.

use std::future::ready;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, col as physical_col, lit as physical_lit};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::engine::Engine;
use super::list::List;
use super::log::{Surface, Tally};
use super::run::Limits;
use super::scan::bounds::Bounds;
use super::scan::plan::ReadingsScan;
use super::session::View;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::store::schema;

/// Which readings a list wants.
#[derive(Debug, Clone, Default)]
pub struct ValuesQuery {
    pub list: List,
    /// Whether readings of bad quality are listed.
    pub bad: bool,
}

pub(super) type Chunks = BoxStream<'static, Result<Readings>>;

/// The columns that make a reading.
pub(super) const COLUMNS: [usize; 5] =
    [schema::STREAM_ID, schema::TS, schema::VALUE, schema::TEXT, schema::QUALITY];

/// How far before its end a list of the newest looks first.
const RECENT_US: i64 = 3600 * 1_000_000;

impl Engine {
    /// Readings ordered by time, equal times by stream id. The list has no cap of its own: it is computed day by day
    /// as it is read.
    pub async fn values(self: &Arc<Self>, principal: &Principal, query: ValuesQuery) -> Result<Chunks> {
        if query.list.limit == Some(0) {
            return Ok(stream::empty().boxed());
        }
        let tally = self.tally(principal, Surface::Values, None);
        if let Some(newest) = self.newest(principal, &query) {
            tally.add_rows(1);
            tally.finish();
            return Ok(stream::once(ready(Ok(Readings::from_iter([newest])))).boxed());
        }
        let listing = Listing::new(self, principal, query, tally.clone());
        let start = async move { Ok(Arc::new(listing).stream()) };
        let limits = Limits { timeout: self.options.timeout, rows: None };
        let answer = self.answer(limits, tally, Box::pin(start)).await?;
        Ok(answer.batches.map_ok(|batch| to_readings(&batch)).boxed())
    }

    /// The reading of a stream at exactly one time.
    pub async fn value(
        self: &Arc<Self>,
        principal: &Principal,
        stream: StreamId,
        ts: Micros,
    ) -> Result<Option<Reading>> {
        let list = List {
            streams: Some(vec![stream]),
            from: Some(ts),
            to: Some(ts),
            limit: Some(1),
            ..List::default()
        };
        let query = ValuesQuery { list, bad: true };
        let found: Vec<Readings> = self.values(principal, query).await?.try_collect().await?;
        Ok(found.first().filter(|rows| !rows.is_empty()).map(|rows| rows.get(0)))
    }

    /// The answer to a list of the one newest value of a stream, from memory: never older than an acknowledged write.
    /// When the newest reading is a bad one, only the lake knows for sure which value was before it.
    fn newest(&self, principal: &Principal, query: &ValuesQuery) -> Option<Reading> {
        let list = &query.list;
        let stream = list.one_stream()?;
        let is_of_newest = list.newest_first && list.limit == Some(1) && list.offset == 0;
        if !is_of_newest || list.from.is_some() || list.to.is_some() {
            return None;
        }
        let newest = self.store.last(principal, stream)?.newest;
        (query.bad || newest.quality != Quality::Bad).then_some(newest)
    }
}

struct Listing {
    view: View,
    query: ValuesQuery,
    /// When the newest reading of the only stream is, if that is known.
    newest: Option<Micros>,
    context: Arc<TaskContext>,
}

/// A stretch of the list: what of a day lies within `ts`, inclusive.
struct Stretch {
    day: Day,
    ts: (i64, i64),
}

impl Listing {
    fn new(engine: &Arc<Engine>, principal: &Principal, query: ValuesQuery, tally: Arc<Tally>) -> Self {
        let view = View::new(engine, principal, tally);
        // After the snapshot, so that no row of it is newer.
        let last = query.list.one_stream().and_then(|stream| engine.store.last(principal, stream));
        let context = view.task_context(&engine.template);
        Self { view, query, newest: last.map(|last| last.newest.ts), context }
    }

    fn bounds(&self, ts: (i64, i64)) -> Bounds {
        let mut bounds = Bounds { ts, ..Bounds::default() };
        if let Some(streams) = &self.query.list.streams {
            bounds.restrict(streams.iter().map(|s| s.0).collect());
        }
        bounds
    }

    /// Stretch after stretch in the order asked for, each only when the reader gets there.
    fn stream(self: Arc<Self>) -> SendableRecordBatchStream {
        let listing = self.clone();
        let batches = stream::iter(self.stretches())
            .then(move |stretch| {
                let listing = listing.clone();
                async move { listing.read(&stretch) }
            })
            .try_flatten();
        let schema = Arc::new(schema::readings().project(&COLUMNS).expect("columns of this schema"));
        Box::pin(RecordBatchStreamAdapter::new(schema, self.query.list.page(batches.boxed())))
    }

    /// Days; of the newest one the last hour on its own, since a page of the newest mostly ends in it.
    fn stretches(&self) -> Vec<Stretch> {
        let list = &self.query.list;
        let (from, to) = list.range();
        let to = to.min(self.newest.map_or(i64::MAX, |t| t.0));
        let days = self.scan(self.bounds((from, to))).days().into_iter();
        let whole = |day| Stretch { day, ts: (from, to) };
        if !list.newest_first {
            return days.map(whole).collect();
        }
        let mut stretches: Vec<Stretch> = days.rev().map(whole).collect();
        let recent = to.saturating_sub(RECENT_US);
        if let Some(first) = stretches.first_mut()
            && from < recent
            && list.one_stream().is_some()
            && list.limit.is_some()
        {
            let last_hour = Stretch { day: first.day, ts: (recent, to) };
            first.ts = (from, recent - 1);
            stretches.insert(0, last_hour);
        }
        stretches
    }

    fn scan(&self, bounds: Bounds) -> ReadingsScan<'_> {
        ReadingsScan { view: &self.view, bounds, filter: None, partitions: 1 }
    }

    fn read(&self, stretch: &Stretch) -> datafusion::error::Result<SendableRecordBatchStream> {
        let mut rows = self.scan(self.bounds(stretch.ts)).plan_day(stretch.day, &COLUMNS)?;
        if !self.query.bad {
            let quality = physical_col("quality", &rows.schema())?;
            let bad = physical_lit(Quality::Bad.name());
            let shown = BinaryExpr::new(quality, Operator::NotEq, bad);
            rows = Arc::new(FilterExec::try_new(Arc::new(shown), rows)?);
        }
        execute_stream(self.ordered(rows)?, self.context.clone())
    }

    /// One stream in ascending order comes as it is; everything else is sorted.
    fn ordered(&self, rows: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let list = &self.query.list;
        if list.one_stream().is_some() && !list.newest_first { Ok(rows) } else { list.sorted(rows) }
    }
}

/// A batch of `schema::readings()` as domain readings.
pub(super) fn to_readings(batch: &RecordBatch) -> Readings {
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
