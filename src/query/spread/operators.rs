//! Which plans can be divided among nodes, and which operators a task may have.
//!
//! An operator is on the list when its answer over several tasks is the answer over one: `datafusion-distributed` sees to
//! the exchange of rows, and DataFusion's plans for two or more partitions are right for any number of them. A leaf of one
//! partition is not divided: over it DataFusion plans aggregates and sorts without an exchange, and each task would answer
//! for its own rows. Of the operators that need a guard (`guard/operators.rs`) joins with small tables (`small_joins.rs`) and
//! windows (`windows.rs`) are divided.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::repartition::RepartitionExec;

use super::guarded_window::GuardedWindowExec;
use super::{inline_join, small_joins, windows};
use crate::domain::Error;
use crate::query::guard::interrupt::InterruptExec;
use crate::query::guard::window_memory::BufferedInputExec;
use crate::query::rollup::partials_scan::PartialsExec;
use crate::query::scan::divisible_scan::{DivisibleScan, DivisibleScanExec};

/// Operators of DataFusion that are the same over several tasks.
const OPERATORS: [&str; 12] = [
    "AggregateExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "FilterExec",
    "GlobalLimitExec",
    "LocalLimitExec",
    "ProjectionExec",
    "RepartitionExec",
    "SortExec",
    "SortExec(TopK)",
    "SortPreservingMergeExec",
];
/// Operators that `datafusion-distributed` puts between stages.
const BOUNDARIES: [&str; 2] = ["NetworkCoalesceExec", "NetworkShuffleExec"];

/// Whether a plan can be divided, and its scans have `min_rows` rows or more. `template` has the functions that the session
/// of a task has.
pub fn can_be_divided(plan: &Arc<dyn ExecutionPlan>, min_rows: u64, template: &SessionState) -> bool {
    divisible_rows(plan, template).is_some_and(|rows| rows >= min_rows)
}

/// Returns how many rows the leaves of a plan read; `None` for a plan that cannot be divided.
fn divisible_rows(plan: &Arc<dyn ExecutionPlan>, template: &SessionState) -> Option<u64> {
    let mut scanned: Option<u64> = None;
    let seen = plan.apply(|node| {
        let (rows, next) = if let Some(rows) = rows_of_leaf(node) {
            (Some(rows), TreeNodeRecursion::Continue)
        } else if let Some([_, streamed]) = small_joins::sides(node)
            && has_common_functions(node, template)?
        {
            (divisible_rows(streamed, template), TreeNodeRecursion::Jump)
        } else if is_divisible(node, template)? {
            return Ok(TreeNodeRecursion::Continue);
        } else {
            (None, TreeNodeRecursion::Stop)
        };
        let Some(rows) = rows else {
            scanned = None;
            return Ok(TreeNodeRecursion::Stop);
        };
        scanned = Some(scanned.unwrap_or_default().saturating_add(rows));
        Ok(next)
    });
    seen.ok().and(scanned)
}

/// Whether an operator with one input is the same over several tasks.
fn is_divisible(node: &Arc<dyn ExecutionPlan>, template: &SessionState) -> Result<bool> {
    if node.is::<InterruptExec>() || node.is::<BufferedInputExec>() {
        return Ok(true);
    }
    let is_listed = OPERATORS.contains(&node.name()) && !merges_in_order(node);
    Ok((is_listed || windows::is_divisible(node, template)?) && has_common_functions(node, template)?)
}

/// Whether an exchange of rows keeps their order. Between nodes it does not, whatever is planned above it.
fn merges_in_order(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.downcast_ref::<RepartitionExec>().is_some_and(RepartitionExec::preserve_order)
}

/// Returns the rows that a leaf reads if it can be divided; `None` for every other node.
fn rows_of_leaf(node: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    if let Some(leaf) = node.downcast_ref::<DivisibleScanExec>() {
        let DivisibleScan { scan, sources, .. } = leaf.source();
        return (scan.partitions > 1).then(|| sources.rows());
    }
    let sources = node.downcast_ref::<PartialsExec>()?.source().sources();
    // One stream would be the task of one node.
    (sources.partitions > 1 && sources.streams() > 1).then(|| sources.expected_rows())
}

/// Whether a task finds all functions of an operator by their names: it does not find those of PostgreSQL's clients.
fn has_common_functions(node: &Arc<dyn ExecutionPlan>, template: &SessionState) -> Result<bool> {
    let mut are_common = true;
    let mut look = |expr: &Arc<dyn PhysicalExpr>| {
        let call = expr.downcast_ref::<ScalarFunctionExpr>();
        are_common &= call.is_none_or(|call| template.scalar_functions().contains_key(call.fun().name()));
        Ok(TreeNodeRecursion::Continue)
    };
    node.apply_expressions(&mut |root| root.apply(&mut look))?;
    if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
        let known = template.aggregate_functions();
        are_common &= aggregate.aggr_expr().iter().all(|call| known.contains_key(call.fun().name()));
    }
    Ok(are_common)
}

/// Checks the plan of a task that another node sent.
///
/// # Errors
/// `Forbidden` for an operator that is not on the list: whoever knows the cluster's secret may read rows, but not files of
/// this machine.
pub fn check_task(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    plan.apply(|node| {
        let name = node.name();
        let is_leaf = node.is::<DivisibleScanExec>() || node.is::<PartialsExec>();
        let is_known = is_leaf
            || inline_join::is_of_task(node)
            || node.is::<GuardedWindowExec>()
            || OPERATORS.contains(&name)
            || BOUNDARIES.contains(&name);
        match is_known {
            true => Ok(TreeNodeRecursion::Continue),
            false => {
                let refused = Error::forbidden(format!("`{name}` is no operator of a task"));
                Err(DataFusionError::External(Box::new(refused)))
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
#[path = "operators_tests.rs"]
mod tests;
