//! Step queries: aggregates of streams in aligned time buckets.
//!
//! Whole windows are read from computed statistics and the rest from raw readings, as for aggregates of SQL. Rows
//! posted by clients can replace the readings of their windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::context::QueryContext;
use super::engine::Engine;
use super::executor::{QueryLimits, StartedQuery};
use super::functions::buckets::Buckets;
use super::functions::zone::Zone;
use super::log::Surface;
use super::rollup::bucket_batch;
use super::rollup::series::SeriesChunk;
use super::rollup::series_spec::SeriesSpec;
use super::step::Step;
use crate::domain::cluster::TailRequest;
use crate::domain::statistic::{Bucket, BucketFields, BucketSeries};
use crate::domain::{Error, Micros, Principal, Result, StreamId};

/// Approximate number of buckets, over all streams, that are computed at a time.
const MAX_CHUNK_BUCKETS: usize = 100_000;

/// Aggregates of streams in time buckets.
#[derive(Debug, Clone)]
pub struct StepQuery {
    /// Streams that the principal may not see yield no series.
    pub streams: Vec<StreamId>,
    pub from: Micros,
    /// Exclusive.
    pub to: Micros,
    pub step: Step,
    /// Time zone of months, days and hours; `None` means UTC.
    pub timezone: Option<String>,
    pub fields: BucketFields,
    /// Whether a row posted by a client replaces its window: readings there do not count, and the row counts with its
    /// own count. Its mean replaces a missing min, max or rms.
    pub overlay_posted: bool,
    /// Requests for more buckets per stream are refused.
    pub max_buckets: usize,
}

impl Engine {
    /// Streams the series by stream id, without those that have no value.
    ///
    /// `Invalid` for the field `step` with too many buckets, or `timezone` for an unknown name; and the errors of the
    /// query limits.
    /// every query.
    pub async fn query_steps(
        self: &Arc<Self>,
        principal: &Principal,
        query: StepQuery,
    ) -> Result<BoxStream<'static, Result<Vec<BucketSeries>>>> {
        let zone = query.timezone.as_deref().map(|name| Zone::parse("step", name));
        let zone =
            zone.transpose().map_err(|_| Error::field("timezone", "There is no timezone of this name."))?;
        let buckets = Buckets::new(query.step.0, zone);
        let count = buckets.count(query.from.0, query.to.0, query.max_buckets);
        let count = count.map_err(super::error::from_datafusion)?;
        if count > query.max_buckets {
            let message = format!("Too many buckets (limit {}).", query.max_buckets);
            return Err(Error::field("step", message));
        }
        let tracker = self.start_tracking(principal, Surface::Steps, None);
        let wanted = TailRequest::for_rows(principal.org);
        let query_context = QueryContext::pin(&self.services, principal, tracker.clone(), wanted).await?;
        let context = query_context.task_context(&self.template);
        let start = async move {
            Ok(StartedQuery::short(stream_series(query_context, query, buckets, count, context)))
        };
        let limits = QueryLimits { timeout: self.statement_limits().timeout, max_rows: None };
        let answer = self.run_query(limits, tracker, Box::pin(start)).await?;
        Ok(answer.batches.map_ok(|batch| decode(&batch)).boxed())
    }
}

/// Streams chunks of a few streams, each computed only when the reader reaches it.
fn stream_series(
    query_context: QueryContext,
    query: StepQuery,
    buckets: Buckets,
    count: usize,
    context: Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let mut ids: Vec<i32> = query.streams.iter().map(|id| id.0).collect();
    ids.retain(|id| query_context.visible_streams().contains(*id));
    ids.sort_unstable();
    ids.dedup();
    let each = (MAX_CHUNK_BUCKETS / count.max(1)).max(1);
    let chunks: Vec<Vec<i32>> = ids.chunks(each).map(<[i32]>::to_vec).collect();
    let spec = Arc::new(SeriesSpec {
        query_context,
        range: (query.from.0, query.to.0),
        buckets,
        fields: query.fields,
        overlay: query.overlay_posted,
    });
    let batches = stream::iter(chunks).then(move |ids| {
        let chunk = SeriesChunk { spec: spec.clone(), ids, context: context.clone() };
        async move { chunk.read().await }
    });
    Box::pin(RecordBatchStreamAdapter::new(bucket_batch::schema(), batches))
}

fn decode(batch: &RecordBatch) -> Vec<BucketSeries> {
    let mut found: BTreeMap<i32, Vec<Bucket>> = BTreeMap::new();
    for (stream, one) in bucket_batch::decode(batch) {
        found.entry(stream).or_default().push(one);
    }
    found.into_iter().map(|(id, buckets)| BucketSeries { stream: StreamId(id), buckets }).collect()
}
