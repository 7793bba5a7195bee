//! A join of a small table with a scan that is divided: every task has the whole table and a part of the scan.
//!
//! The hash table of a join is within one task. `datafusion-distributed` therefore runs a join over a collected side as one
//! task, unless it sends that side from a stage of its own (`insert_broadcast.rs` there). Here it is in the plan of each
//! task, so `InlineJoinExec` shows the other side only, and to the engine it looks like a filter.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{JoinType, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, PartitionMode};
use datafusion::physical_plan::proto::ExecutionPlanEncodeCtx;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions, SendableRecordBatchStream,
};
use datafusion_proto::protobuf::PhysicalPlanNode;

use super::inline_table::InlineTableExec;
use crate::query::guard::interrupt::InterruptExec;

/// Returns the collected and the streamed side of a join whose rows are those of its parts, when each part has the whole
/// collected side and a part of the streamed one; `None` for everything else.
///
/// A join that returns rows of the collected side, or knows NULL in either of them, has to see all of the streamed side. The
/// condition of a join can compute for long without a row: it is interrupted on the node that was asked only, so such joins
/// stay there.
pub fn sides(node: &Arc<dyn ExecutionPlan>) -> Option<[&Arc<dyn ExecutionPlan>; 2]> {
    if let Some(join) = node.downcast_ref::<CrossJoinExec>() {
        return Some([join.left(), join.right()]);
    }
    let join = node.downcast_ref::<HashJoinExec>()?;
    let is_by_streamed_row = matches!(
        join.join_type(),
        JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
    );
    let is_collected = join.partition_mode() == &PartitionMode::CollectLeft;
    let is_divisible = is_by_streamed_row && is_collected && !join.null_aware && join.filter().is_none();
    is_divisible.then(|| [join.left(), join.right()])
}

/// Whether an operator of a task is one that joins of small tables need.
pub fn is_of_task(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<InlineTableExec>()
        || node.is::<InlineJoinExec>()
        || node.is::<InterruptExec>()
        || sides(node).is_some_and(|[table, _]| table.is::<InlineTableExec>())
}

/// A join with the streamed side as its only child. It is encoded as the join that it is.
#[derive(Debug)]
pub struct InlineJoinExec {
    join: Arc<dyn ExecutionPlan>,
}

impl InlineJoinExec {
    /// Takes the conditions of `join`, and joins these sides by them.
    pub fn try_new(
        join: &Arc<dyn ExecutionPlan>,
        table: Arc<dyn ExecutionPlan>,
        streamed: Arc<dyn ExecutionPlan>,
    ) -> Result<Self> {
        // Copies of a join share its hash table, and an attempt on several nodes must leave none to the next one.
        let join = join.clone().reset_state()?;
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        Ok(Self { join: join.replace_children(vec![table, streamed], recompute)? })
    }
}

impl DisplayAs for InlineJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InlineJoinExec")
    }
}

impl ExecutionPlan for InlineJoinExec {
    fn name(&self) -> &str {
        "InlineJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.join.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children().into_iter().skip(1).collect()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [streamed] = <[_; 1]>::try_from(children)
            .map_err(|_| internal_datafusion_err!("InlineJoinExec has one child"))?;
        let table = self.join.children()[0].clone();
        Ok(Arc::new(Self::try_new(&self.join, table, streamed)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.join.execute(partition, context)
    }

    fn try_to_proto(&self, context: &ExecutionPlanEncodeCtx<'_>) -> Result<Option<PhysicalPlanNode>> {
        self.join.try_to_proto(context)
    }
}
