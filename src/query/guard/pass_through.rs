//! Operators that pass batches on unchanged and observe them: what `InterruptExec` and `BufferedInputExec` have in
//! common.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

/// Wraps the stream of each partition.
pub trait StreamWrapper: fmt::Debug + Send + Sync + 'static {
    /// Name of the operator in plans.
    const NAME: &'static str;

    /// Wraps `input` for the operator above. The wrapper may end the stream with an error, but changes no batch.
    fn wrap(
        &self,
        input: SendableRecordBatchStream,
        partition: usize,
        context: &TaskContext,
    ) -> SendableRecordBatchStream;
}

/// An operator with one child, whose order, partitions and schema it keeps.
#[derive(Debug)]
pub struct PassThroughExec<W> {
    input: Arc<dyn ExecutionPlan>,
    wrapper: Arc<W>,
}

impl<W: StreamWrapper> PassThroughExec<W> {
    /// Creates the operator over `input`; `watch` wraps the stream of each partition when it is executed.
    pub fn new(input: Arc<dyn ExecutionPlan>, watch: W) -> Self {
        Self { input, wrapper: Arc::new(watch) }
    }
}

impl<W: StreamWrapper> DisplayAs for PassThroughExec<W> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(W::NAME)
    }
}

impl<W: StreamWrapper> ExecutionPlan for PassThroughExec<W> {
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
        Ok(Arc::new(Self { input, wrapper: self.wrapper.clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        Ok(self.wrapper.wrap(input, partition, &context))
    }
}
