//! Last write wins: of neighbouring rows with the same (stream_id, ts) the first passes, and the input brings the
//! highest seq first.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::StreamExt;

/// Drops overwritten rows. The input is one partition sorted by (stream_id, ts, seq descending), with stream_id and
/// ts as its first two columns.
#[derive(Debug)]
pub struct LastWriteWins {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl LastWriteWins {
    pub fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = input.properties().clone();
        Self { input, properties }
    }
}

/// Keeps the first row of each key; `last` is the key of the row before the batch, and is moved on.
fn first_of_each(batch: RecordBatch, last: &mut Option<(i32, i64)>) -> Result<RecordBatch> {
    let streams = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    let mask: Vec<bool> = streams
        .iter()
        .zip(times)
        .map(|(stream, ts)| last.replace((*stream, *ts)) != Some((*stream, *ts)))
        .collect();
    if mask.iter().all(|keep| *keep) {
        return Ok(batch);
    }
    Ok(filter_record_batch(&batch, &BooleanArray::from(mask))?)
}

impl DisplayAs for LastWriteWins {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastWriteWins")
    }
}

impl ExecutionPlan for LastWriteWins {
    fn name(&self) -> &str {
        "LastWriteWins"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        Ok(Arc::new(LastWriteWins::new(children.swap_remove(0))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let mut last = None;
        let rows = rows.map(move |batch| first_of_each(batch?, &mut last));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
