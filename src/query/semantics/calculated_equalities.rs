//! Filters `x = f(y)`, put as `(x = f(y)) IS TRUE`. DataFusion (55) takes both sides for equivalent above a filter, and puts one
//! for the other inside of expressions too (`EquivalenceGroup::normalize_expr`): of `x = f(x)` it makes `f(f(x))`, no longer finds the
//! order that it has asked for itself, and refuses a window with PARTITION BY x.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// Hides the equalities of columns with calculations from what plans physical sorts. It runs after the rules that
/// make conditions of joins of them.
#[derive(Debug)]
pub struct CalculatedEqualities;

impl OptimizerRule for CalculatedEqualities {
    fn name(&self) -> &str {
        "calculated_equalities"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(_) => {
                plan.map_expressions(|condition| condition.transform_down(|expr| Ok(hidden(expr))))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// The term of a conjunction, or the conjunction itself, of which the terms are next.
fn hidden(expr: Expr) -> Transformed<Expr> {
    if matches!(expr, Expr::BinaryExpr(BinaryExpr { op: Operator::And, .. })) {
        return Transformed::no(expr);
    }
    if !is_calculated_equality(&expr) {
        return Transformed::new(expr, false, TreeNodeRecursion::Jump);
    }
    Transformed::new(Expr::IsTrue(Box::new(expr)), true, TreeNodeRecursion::Jump)
}

fn is_calculated_equality(term: &Expr) -> bool {
    let is_calculated = |expr: &Expr| !matches!(expr, Expr::Column(_) | Expr::Literal(..));
    match term {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            (matches!(**left, Expr::Column(_)) && is_calculated(right))
                || (matches!(**right, Expr::Column(_)) && is_calculated(left))
        }
        _ => false,
    }
}
