//! Lists of readings for the REST surfaces: by time, oldest or newest first, in constant memory.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::expressions::col as physical_col;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use datafusion::prelude::{col, lit};
use datafusion::scalar::ScalarValue;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::engine::Engine;
use super::run::Limits;
use super::scan::bounds::Bounds;
use super::scan::plan::ReadingsScan;
use super::session::View;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::store::schema;

/// Which readings a list wants, and in which order.
#[derive(Debug, Clone, Default)]
pub struct ValuesQuery {
    /// `None` is every visible stream.
    pub streams: Option<Vec<StreamId>>,
    /// Inclusive.
    pub from: Option<Micros>,
    /// Inclusive.
    pub to: Option<Micros>,
    pub newest_first: bool,
    pub offset: usize,
    pub limit: Option<usize>,
    /// Whether readings of bad quality are listed.
    pub bad: bool,
}

type Chunks = BoxStream<'static, Result<Readings>>;

impl Engine {
    /// Readings ordered by time, equal times by stream id. The list has no cap of its own: it is computed day by day
    /// as it is read.
    pub async fn values(self: &Arc<Self>, principal: &Principal, query: ValuesQuery) -> Result<Chunks> {
        if query.limit == Some(0) {
            return Ok(stream::empty().boxed());
        }
        let listing = Arc::new(Listing { view: View::new(self, principal), query });
        let engine = self.clone();
        let start = async move { Ok(listing.stream(&engine)) };
        let limits = Limits { timeout: self.options.timeout, rows: None };
        let answer = self.answer(limits, Box::pin(start)).await?;
        Ok(answer.batches.map_ok(|batch| to_readings(&batch)).boxed())
    }

    /// The reading of a stream at exactly one time.
    pub async fn value(
        self: &Arc<Self>,
        principal: &Principal,
        stream: StreamId,
        ts: Micros,
    ) -> Result<Option<Reading>> {
        let query = ValuesQuery {
            streams: Some(vec![stream]),
            from: Some(ts),
            to: Some(ts),
            limit: Some(1),
            bad: true,
            ..ValuesQuery::default()
        };
        let mut found = self.values(principal, query).await?;
        Ok(found.try_next().await?.filter(|rows| !rows.is_empty()).map(|rows| rows.get(0)))
    }
}

struct Listing {
    view: View,
    query: ValuesQuery,
}

impl Listing {
    fn bounds(&self) -> Bounds {
        let ts = (self.query.from.map_or(i64::MIN, |t| t.0), self.query.to.map_or(i64::MAX, |t| t.0));
        let mut bounds = Bounds { ts, streams: None };
        if let Some(streams) = &self.query.streams {
            bounds.restrict(streams.iter().map(|s| s.0).collect());
        }
        bounds
    }

    /// The bounds as a predicate on stream_id and ts.
    fn filter(&self) -> Option<Expr> {
        let time = |t: Micros| lit(ScalarValue::TimestampMicrosecond(Some(t.0), Some("UTC".into())));
        let streams = self.query.streams.as_ref();
        let streams =
            streams.map(|s| col("stream_id").in_list(s.iter().map(|id| lit(id.0)).collect(), false));
        let from = self.query.from.map(|t| col("ts").gt_eq(time(t)));
        let to = self.query.to.map(|t| col("ts").lt_eq(time(t)));
        [streams, from, to].into_iter().flatten().reduce(Expr::and)
    }

    /// Day after day in the order asked for, each only when the reader gets there.
    fn stream(self: Arc<Self>, engine: &Arc<Engine>) -> SendableRecordBatchStream {
        let engine = engine.clone();
        let mut days: Vec<Day> = self.days(&engine);
        if self.query.newest_first {
            days.reverse();
        }
        let listing = self.clone();
        let batches = stream::iter(days)
            .then(move |day| {
                let (listing, engine) = (listing.clone(), engine.clone());
                async move { listing.day(&engine, day) }
            })
            .try_flatten();
        let page = Page { skip: self.query.offset, take: self.query.limit.unwrap_or(usize::MAX) };
        let batches = page.cut(batches.boxed());
        Box::pin(RecordBatchStreamAdapter::new(schema::readings(), batches))
    }

    fn days(&self, engine: &Engine) -> Vec<Day> {
        self.scan(engine, None).days().into_iter().collect()
    }

    fn scan<'a>(&'a self, engine: &'a Engine, filter: Option<Arc<dyn PhysicalExpr>>) -> ReadingsScan<'a> {
        ReadingsScan {
            snapshot: &self.view.snapshot,
            visible: self.view.visible().clone(),
            bounds: self.bounds(),
            filter,
            runtime: engine.template.runtime_env(),
            partitions: 1,
        }
    }

    fn day(&self, engine: &Engine, day: Day) -> datafusion::error::Result<SendableRecordBatchStream> {
        let state = &engine.template;
        let table = DFSchema::try_from(schema::readings())?;
        let filter = self.filter().map(|f| state.create_physical_expr(f, &table)).transpose()?;
        let mut rows = self.scan(engine, filter).plan_day_sorted(day, &schema::ALL)?;
        if !self.query.bad {
            let shown = col("quality").not_eq(lit(Quality::Bad.name()));
            rows = Arc::new(FilterExec::try_new(state.create_physical_expr(shown, &table)?, rows)?);
        }
        execute_stream(self.ordered(rows)?, state.task_ctx())
    }

    /// One stream in ascending order comes as it is; everything else is sorted, within memory or spilled.
    fn ordered(&self, rows: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let one_stream = self.query.streams.as_ref().is_some_and(|s| s.len() == 1);
        if one_stream && !self.query.newest_first {
            return Ok(rows);
        }
        let by = |name, descending| -> datafusion::error::Result<PhysicalSortExpr> {
            let column = physical_col(name, &rows.schema())?;
            Ok(PhysicalSortExpr::new(column, SortOptions { descending, nulls_first: false }))
        };
        let order = LexOrdering::new([by("ts", self.query.newest_first)?, by("stream_id", false)?]);
        let order = order.expect("an ordering of two expressions is not empty");
        let fetch = self.query.limit.map(|limit| limit.saturating_add(self.query.offset));
        Ok(Arc::new(SortExec::new(order, rows).with_fetch(fetch)))
    }
}

/// OFFSET and LIMIT over batches.
pub(super) struct Page {
    pub skip: usize,
    pub take: usize,
}

type Batches = BoxStream<'static, datafusion::error::Result<RecordBatch>>;

impl Page {
    pub fn cut(self, batches: Batches) -> Batches {
        let cut = stream::unfold((self, batches), |(mut page, mut batches)| async move {
            while page.take > 0 {
                let batch = match batches.next().await? {
                    Ok(batch) => batch,
                    Err(e) => return Some((Err(e), (page, batches))),
                };
                let skipped = page.skip.min(batch.num_rows());
                page.skip -= skipped;
                let rows = (batch.num_rows() - skipped).min(page.take);
                page.take -= rows;
                if rows > 0 {
                    return Some((Ok(batch.slice(skipped, rows)), (page, batches)));
                }
            }
            None
        });
        cut.boxed()
    }
}

/// A batch of `schema::readings()` as domain readings.
fn to_readings(batch: &RecordBatch) -> Readings {
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
