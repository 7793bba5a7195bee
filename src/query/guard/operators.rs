//! The physical plan of a statement, with interruption and accounting where DataFusion has none.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

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

use super::bounded::Bounded;
use super::buffered::{BufferedInputExec, Retention};
use super::interrupt::{Interrupt, InterruptExec, InterruptExpr, Interruption};

/// Operators that can compute for long between two batches of their input, or make many rows of few.
const LONG_RUNNING: [&str; 11] = [
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

/// Literals of one operator that are repeated in every row of a batch may make so many bytes of it.
const MAX_LITERAL_BYTES_OF_BATCH: usize = 16 << 20;
/// Rows of a batch that is made of the longest literals.
const MIN_BATCH_ROWS: usize = 16;
/// Bounded functions of a statement whose batches are as long as those of others.
const FUNCTIONS_OF_FULL_BATCHES: usize = 32;

/// A plan that can be ended and is accounted for.
#[derive(Debug)]
pub struct Guarded {
    pub plan: Arc<dyn ExecutionPlan>,
    /// Whether it can keep a thread for long: it runs apart from those that cannot.
    pub is_long_running: bool,
    /// Rows of a batch, if fewer than otherwise.
    pub batch_rows: Option<usize>,
}

/// Guards a plan; one of scans, filters and aggregates alone stays as it is.
pub fn guard(plan: Arc<dyn ExecutionPlan>, interrupt: &Arc<Interrupt>, full_batch: usize) -> Result<Guarded> {
    let found = Findings::of(&plan)?;
    if !found.has_long_running && found.functions == 0 && found.literal_bytes == 0 {
        return Ok(Guarded { plan, is_long_running: false, batch_rows: None });
    }
    let batch_rows = found.batch_rows(full_batch);
    let is_long_running = found.has_long_running || found.functions > 0;
    let plan = plan.transform_up(|node| guard_operator(node, interrupt))?.data;
    Ok(Guarded { plan, is_long_running, batch_rows: (batch_rows < full_batch).then_some(batch_rows) })
}

/// What of a plan needs a guard.
#[derive(Default)]
struct Findings {
    has_long_running: bool,
    /// Calls of bounded functions.
    functions: usize,
    /// Of the operator that has most of them.
    literal_bytes: usize,
}

impl Findings {
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Result<Findings> {
        let mut found = Findings::default();
        plan.apply(|node| {
            found.has_long_running |= LONG_RUNNING.contains(&node.name());
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
            // Its literals are looked up, not repeated.
            return TreeNodeRecursion::Jump;
        } else if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
            self.functions += usize::from(call.fun().inner().downcast_ref::<Bounded>().is_some());
        }
        TreeNodeRecursion::Continue
    }

    fn batch_rows(&self, full: usize) -> usize {
        let by_literals = MAX_LITERAL_BYTES_OF_BATCH / self.literal_bytes.max(1);
        let by_functions = full * FUNCTIONS_OF_FULL_BATCHES / self.functions.max(FUNCTIONS_OF_FULL_BATCHES);
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
    if !LONG_RUNNING.contains(&node.name()) {
        return Ok(Transformed::no(node));
    }
    let emitted = Arc::<AtomicUsize>::default();
    let node = interruptible_condition(node, interrupt)?;
    let node = accounted_window(node, &emitted)?;
    Ok(Transformed::yes(Arc::new(InterruptExec::new(
        node,
        Interruption { interrupt: interrupt.clone(), rows: emitted },
    ))))
}

/// A join whose condition is evaluated while the statement is to go on.
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

/// A window operator over an input that is accounted for.
fn accounted_window(
    node: Arc<dyn ExecutionPlan>,
    emitted: &Arc<AtomicUsize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let retention = if node.is::<WindowAggExec>() {
        Retention::All
    } else if let Some(window) = node.downcast_ref::<BoundedWindowAggExec>() {
        streaming_retention(window.window_expr(), emitted)
    } else {
        return Ok(node);
    };
    let input = node.children()[0].clone();
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    node.replace_children(vec![Arc::new(BufferedInputExec::new(input, retention))], recompute)
}

/// How much of its input a streaming window operator holds, of the widest of its frames.
fn streaming_retention(windows: &[Arc<dyn WindowExpr>], emitted: &Arc<AtomicUsize>) -> Retention {
    let mut widest = 0;
    for window in windows {
        let frame = window.get_window_frame();
        let Some(rows) = rows_before(&frame.start_bound, frame.units) else { return Retention::All };
        widest = widest.max(rows);
    }
    Retention::Frame { rows: widest, emitted: emitted.clone() }
}

/// Rows before the current one that a frame needs again; `None` where values decide how many. A frame without a begin
/// needs none: what it has seen is in its state.
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
