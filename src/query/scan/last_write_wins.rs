//! Last write wins: merges sorted partitions into one, and of rows of one stream with the same time (equal stream_id and ts) keeps
//! that of the latest partition. Rows in memory are merged by the same rule in `store/memtable/run_merge.rs`.
//!
//! It replaces DataFusion's merge of sorted partitions, which compares row by row: files and memtables mostly follow
//! one another in time, stream for stream, so that whole slices of them can be copied (`store::memtable::run_merge`).

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::stream;

use super::block_merge::BlockMerge;

/// Merges the partitions of the input, given in write order, into one. Each is sorted by (stream_id, ts), its first two
/// columns, with one row per key.
#[derive(Debug)]
pub struct LastWriteWinsExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl LastWriteWinsExec {
    /// Creates the operator over partitions in write order; of rows with one key that of the last partition stays.
    pub fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for LastWriteWinsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastWriteWins")
    }
}

impl ExecutionPlan for LastWriteWinsExec {
    fn name(&self) -> &str {
        "LastWriteWins"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(LastWriteWinsExec::new(children.swap_remove(0))))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.input.properties().output_partitioning().partition_count();
        let inputs = (0..partitions).map(|partition| self.input.execute(partition, context.clone()));
        let memory = MemoryConsumer::new(self.name()).register(context.memory_pool());
        let blocks =
            BlockMerge::new(inputs.collect::<Result<_>>()?, memory, context.session_config().batch_size());
        let next =
            |mut blocks: BlockMerge| async move { Ok(blocks.next().await?.map(|batch| (batch, blocks))) };
        let rows = stream::try_unfold(blocks, next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
