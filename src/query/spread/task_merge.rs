//! Merges the sorted rows of a task where it runs, before they go to the node that merges those of all tasks.
//!
//! All partitions of a task come over one connection, which is read as long as their buffered rows are few enough. A merge
//! in order may need the next rows of one partition while those of another fill the buffer: then nothing more is read, and
//! the query waits for itself until its time is over. A task with one partition cannot do that. It also takes most of the
//! comparisons from the node that was asked.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion_distributed::{NetworkBoundary, NetworkCoalesceExec, Stage};

/// Lets each task of a plan with stages merge its partitions, where the stage above merges those of all tasks.
pub fn merge_in_tasks(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let merged = plan.transform_up(|node| {
        let Some(merge) = node.downcast_ref::<SortPreservingMergeExec>() else {
            return Ok(Transformed::no(node));
        };
        let boundary = merge.input().downcast_ref::<NetworkCoalesceExec>();
        let Some(Stage::Local(stage)) = boundary.map(NetworkBoundary::input_stage) else {
            return Ok(Transformed::no(node));
        };
        if stage.plan.output_partitioning().partition_count() < 2 {
            return Ok(Transformed::no(node));
        }
        let mut stage = stage.clone();
        stage.plan = over(merge, stage.plan);
        // Made anew, because one keeps the number of partitions that it was made with.
        let boundary = NetworkCoalesceExec::try_new(stage.plan.clone(), stage.tasks, 1)?;
        let boundary = boundary.with_input_stage(Stage::Local(stage))?;
        Ok(Transformed::yes(over(merge, boundary)))
    })?;
    Ok(merged.data)
}

/// This merge over other rows.
fn over(merge: &SortPreservingMergeExec, rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(SortPreservingMergeExec::new(merge.expr().clone(), rows).with_fetch(merge.fetch()))
}

#[cfg(test)]
mod tests {
    use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
    use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
    use uuid::Uuid;

    use super::*;
    use crate::query::spread::test_plans::{rows, sorted, stream_id};

    const TASKS: usize = 3;
    const QUERY: Uuid = Uuid::from_u128(7);

    /// Operator that reads the tasks of a stage, as the engine plans it.
    fn boundary(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let boundary = NetworkCoalesceExec::try_new(plan.clone(), TASKS, 1).unwrap();
        let Stage::Local(stage) = boundary.input_stage() else { panic!("it has a plan") };
        let mut stage = stage.clone();
        (stage.query_id, stage.num) = (QUERY, 5);
        boundary.with_input_stage(Stage::Local(stage)).unwrap()
    }

    fn merge(rows: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> Arc<dyn ExecutionPlan> {
        let order = LexOrdering::new([PhysicalSortExpr::new_default(stream_id())]).unwrap();
        Arc::new(SortPreservingMergeExec::new(order, rows).with_fetch(fetch))
    }

    #[test]
    fn a_task_whose_rows_are_merged_has_one_partition() {
        for fetch in [None, Some(9)] {
            let plan = merge_in_tasks(merge(boundary(sorted(rows(2), [stream_id()])), fetch)).unwrap();
            assert_eq!(plan.fetch(), fetch);
            let boundary = plan.children()[0];
            assert_eq!(boundary.output_partitioning().partition_count(), TASKS, "one of each task");
            let stage = boundary.downcast_ref::<NetworkCoalesceExec>().unwrap().input_stage();
            let Stage::Local(stage) = stage else { panic!("it has a plan") };
            assert_eq!((stage.query_id, stage.num, stage.tasks), (QUERY, 5, TASKS));
            assert!(stage.plan.is::<SortPreservingMergeExec>() && stage.plan.fetch() == fetch);
        }
    }

    #[test]
    fn other_stages_stay_as_they_are() {
        let in_any_order: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(boundary(rows(2))));
        for (name, plan) in [
            ("in any order", in_any_order),
            ("one partition", merge(boundary(sorted(rows(1), [stream_id()])), None)),
            ("rows of this node", merge(sorted(rows(2), [stream_id()]), None)),
        ] {
            assert!(Arc::ptr_eq(&merge_in_tasks(plan.clone()).unwrap(), &plan), "{name}");
        }
    }
}
