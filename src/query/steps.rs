//! Step queries: aligned series of what streams amount to, bucket by bucket.
//!
//! Whole windows come from computed statistics and the rest from raw readings, as for aggregates of SQL. Rows written by
//! hand can stand for the readings of their windows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::engine::Engine;
use super::functions::buckets::Buckets;
use super::functions::zone::Zone;
use super::log::Surface;
use super::rollup::bucket;
use super::rollup::series::{Chunk, Spec};
use super::run::{Limits, Started};
use super::session::View;
use super::step::Step;
use crate::domain::statistic::{Bucket, Series, StepFields};
use crate::domain::{Error, Micros, Principal, Result, StreamId};

/// Buckets of all streams that are computed at a time, about.
const CHUNK_BUCKETS: usize = 100_000;

/// A question about buckets of time.
#[derive(Debug, Clone)]
pub struct StepQuery {
    /// Those the principal does not see have no series.
    pub streams: Vec<StreamId>,
    pub from: Micros,
    /// Not included.
    pub to: Micros,
    pub step: Step,
    /// Whose clock months, days and hours are of; UTC unless said.
    pub timezone: Option<String>,
    pub fields: StepFields,
    /// Whether a row written by hand stands for its window: readings there do not count, and it counts as often as it
    /// says. What it lacks of min, max and rms is its mean.
    pub overlay_posted: bool,
    /// More buckets of a stream than this are refused.
    pub max_buckets: usize,
}

impl Engine {
    /// The series of streams, by stream id, those without a value left out.
    ///
    /// # Errors
    /// `Invalid` for the field `step` with too many buckets, `timezone` when there is none of the name; the limits of
    /// every query.
    pub async fn steps(
        self: &Arc<Self>,
        principal: &Principal,
        query: StepQuery,
    ) -> Result<BoxStream<'static, Result<Vec<Series>>>> {
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
        let tally = self.tally(principal, Surface::Steps, None);
        let view = View::new(self, principal, tally.clone());
        let context = view.task_context(&self.template);
        let start = async move { Ok(Started::short(series_of(view, query, buckets, count, context))) };
        let limits = Limits { timeout: self.options.timeout, rows: None };
        let answer = self.answer(limits, tally, Box::pin(start)).await?;
        Ok(answer.batches.map_ok(|batch| decode(&batch)).boxed())
    }
}

/// Some streams after the other, each only when the reader gets there.
fn series_of(
    view: View,
    query: StepQuery,
    buckets: Buckets,
    count: usize,
    context: Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let mut ids: Vec<i32> = query.streams.iter().map(|id| id.0).collect();
    ids.retain(|id| view.visible().contains(*id));
    ids.sort_unstable();
    ids.dedup();
    let each = (CHUNK_BUCKETS / count.max(1)).max(1);
    let chunks: Vec<Vec<i32>> = ids.chunks(each).map(<[i32]>::to_vec).collect();
    let spec = Arc::new(Spec {
        view,
        range: (query.from.0, query.to.0),
        buckets,
        fields: query.fields,
        overlay: query.overlay_posted,
    });
    let batches = stream::iter(chunks).then(move |ids| {
        let chunk = Chunk { spec: spec.clone(), ids, context: context.clone() };
        async move { chunk.read().await }
    });
    Box::pin(RecordBatchStreamAdapter::new(bucket::schema(), batches))
}

fn decode(batch: &RecordBatch) -> Vec<Series> {
    let mut found: BTreeMap<i32, Vec<Bucket>> = BTreeMap::new();
    for (stream, one) in bucket::decode(batch) {
        found.entry(stream).or_default().push(one);
    }
    found.into_iter().map(|(id, buckets)| Series { stream: StreamId(id), buckets }).collect()
}
