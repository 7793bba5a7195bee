//! The principal's filter: rows of streams he may not see end here, before any expression of his.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int32Type;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::domain::StreamId;

/// The streams a principal may see, as a bitmap: ids are small and dense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    ids: Vec<i32>,
    bits: Vec<u64>,
}

impl Visible {
    pub fn new(mut streams: Vec<StreamId>) -> Self {
        streams.sort_unstable();
        let ids: Vec<i32> = streams.into_iter().map(|s| s.0).filter(|id| *id >= 0).collect();
        let mut bits = vec![0; ids.last().map_or(0, |last| *last as usize / 64 + 1)];
        for id in &ids {
            bits[*id as usize / 64] |= 1 << (*id % 64);
        }
        Self { ids, bits }
    }

    /// Ascending.
    pub fn ids(&self) -> &[i32] {
        &self.ids
    }

    pub fn contains(&self, stream: i32) -> bool {
        usize::try_from(stream)
            .is_ok_and(|id| self.bits.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1))
    }

    /// Whether any visible stream lies in `low..=high`.
    pub fn any_between(&self, (low, high): (i32, i32)) -> bool {
        let first = self.ids.partition_point(|id| *id < low);
        self.ids.get(first).is_some_and(|id| *id <= high)
    }

    fn keep(&self, batch: RecordBatch) -> Result<RecordBatch> {
        // `plan` puts stream_id first.
        let streams = batch.column(0).as_primitive::<Int32Type>().values();
        let mask: Vec<bool> = streams.iter().map(|s| self.contains(*s)).collect();
        if mask.iter().all(|keep| *keep) {
            return Ok(batch);
        }
        Ok(filter_record_batch(&batch, &BooleanArray::from(mask))?)
    }
}

/// Passes only rows of visible streams.
///
/// It shows no children, so that no rule pushes an expression below it, and neither EXPLAIN nor EXPLAIN ANALYZE tells
/// of files and rows from before the filter.
#[derive(Debug)]
pub struct VisibleRows {
    input: Arc<dyn ExecutionPlan>,
    visible: Arc<Visible>,
    properties: Arc<PlanProperties>,
    /// Input partitions in each of ours: every so many-th, one after the other.
    stride: usize,
}

impl VisibleRows {
    /// In the order and the partitions of `input`, whose first column is stream_id.
    pub fn new(input: Arc<dyn ExecutionPlan>, visible: Arc<Visible>) -> Self {
        let properties = input.properties().clone();
        let stride = properties.partitioning.partition_count();
        Self { input, visible, properties, stride }
    }

    /// In no order and always so many partitions: a plan above it looks the same whatever rows others have.
    pub fn opaque(input: Arc<dyn ExecutionPlan>, visible: Arc<Visible>, partitions: usize) -> Self {
        let stride = partitions.max(1);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(stride),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { input, visible, properties: Arc::new(properties), stride }
    }
}

impl DisplayAs for VisibleRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisibleRows")
    }
}

impl ExecutionPlan for VisibleRows {
    fn name(&self) -> &str {
        "VisibleRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (visible, input) = (self.visible.clone(), self.input.clone());
        let parts = input.properties().partitioning.partition_count();
        let parts = stream::iter((partition..parts).step_by(self.stride));
        let rows = parts.map(move |part| input.execute(part, context.clone())).try_flatten();
        let rows = rows.map(move |batch| visible.keep(batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
