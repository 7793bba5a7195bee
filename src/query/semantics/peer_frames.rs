//! Analyzer rule for expressions that have to be changed before DataFusion gives them types.
//!
//! Windows over times of day and intervals: the frame that a window has by default reaches to the last row that is equal to the
//! current one. DataFusion computes it only over types to which it can add an offset, though there is none; a frame of
//! groups of equal rows is the same and needs no offset.
//!
//! `lag(x, 1, 0.5)` of integers is a number with a fraction: DataFusion (55) takes the type of `x` for that of the result, and cuts the default.
//!
//! Scalar subqueries without a row (`scalar_subqueries.rs`).

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, WindowFrame, WindowFrameBound, WindowFrameUnits, cast,
};
use datafusion::optimizer::AnalyzerRule;

use super::scalar_subqueries;

/// Analyzer rule: counts groups of equal rows where the order is by a type without offsets, gives `lag` and `lead` the type that their
/// default needs, and lets scalar subqueries be NULL. It runs before the types of frames are checked.
#[derive(Debug)]
pub struct PeerFrames;

impl AnalyzerRule for PeerFrames {
    fn name(&self) -> &str {
        "peer_frames"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let changed = plan.transform_up_with_subqueries(|node| {
            let is_window = matches!(node, LogicalPlan::Window(_));
            if !is_window && !scalar_subqueries::are_in(&node) {
                return Ok(Transformed::no(node));
            }
            let (schema, names) = (merge_schema(&node.inputs()), NamePreserver::new(&node));
            node.map_expressions(|root| {
                let name = names.save(&root);
                let root = root.transform_up(|expr| {
                    scalar_subqueries::in_expr(expr)?.transform_data(|expr| in_window(expr, &schema))
                })?;
                Ok(root.update_data(|root| name.restore(root)))
            })
        })?;
        Ok(changed.data)
    }
}

fn in_window(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut window = match expr {
        Expr::WindowFunction(window) => window,
        other => return Ok(Transformed::no(other)),
    };
    let is_changed = widen_to_default(&mut window, schema) | count_groups(&mut window, schema)?;
    let window = Expr::WindowFunction(window);
    Ok(if is_changed { Transformed::yes(window) } else { Transformed::no(window) })
}

/// Gives the integers that `lag` or `lead` looks at the type of its default, if that is a number with a fraction.
fn widen_to_default(window: &mut WindowFunction, schema: &DFSchema) -> bool {
    if !matches!(window.fun.name(), "lag" | "lead") {
        return false;
    }
    let [value, _, default] = window.params.args.as_mut_slice() else { return false };
    let (Ok(of_value), Ok(of_default)) = (value.get_type(schema), default.get_type(schema)) else {
        return false;
    };
    let is_cut = of_value.is_integer() && (of_default.is_floating() || of_default.is_decimal());
    if is_cut {
        *value = cast(std::mem::take(value), of_default);
    }
    is_cut
}

/// Makes a frame of equal rows one of groups, where the order is by a type without offsets.
fn count_groups(window: &mut WindowFunction, schema: &DFSchema) -> Result<bool> {
    let frame = &window.params.window_frame;
    let key = match window.params.order_by.first() {
        Some(key) if frame.units == WindowFrameUnits::Range => key.expr.get_type(schema)?,
        _ => return Ok(false),
    };
    if !matches!(
        key,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Interval(_) | DataType::Duration(_)
    ) {
        return Ok(false);
    }
    if !has_no_offset(&frame.start_bound) || !has_no_offset(&frame.end_bound) {
        return plan_err!(
            "a window over times of day or intervals has a RANGE frame with an offset, which is not supported: order it by a timestamp, \
             or by extract(epoch FROM …)"
        );
    }
    let (start, end) = (by_group(&frame.start_bound), by_group(&frame.end_bound));
    window.params.window_frame = WindowFrame::new_bounds(WindowFrameUnits::Groups, start, end);
    Ok(true)
}

fn has_no_offset(bound: &WindowFrameBound) -> bool {
    match bound {
        WindowFrameBound::CurrentRow => true,
        WindowFrameBound::Preceding(offset) | WindowFrameBound::Following(offset) => offset.is_null(),
    }
}

/// A bound without an offset. Groups are counted in `UInt64`.
fn by_group(bound: &WindowFrameBound) -> WindowFrameBound {
    use datafusion::scalar::ScalarValue::UInt64;
    match bound {
        WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
        WindowFrameBound::Preceding(_) => WindowFrameBound::Preceding(UInt64(None)),
        WindowFrameBound::Following(_) => WindowFrameBound::Following(UInt64(None)),
    }
}
