//! Window operators: which of them can be divided, and how another node makes one of the functions that it was sent.
//!
//! A window operator is the same over several tasks when the rows of a PARTITION BY are in one partition of one task:
//! DataFusion exchanges rows by a hash of its columns, or merges all of them into one partition. What else has to hold is
//! that a task makes the same operator: DataFusion leaves parts of some functions out of what it sends, and a task does not
//! know the order of rows before they were exchanged.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::window::{
    PlainAggregateWindowExpr, SlidingAggregateWindowExpr, StandardWindowExpr, WindowExpr,
};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, InputOrderMode};
use datafusion::physical_planner::is_window_frame_bound_valid;

use super::scan_codec::external;
use crate::domain::Error;

/// Most rows or groups between a row and an end of its frame. DataFusion adds them to the number of a row unchecked.
const MAX_FRAME_OFFSET: u64 = u32::MAX as u64;

/// Returns the functions of a window operator; `None` for every other operator.
pub fn functions(node: &Arc<dyn ExecutionPlan>) -> Option<&[Arc<dyn WindowExpr>]> {
    match node.downcast_ref::<WindowAggExec>() {
        Some(window) => Some(window.window_expr()),
        None => Some(node.downcast_ref::<BoundedWindowAggExec>()?.window_expr()),
    }
}

/// Whether an operator is a window operator that is the same over several tasks. `template` has the functions that the
/// session of a task has.
///
/// # Errors
/// The errors of DataFusion, for an operator that cannot be put over other rows.
pub fn is_divisible(node: &Arc<dyn ExecutionPlan>, template: &SessionState) -> Result<bool> {
    let Some(functions) = functions(node) else { return Ok(false) };
    let are_whole = functions.iter().all(|function| arrives_whole(function, template));
    Ok(are_whole
        && check(functions).is_ok()
        && has_rows_together(node, functions)
        && knows_its_order(node, functions)?)
}

/// Makes a window operator over rows that are in its order.
///
/// # Errors
/// `Invalid` for functions that no node sends, and those of DataFusion.
pub fn operator_of(
    functions: Vec<Arc<dyn WindowExpr>>,
    rows: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    check(&functions).map_err(external)?;
    // DataFusion chooses in the same way.
    if functions.iter().all(|function| function.uses_bounded_memory()) {
        return Ok(Arc::new(BoundedWindowAggExec::try_new(functions, rows, InputOrderMode::Sorted, true)?));
    }
    Ok(Arc::new(WindowAggExec::try_new(functions, rows, true)?))
}

/// Checks what DataFusion takes for granted of the functions of an operator.
fn check(functions: &[Arc<dyn WindowExpr>]) -> crate::domain::Result<()> {
    let Some(first) = functions.first() else { return Err(Error::invalid("a window has no function")) };
    let is_alike = |function: &Arc<dyn WindowExpr>| {
        function.partition_by() == first.partition_by() && function.order_by() == first.order_by()
    };
    if !functions.iter().all(is_alike) {
        return Err(Error::invalid("functions of one window have different orders"));
    }
    if !functions.iter().all(|function| is_sound(function.get_window_frame())) {
        return Err(Error::invalid("a window has a frame that no statement has"));
    }
    Ok(())
}

fn is_sound(frame: &WindowFrame) -> bool {
    let offset = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(offset)))
        | WindowFrameBound::Following(ScalarValue::UInt64(Some(offset))) => *offset,
        _ => 0,
    };
    let is_near = offset(&frame.start_bound).max(offset(&frame.end_bound)) <= MAX_FRAME_OFFSET;
    is_near && is_window_frame_bound_valid(frame)
}

/// Whether a task finds a function by its name, and is sent all of it. DataFusion does not send IGNORE NULLS of window
/// functions, FILTER of aggregates, nor that a function runs backwards over rows in the opposite order. Most of these fields
/// are private: they are read from the text for debugging, which ends with them.
fn arrives_whole(function: &Arc<dyn WindowExpr>, template: &SessionState) -> bool {
    let any = function.as_any();
    if let Some(standard) = any.downcast_ref::<StandardWindowExpr>() {
        let call = standard.get_standard_func_expr().as_any().downcast_ref::<WindowUDFExpr>();
        return call.is_some_and(|call| {
            template.window_functions().contains_key(call.fun().name())
                && format!("{call:?}").ends_with("is_reversed: false, ignore_nulls: false }")
        });
    }
    let plain =
        any.downcast_ref::<PlainAggregateWindowExpr>().map(PlainAggregateWindowExpr::get_aggregate_expr);
    let sliding =
        any.downcast_ref::<SlidingAggregateWindowExpr>().map(SlidingAggregateWindowExpr::get_aggregate_expr);
    plain.or(sliding).is_some_and(|aggregate| {
        template.aggregate_functions().contains_key(aggregate.fun().name())
            && !aggregate.is_reversed()
            && aggregate.order_bys().is_empty()
            && format!("{function:?}").ends_with("filter: None }")
    })
}

/// Whether all rows of a PARTITION BY are in one partition of the input.
fn has_rows_together(window: &Arc<dyn ExecutionPlan>, functions: &[Arc<dyn WindowExpr>]) -> bool {
    window.children().iter().all(|input| match input.output_partitioning() {
        Partitioning::Hash(keys, _) => {
            functions.iter().all(|function| keys.iter().all(|key| function.partition_by().contains(key)))
        }
        partitioning => partitioning.partition_count() == 1,
    })
}

/// Whether the order of a window follows from the operators between it and the last exchange of rows. Another node knows
/// nothing of what is before: neither an order, nor that a column has one value only, which DataFusion leaves out of sorts.
fn knows_its_order(window: &Arc<dyn ExecutionPlan>, functions: &[Arc<dyn WindowExpr>]) -> Result<bool> {
    let forgotten = window.clone().transform_down(|node| {
        if !node.is::<RepartitionExec>() {
            return Ok(Transformed::no(node));
        }
        let partitions = node.output_partitioning().partition_count();
        let rows: Arc<dyn ExecutionPlan> =
            Arc::new(EmptyExec::new(node.schema()).with_partitions(partitions));
        Ok(Transformed::new(rows, true, TreeNodeRecursion::Jump))
    })?;
    let window = forgotten.data;
    if let Some(streaming) = window.downcast_ref::<BoundedWindowAggExec>() {
        let is_sorted = streaming.input_order_mode == InputOrderMode::Sorted;
        return Ok(is_sorted && streaming.partition_by_sort_keys().is_ok());
    }
    // This one finds the sorted ones of its columns and needs all of them.
    let columns = functions.first().map_or(0, |function| function.partition_by().len());
    let keys = window.downcast_ref::<WindowAggExec>().map(WindowAggExec::partition_by_sort_keys);
    Ok(keys.is_some_and(|keys| keys.is_ok_and(|keys| keys.len() == columns)))
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
