//! Guards a physical plan: adds interruption and memory accounting where DataFusion has none.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::expressions::{InListExpr, Literal};
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::joins::NestedLoopJoinExecBuilder;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use datafusion::scalar::ScalarValue;

use super::bounded_function::BoundedFunction;
use super::interrupt::{Interrupt, InterruptExec, InterruptExpr, InterruptWrapper, PassedRows};
use super::window_memory::{BufferedInputExec, WindowBuffering, WindowInput};

/// Operators that can compute for long between two input batches, or make many rows of few.
const LONG_RUNNING_OPERATORS: [&str; 11] = [
    "BoundedWindowAggExec",
    "CrossJoinExec",
    "HashJoinExec",
    "LazyMemoryExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "RecursiveQueryExec",
    "SortMergeJoinExec",
    "SymmetricHashJoinExec",
    "UnnestExec",
    "WindowAggExec",
];

/// Maximum bytes that literals of one operator, repeated in every row, may take in a batch.
const MAX_LITERAL_BYTES_OF_BATCH: usize = 4 << 20;
/// Minimum rows of a batch, used with the longest literals.
const MIN_BATCH_ROWS: usize = 16;
/// Up to this many bounded functions, a statement uses full batches.
const MAX_FUNCTIONS_AT_FULL_BATCH: usize = 32;

/// A plan that can be interrupted and is accounted for.
#[derive(Debug)]
pub struct GuardedPlan {
    pub plan: Arc<dyn ExecutionPlan>,
    /// Whether the plan can occupy a thread for long; it then runs on separate threads.
    pub is_long_running: bool,
    /// Reduced rows per batch, if needed.
    pub batch_rows: Option<usize>,
    /// Whether the plan calls bounded functions.
    has_bounded: bool,
}

impl GuardedPlan {
    /// Whether the guards can be made anew for the plan on another node: interruption and accounting can, bounds on
    /// functions and smaller batches cannot.
    pub fn has_portable_guards(&self) -> bool {
        !self.has_bounded && self.batch_rows.is_none()
    }
}

/// Guards a plan. A plan of only scans, filters and aggregates is unchanged.
pub fn guard(
    plan: Arc<dyn ExecutionPlan>,
    interrupt: &Arc<Interrupt>,
    full_batch: usize,
) -> Result<GuardedPlan> {
    let found = GuardNeeds::of(&plan)?;
    if !found.has_long_running && found.functions == 0 && found.literal_bytes == 0 {
        return Ok(GuardedPlan { plan, is_long_running: false, batch_rows: None, has_bounded: false });
    }
    let batch_rows = found.batch_rows(full_batch);
    let has_bounded = found.functions > 0;
    let is_long_running = found.has_long_running || has_bounded;
    let plan = plan.transform_up(|node| guard_operator(node, interrupt))?.data;
    let batch_rows = (batch_rows < full_batch).then_some(batch_rows);
    Ok(GuardedPlan { plan, is_long_running, batch_rows, has_bounded })
}

/// The properties of a plan that call for guards.
#[derive(Default)]
struct GuardNeeds {
    has_long_running: bool,
    /// Calls of bounded functions.
    functions: usize,
    /// Literal bytes of the operator with the most.
    literal_bytes: usize,
}

impl GuardNeeds {
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Result<GuardNeeds> {
        let mut found = GuardNeeds::default();
        plan.apply(|node| {
            found.has_long_running |= LONG_RUNNING_OPERATORS.contains(&node.name());
            let mut literal_bytes = 0;
            node.apply_expressions(&mut |root| root.apply(|expr| Ok(found.note(expr, &mut literal_bytes))))?;
            found.literal_bytes = found.literal_bytes.max(literal_bytes);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(found)
    }

    fn note(&mut self, expr: &Arc<dyn PhysicalExpr>, literal_bytes: &mut usize) -> TreeNodeRecursion {
        if let Some(literal) = expr.downcast_ref::<Literal>() {
            let bytes = variable_bytes(literal.value());
            *literal_bytes += if bytes > 64 { bytes } else { 0 };
        } else if expr.is::<InListExpr>() {
            // Its literals are looked up, not repeated in each row.
            return TreeNodeRecursion::Jump;
        } else if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
            self.functions += usize::from(call.fun().inner().downcast_ref::<BoundedFunction>().is_some());
        }
        TreeNodeRecursion::Continue
    }

    fn batch_rows(&self, full: usize) -> usize {
        let by_literals = MAX_LITERAL_BYTES_OF_BATCH / self.literal_bytes.max(1);
        let by_functions =
            full * MAX_FUNCTIONS_AT_FULL_BATCH / self.functions.max(MAX_FUNCTIONS_AT_FULL_BATCH);
        by_literals.min(by_functions).clamp(MIN_BATCH_ROWS, full)
    }
}

fn variable_bytes(value: &ScalarValue) -> usize {
    if value.data_type().is_primitive() { 0 } else { value.size() }
}

fn guard_operator(
    node: Arc<dyn ExecutionPlan>,
    interrupt: &Arc<Interrupt>,
) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    if !LONG_RUNNING_OPERATORS.contains(&node.name()) {
        return Ok(Transformed::no(node));
    }
    Ok(Transformed::yes(with_guards(node, interrupt)?))
}

