//! Operators that hand their input's batches on unchanged, and watch them: what both of ours have in common.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

/// What is done with the stream of each partition.
pub trait Watch: fmt::Debug + Send + Sync + 'static {
    /// Of the operator, in plans.
    const NAME: &'static str;

    /// Stands between `input` and the operator above. It may end the stream with an error, and changes no batch.
    fn watch(
        &self,
        input: SendableRecordBatchStream,
        partition: usize,
        context: &TaskContext,
    ) -> SendableRecordBatchStream;
}

/// An operator of one child with that child's order, partitions and schema.
#[derive(Debug)]
pub struct PassThroughExec<W> {
    input: Arc<dyn ExecutionPlan>,
    watch: Arc<W>,
}

impl<W: Watch> PassThroughExec<W> {
    pub fn new(input: Arc<dyn ExecutionPlan>, watch: W) -> Self {
        Self { input, watch: Arc::new(watch) }
    }
}

impl<W: Watch> DisplayAs for PassThroughExec<W> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(W::NAME)
    }
}

impl<W: Watch> ExecutionPlan for PassThroughExec<W> {
    fn name(&self) -> &str {
        W::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Internal(format!("{} has one child", W::NAME)))?;
        Ok(Arc::new(Self { input, watch: self.watch.clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        Ok(self.watch.watch(input, partition, &context))
    }
}
