//! Comparisons of a literal with something else, turned round so that the literal is on the right. DataFusion's `PushDownFilter` (55,
//! `simplify_predicates`) takes `x = 3 AND 3 = x` for a contradiction, keeps `x <= 4` of `x <= 4 AND 4 > x`, and takes 0 and −0 for two
//! values. `SimplifyExpressions` turns comparisons before it computes their constants: `abs(-3) = x` stays as it is.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::scalar::ScalarValue;

use super::canonical_float::is_comparison;

/// Turns comparisons in filters and conditions of joins.
#[derive(Debug)]
pub struct LiteralsRight;

impl OptimizerRule for LiteralsRight {
    fn name(&self) -> &str {
        "literals_right"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(_) | LogicalPlan::Join(_) => {
                plan.map_expressions(|condition| condition.transform_up(|expr| Ok(turned(expr))))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

fn turned(expr: Expr) -> Transformed<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return Transformed::no(expr) };
    if !is_comparison(op) {
        return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }));
    }
    let is_left = left.as_literal().is_some() && right.as_literal().is_none();
    let (left, op, mut right) = match op.swap().filter(|_| is_left) {
        Some(swapped) => (right, swapped, left),
        None => (left, op, right),
    };
    let is_changed = without_sign(&mut right) || is_left;
    Transformed::new_transformed(Expr::BinaryExpr(BinaryExpr { left, op, right }), is_changed)
}

/// Makes 0 of a literal −0.
fn without_sign(expr: &mut Expr) -> bool {
    let zero = match expr {
        Expr::Literal(ScalarValue::Float64(Some(number)), _)
            if *number == 0.0 && number.is_sign_negative() =>
        {
            ScalarValue::Float64(Some(0.0))
        }
        Expr::Literal(ScalarValue::Float32(Some(number)), _)
            if *number == 0.0 && number.is_sign_negative() =>
        {
            ScalarValue::Float32(Some(0.0))
        }
        _ => return false,
    };
    *expr = Expr::Literal(zero, None);
    true
}
