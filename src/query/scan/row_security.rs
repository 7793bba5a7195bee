//! Row-level security: drops rows of streams that the principal may not see (those of other organizations, which are
//! the tenants, and those outside a key's lists), before any expression of the caller.

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

use super::opaque_scan::{OpaqueScanExec, RowSource};
use crate::domain::StreamId;
use crate::domain::min_max::MinMax;
use crate::domain::retention::{BEGINNING_OF_TIME, StreamStarts};

/// The streams that a principal may see, as a bitmap, since ids are small and dense; with the start of their retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleStreams {
    ids: Vec<i32>,
    bits: Vec<u64>,
    /// Start of retention by stream; earlier rows have expired. It covers visible streams only: the retention of others
    /// must not show in a plan.
    since: StreamStarts,
}

impl VisibleStreams {
    /// Creates the set of `streams`, in any order, of which no row expires; negative ids are left out.
    pub fn new(mut streams: Vec<StreamId>) -> Self {
        streams.sort_unstable();
        let ids: Vec<i32> = streams.into_iter().map(|s| s.0).filter(|id| *id >= 0).collect();
        let mut bits = vec![0; ids.last().map_or(0, |last| *last as usize / 64 + 1)];
        for id in &ids {
            bits[*id as usize / 64] |= 1 << (*id % 64);
        }
        Self { ids, bits, since: StreamStarts::default() }
    }

    /// Restricts the streams to rows that have not expired.
    pub fn with_retention(self, kept: &StreamStarts) -> Self {
        let mut since = StreamStarts::default();
        if !kept.is_empty() {
            self.ids.iter().for_each(|id| since.set(*id, kept.start_of(*id)));
        }
        Self { since, ..self }
    }

    /// Returns the start of retention of each stream that has one.
    pub fn starts(&self) -> impl Iterator<Item = (i32, i64)> {
        let starts = self.ids.iter().map(|id| (*id, self.since.start_of(*id)));
        starts.filter(|(_, from)| *from > BEGINNING_OF_TIME)
    }

    /// Whether rows are also filtered by time. The scan must then read ts as its second column.
    pub fn needs_time(&self) -> bool {
        !self.since.is_empty()
    }

    /// Returns the ids, ascending.
    pub fn ids(&self) -> &[i32] {
        &self.ids
    }

    /// Whether a stream is visible, in constant time: it is looked up for every row.
    pub fn contains(&self, stream: i32) -> bool {
        usize::try_from(stream)
            .is_ok_and(|id| self.bits.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1))
    }

    /// Whether a file with streams within `ids` and rows up to `newest` can have visible rows; others are pruned.
    pub fn file_survives_pruning(&self, ids: MinMax<i32>, newest: i64) -> bool {
        let first = self.ids.partition_point(|id| *id < ids.min);
        let mut within = self.ids[first..].iter().take_while(|id| **id <= ids.max);
        within.any(|id| self.since.start_of(*id) <= newest)
    }

    fn retain_visible(&self, batch: RecordBatch) -> Result<RecordBatch> {
        // `ReadingsScan::plan` puts stream_id first.
        let streams = batch.column(0).as_primitive::<Int32Type>().values();
        let times = self.needs_time().then(|| batch.columns().get(1)).flatten();
        let times = times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        if self.needs_time() && times.is_none() {
            return internal_err!("rows that may have expired come without their time");
        }
        let times = times.map(|times| times.values().as_ref());
        if let (None, Some(stream)) = (times, only_stream(streams)) {
            return Ok(if self.contains(stream) { batch } else { batch.slice(0, 0) });
        }
        let mut mask = BooleanBufferBuilder::new(streams.len());
        let mut start = 0;
        // Adjacent rows are mostly of one stream.
        for same in streams.chunk_by(|a, b| a == b) {
            let rows = start..start + same.len();
            start = rows.end;
            let (is_visible, since) = (self.contains(same[0]), self.since.start_of(same[0]));
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

/// Returns the stream of all rows, if it is one. Most batches are of one stream; a fold without a branch compares several
/// rows with one instruction.
fn only_stream(streams: &[i32]) -> Option<i32> {
    let first = *streams.first()?;
    let differences = streams.iter().fold(0, |differences, stream| differences | (stream ^ first));
    (differences == 0).then_some(first)
}

/// Passes only rows of visible streams. It is a leaf without children, so that no rule pushes an expression below it,
/// and neither EXPLAIN nor EXPLAIN ANALYZE reveals files and rows from before the filter.
pub struct VisibleRows {
    input: Arc<dyn ExecutionPlan>,
    visible: Arc<VisibleStreams>,
    /// Stride over the input partitions: each output partition chains every `stride`-th input partition.
    stride: usize,
}

impl VisibleRows {
    /// Reads `input` in a fixed number of partitions: the plan above must not depend on rows of others. A single partition
    /// chains those of `input` in order.
    pub fn new(input: Arc<dyn ExecutionPlan>, visible: Arc<VisibleStreams>, partitions: usize) -> Self {
        Self { input, visible, stride: partitions.max(1) }
    }

    /// Creates the leaf, unordered.
    pub fn into_exec(self) -> OpaqueScanExec<Self> {
        let partitions = self.stride;
        OpaqueScanExec::new(self, partitions)
    }
}

impl RowSource for VisibleRows {
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
        let rows = rows.map(move |batch| visible.retain_visible(batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