/// Guards an operator that can compute for long.
pub fn with_guards(
    node: Arc<dyn ExecutionPlan>,
    interrupt: &Arc<Interrupt>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let emitted = Arc::<PassedRows>::default();
    let node = interruptible_condition(node, interrupt)?;
    let node = accounted_window(node, &emitted)?;
    let wrapper = InterruptWrapper { interrupt: interrupt.clone(), rows: emitted };
    Ok(Arc::new(InterruptExec::new(node, wrapper)))
}

/// Returns a window operator and the input below its guards, when `node` is the upper one of them.
pub fn guarded_window(node: &Arc<dyn ExecutionPlan>) -> Option<[&Arc<dyn ExecutionPlan>; 2]> {
    if !node.is::<InterruptExec>() {
        return None;
    }
    let window = node.children().first().copied()?;
    let accounted = window.children().first().copied()?;
    if !accounted.is::<BufferedInputExec>() {
        return None;
    }
    Some([window, accounted.children().first().copied()?])
}

/// Wraps the condition of a join so that it checks the interrupt.
fn interruptible_condition(
    node: Arc<dyn ExecutionPlan>,
    interrupt: &Arc<Interrupt>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let guarded = |filter: &JoinFilter| {
        let expression = Arc::new(InterruptExpr::new(filter.expression().clone(), interrupt.clone()));
        JoinFilter::new(expression, filter.column_indices().to_vec(), filter.schema().clone())
    };
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>()
        && let Some(filter) = join.filter()
    {
        let filter = guarded(filter);
        return Ok(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>()
        && let Some(filter) = join.filter()
    {
        let filter = guarded(filter);
        return join.builder().with_filter(Some(filter)).build_exec();
    }
    Ok(node)
}

/// Adds memory accounting to the input of a window operator.
fn accounted_window(
    node: Arc<dyn ExecutionPlan>,
    emitted: &Arc<PassedRows>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let buffering = if node.is::<WindowAggExec>() {
        WindowBuffering::All
    } else if let Some(window) = node.downcast_ref::<BoundedWindowAggExec>() {
        streaming_buffering(window.window_expr())
    } else {
        return Ok(node);
    };
    let wrapper = WindowInput { buffering, emitted: emitted.clone() };
    let input = BufferedInputExec::new(node.children()[0].clone(), wrapper);
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    node.replace_children(vec![Arc::new(input)], recompute)
}

/// Returns how much of its input a streaming window operator buffers, by the widest of its frames.
fn streaming_buffering(windows: &[Arc<dyn WindowExpr>]) -> WindowBuffering {
    let mut widest = 0;
    for window in windows {
        let frame = window.get_window_frame();
        let Some(rows) = rows_before(&frame.start_bound, frame.units) else { return WindowBuffering::All };
        widest = widest.max(rows);
    }
    WindowBuffering::Frame { rows: widest }
}

/// Returns the preceding rows that a frame needs again; `None` if values determine the number. A frame with an
/// unbounded start needs none: its state covers the rows it has passed.
fn rows_before(start: &WindowFrameBound, units: WindowFrameUnits) -> Option<usize> {
    match start {
        WindowFrameBound::Preceding(offset) if offset.is_null() => Some(0),
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(rows))) if units == WindowFrameUnits::Rows => {
            Some(usize::try_from(*rows).unwrap_or(usize::MAX))
        }
        WindowFrameBound::Preceding(_) => None,
        WindowFrameBound::CurrentRow | WindowFrameBound::Following(_) => Some(0),
    }
}
