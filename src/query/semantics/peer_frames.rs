//! Windows over times of day and intervals. The frame that a window has by default reaches to the last row that is equal to the
//! current one. DataFusion computes it only over types to which it can add an offset, though there is none; a frame of
//! groups of equal rows is the same and needs no offset.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, WindowFrame, WindowFrameBound, WindowFrameUnits,
};
use datafusion::optimizer::AnalyzerRule;

/// Analyzer rule: counts groups of equal rows where the order is by a type without offsets. It runs before the types of
/// frames are checked.
#[derive(Debug)]
pub struct PeerFrames;

impl AnalyzerRule for PeerFrames {
    fn name(&self) -> &str {
        "peer_frames"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let changed = plan.transform_up_with_subqueries(|node| {
            if !matches!(node, LogicalPlan::Window(_)) {
                return Ok(Transformed::no(node));
            }
            let (schema, names) = (merge_schema(&node.inputs()), NamePreserver::new(&node));
            node.map_expressions(|root| {
                let name = names.save(&root);
                let root = root.transform_up(|expr| by_groups(expr, &schema))?;
                Ok(root.update_data(|root| name.restore(root)))
            })
        })?;
        Ok(changed.data)
    }
}

fn by_groups(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let mut window = match expr {
        Expr::WindowFunction(window) => window,
        other => return Ok(Transformed::no(other)),
    };
    let frame = &window.params.window_frame;
    let is_of_peers = frame.units == WindowFrameUnits::Range
        && has_no_offset(&frame.start_bound)
        && has_no_offset(&frame.end_bound);
    let has_no_offsets = match window.params.order_by.first() {
        Some(key) if is_of_peers => matches!(
            key.expr.get_type(schema)?,
            DataType::Time32(_) | DataType::Time64(_) | DataType::Interval(_) | DataType::Duration(_)
        ),
        _ => false,
    };
    if !has_no_offsets {
        return Ok(Transformed::no(Expr::WindowFunction(window)));
    }
    let (start, end) = (by_group(&frame.start_bound), by_group(&frame.end_bound));
    window.params.window_frame = WindowFrame::new_bounds(WindowFrameUnits::Groups, start, end);
    Ok(Transformed::yes(Expr::WindowFunction(window)))
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
