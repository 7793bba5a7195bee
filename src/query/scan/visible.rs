//! The principal's filter: rows of streams he may not see end here, before any expression of his.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, SchemaRef, TimestampMicrosecondType};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream};
use futures::{StreamExt, TryStreamExt, stream};

use super::leaf::{Leaf, Rows};
use crate::domain::StreamId;
use crate::domain::retention::Since;

/// The streams a principal may see, as a bitmap: ids are small and dense; and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    ids: Vec<i32>,
    bits: Vec<u64>,
    /// Rows before have expired. Of visible streams only: what others keep shows in no plan.
    since: Since,
}

impl Visible {
    pub fn new(mut streams: Vec<StreamId>) -> Self {
        streams.sort_unstable();
        let ids: Vec<i32> = streams.into_iter().map(|s| s.0).filter(|id| *id >= 0).collect();
        let mut bits = vec![0; ids.last().map_or(0, |last| *last as usize / 64 + 1)];
        for id in &ids {
            bits[*id as usize / 64] |= 1 << (*id % 64);
        }
        Self { ids, bits, since: Since::default() }
    }

    /// The same without rows that have expired.
    pub fn since(self, kept: &Since) -> Self {
        let mut since = Since::default();
        if !kept.is_empty() {
            self.ids.iter().for_each(|id| since.set(*id, kept.of(*id)));
        }
        Self { since, ..self }
    }

    /// Whether rows are judged by their time as well: then it is the second column of what is read.
    pub fn needs_time(&self) -> bool {
        !self.since.is_empty()
    }

    /// Ascending.
    pub fn ids(&self) -> &[i32] {
        &self.ids
    }

    pub fn contains(&self, stream: i32) -> bool {
        usize::try_from(stream)
            .is_ok_and(|id| self.bits.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1))
    }

    /// Whether a row of any stream in `low..=high`, not newer than `newest`, can be visible.
    pub fn any_between(&self, (low, high): (i32, i32), newest: i64) -> bool {
        let first = self.ids.partition_point(|id| *id < low);
        let mut between = self.ids[first..].iter().take_while(|id| **id <= high);
        between.any(|id| self.since.of(*id) <= newest)
    }

    fn keep(&self, batch: RecordBatch) -> Result<RecordBatch> {
        // `plan` puts stream_id first.
        let streams = batch.column(0).as_primitive::<Int32Type>().values();
        let times = self.needs_time().then(|| batch.columns().get(1)).flatten();
        let times = times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        if self.needs_time() && times.is_none() {
            return internal_err!("rows that may have expired come without their time");
        }
        let times = times.map(|times| times.values().as_ref());
        let mut mask = BooleanBufferBuilder::new(streams.len());
        let mut start = 0;
        // Neighbours are mostly of one stream.
        for same in streams.chunk_by(|a, b| a == b) {
            let rows = start..start + same.len();
            start = rows.end;
            let (is_visible, since) = (self.contains(same[0]), self.since.of(same[0]));
            match times {
                Some(times) if is_visible => times[rows].iter().for_each(|ts| mask.append(*ts >= since)),
                _ => mask.append_n(same.len(), is_visible),
            }
        }
        let mask = BooleanArray::from(mask.finish());
        if mask.true_count() == mask.len() {
            return Ok(batch);
        }
        Ok(filter_record_batch(&batch, &mask)?)
    }
}

/// Passes only rows of visible streams, as a leaf: it shows no children, so that no rule pushes an expression below it,
/// and neither EXPLAIN nor EXPLAIN ANALYZE tells of files and rows from before the filter.
pub struct VisibleRows {
    input: Arc<dyn ExecutionPlan>,
    visible: Arc<Visible>,
    /// Input partitions in each of ours: every so many-th, one after the other.
    stride: usize,
}

impl VisibleRows {
    /// In no order and always so many partitions: a plan above it looks the same whatever rows others have. A single
    /// partition has those of `input` one after the other.
    pub fn leaf(input: Arc<dyn ExecutionPlan>, visible: Arc<Visible>, partitions: usize) -> Leaf<Self> {
        let stride = partitions.max(1);
        Leaf::new(Self { input, visible, stride }, stride)
    }
}

impl Rows for VisibleRows {
    fn name(&self) -> &'static str {
        "VisibleRows"
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (visible, input) = (self.visible.clone(), self.input.clone());
        let parts = input.output_partitioning().partition_count();
        let parts = stream::iter((partition..parts).step_by(self.stride));
        let rows = parts.map(move |part| input.execute(part, context.clone())).try_flatten();
        let rows = rows.map(move |batch| visible.keep(batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
