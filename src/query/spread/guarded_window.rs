//! A window operator with its guards (`guard/operators.rs`), as one node of a plan that is divided.
//!
//! Guards belong to the query on their node: they check its interrupt, and count the rows of one execution. So they are not
//! sent but made anew wherever the operator runs, and to the engine this node looks like an operator without guards.

use std::fmt;
use std::sync::Arc;

use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions, SendableRecordBatchStream,
};
use futures::TryStreamExt;
use tokio::runtime::Handle;

use super::windows;
use crate::query::guard::interrupt::Interrupt;
use crate::query::guard::operators;

/// Batches that a window operator is ahead of its reader.
const BATCHES_AHEAD: usize = 2;

/// Guard of the windows of a query on this node.
#[derive(Debug, Clone)]
pub struct WindowGuard {
    pub interrupt: Arc<Interrupt>,
    /// Threads that an operator can occupy for long. Tasks of other nodes begin on those of short queries.
    pub threads: Handle,
}

/// A window operator whose guards are its own.
#[derive(Debug)]
pub struct GuardedWindowExec {
    guard: WindowGuard,
    window: Arc<dyn ExecutionPlan>,
    guarded: Arc<dyn ExecutionPlan>,
}

impl GuardedWindowExec {
    /// Guards a window operator that has no guards.
    pub fn try_new(window: Arc<dyn ExecutionPlan>, guard: WindowGuard) -> Result<Self> {
        let guarded = operators::with_guards(window.clone(), &guard.interrupt)?;
        Ok(Self { guard, window, guarded })
    }

    /// Returns the functions of the operator.
    pub fn functions(&self) -> &[Arc<dyn WindowExpr>] {
        windows::functions(&self.window).unwrap_or_default()
    }
}

/// Makes one node of each window operator of a plan and its guards. The guards of the plan that was given have counted
/// nothing then, and it can be executed.
pub fn gather(plan: Arc<dyn ExecutionPlan>, guard: &WindowGuard) -> Result<Arc<dyn ExecutionPlan>> {
    let gathered = plan.transform_up(|node| {
        let Some([window, input]) = operators::guarded_window(&node) else {
            return Ok(Transformed::no(node));
        };
        let window = over(window, input.clone())?;
        let window: Arc<dyn ExecutionPlan> = Arc::new(GuardedWindowExec::try_new(window, guard.clone())?);
        Ok(Transformed::yes(window))
    })?;
    Ok(gathered.data)
}

/// Puts a window operator over other rows.
fn over(window: &Arc<dyn ExecutionPlan>, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    window.clone().replace_children(vec![input], recompute)
}

impl DisplayAs for GuardedWindowExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedWindowExec")
    }
}

impl ExecutionPlan for GuardedWindowExec {
    fn name(&self) -> &str {
        "GuardedWindowExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.window.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.window.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.window.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| internal_datafusion_err!("GuardedWindowExec has one child"))?;
        Ok(Arc::new(Self::try_new(over(&self.window, input)?, self.guard.clone())?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let guarded = self.guarded.clone();
        let mut rows = RecordBatchReceiverStream::builder(self.schema(), BATCHES_AHEAD);
        let reader = rows.tx();
        rows.spawn_on(
            async move {
                let mut batches = guarded.execute(partition, context)?;
                while let Some(batch) = batches.try_next().await? {
                    if reader.send(Ok(batch)).await.is_err() {
                        // The reader is gone.
                        break;
                    }
                }
                Ok(())
            },
            &self.guard.threads,
        );
        Ok(rows.build())
    }
}

#[cfg(test)]
#[path = "guarded_window_tests.rs"]
mod tests;
