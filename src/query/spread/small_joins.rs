//! Joins of `readings` with small tables, such as its streams and devices: the node that is asked reads the small side, and
//! sends its rows with the plan.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::compute::concat_batches;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PiecewiseMergeJoinExec,
};
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, StatisticsArgs, StatisticsContext, execute_stream,
};
use futures::TryStreamExt;

use super::inline_join::{self, InlineJoinExec};
use super::inline_table::InlineTable;
use super::join_partners;
use super::table_message::{self, MAX_ROWS};
use crate::query::byte_size;
use crate::query::guard::window_memory::BufferedInputExec;

/// Most bytes of the tables that travel with one plan: each node is sent all of them.
const MAX_BYTES: usize = 8 << 20;
/// Most rows that the joins of a plan make of one streamed row. Tasks run on the threads of short queries and without a permit
/// of their node, so they may take about as long as their scans do.
const MAX_PARTNERS: usize = 16;

/// Returns the small and the streamed side of a join that can be divided by the streamed one.
pub fn sides(node: &Arc<dyn ExecutionPlan>) -> Option<[&Arc<dyn ExecutionPlan>; 2]> {
    let [table, streamed] = inline_join::sides(node)?;
    (has_known_order(table, streamed) && is_small(table)).then_some([table, streamed])
}

/// Whether another node derives the same order of the joined rows: it knows that of the streamed side, but neither that of the
/// table nor which of its columns are constant or equal.
fn has_known_order(table: &Arc<dyn ExecutionPlan>, streamed: &Arc<dyn ExecutionPlan>) -> bool {
    let is_plain = table.equivalence_properties().eq_group().is_empty();
    table.output_ordering().is_none() && (is_plain || streamed.output_ordering().is_none())
}

/// Whether a side is read from few rows, in about as many steps, and its columns can be sent.
fn is_small(side: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = side.schema();
    let mut is_small = schema.fields().iter().all(|field| table_message::can_travel(field.data_type()));
    let seen = side.apply(|node| {
        // For each of its few rows, a window may look at all of them.
        is_small &= !node.is::<BufferedInputExec>() && !compares_pairs(node);
        is_small &= !node.children().is_empty() || has_few_rows(node)?;
        Ok(if is_small { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    seen.is_ok() && is_small
}

/// Whether an operator compares the rows of two sides by more than a key: of few rows there are many pairs.
fn compares_pairs(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<NestedLoopJoinExec>()
        || node.is::<CrossJoinExec>()
        || node.is::<PiecewiseMergeJoinExec>()
        || node.downcast_ref::<HashJoinExec>().is_some_and(|join| join.filter().is_some())
}

fn has_few_rows(leaf: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let statistics = StatisticsContext::new().compute(leaf.as_ref(), &StatisticsArgs::new())?;
    Ok(statistics.num_rows.get_value().is_some_and(|rows| *rows <= MAX_ROWS))
}

/// Reads the small sides of a plan's joins and puts their rows in their place, to be sent to `nodes` nodes; `None` when they
/// are too large, meet a streamed row too often, or cannot be read. The plan that was given stays as it is, and can be
/// executed.
pub async fn inline(
    plan: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    nodes: usize,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let mut joins = Vec::new();
    find(plan, &mut joins)?;
    let mut tables = VecDeque::with_capacity(joins.len());
    let mut budget =
        TableBudget { rows: MAX_ROWS, bytes: MAX_BYTES, partners: MAX_PARTNERS, copies: 2 + nodes };
    for [join, side] in &joins {
        // A side that fails does so on one node as well, and the query then ends with the reason.
        let Ok(Some(table)) = budget.collect(join, side, context).await else { return Ok(None) };
        let table = table.into_exec().with_equivalences(side.equivalence_properties().clone());
        tables.push_back(Arc::new(table) as Arc<dyn ExecutionPlan>);
    }
    let inlined = plan.clone().transform_down(|node| {
        let Some([_, streamed]) = sides(&node) else { return Ok(Transformed::no(node)) };
        // The order is that of `find`: a join before those of its streamed side.
        let table = tables.pop_front().ok_or_else(|| internal_datafusion_err!("a join has no table"))?;
        let join = InlineJoinExec::try_new(&node, table, streamed.clone())?;
        Ok(Transformed::yes(Arc::new(join) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(Some(inlined.data))
}

/// Finds the joins of small tables, each with its table.
fn find(plan: &Arc<dyn ExecutionPlan>, joins: &mut Vec<[Arc<dyn ExecutionPlan>; 2]>) -> Result<()> {
    plan.apply(|node| {
        let Some([table, streamed]) = sides(node) else { return Ok(TreeNodeRecursion::Continue) };
        joins.push([node.clone(), table.clone()]);
        find(streamed, joins)?;
        Ok(TreeNodeRecursion::Jump)
    })?;
    Ok(())
}

/// Budget that the tables of a plan still have.
struct TableBudget {
    rows: usize,
    bytes: usize,
    /// Rows that the next joins may make of one: all of them are over the same streamed rows.
    partners: usize,
    /// How often the rows of a table are in memory: as they are, encoded, and in the message to each node.
    copies: usize,
}

impl TableBudget {
    /// Reads all rows of the small side of a join; `None` when they are too many, or too many for one streamed row.
    async fn collect(
        &mut self,
        join: &Arc<dyn ExecutionPlan>,
        side: &Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
    ) -> Result<Option<InlineTable>> {
        // An operator that was executed cannot be executed again, and the query may have to run on this node.
        let mut rows = execute_stream(reset_plan_states(side.clone())?, context.clone())?;
        let memory = MemoryConsumer::new("InlineTable").register(context.memory_pool());
        let mut batches = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            let bytes = byte_size::of_batch(&batch);
            let left = (self.rows.checked_sub(batch.num_rows()), self.bytes.checked_sub(bytes));
            let (Some(rows_left), Some(bytes_left)) = left else { return Ok(None) };
            (self.rows, self.bytes) = (rows_left, bytes_left);
            memory.try_grow(self.copies * bytes)?;
            batches.push(batch);
        }
        let batch = concat_batches(&side.schema(), &batches)?;
        self.partners /= join_partners::most(join, &batch)?.max(1);
        Ok((self.partners > 0).then(|| InlineTable::new(batch).with_memory(memory)))
    }
}

#[cfg(test)]
#[path = "small_joins_tests.rs"]
mod tests;
