//! CASE of truth values, one of which may fail: `CASE WHEN x = 0 THEN false ELSE 10 / x > 1 END`. DataFusion (55) makes `x <> 0 AND 10 / x > 1`
//! of it, whose sides it evaluates for all rows (`simplify_expressions`); PostgreSQL (15, 4.2.14) evaluates only the result that is taken.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, cast};

/// The type of the results in place of a truth value, by which it stays a CASE.
const NUMBER: DataType = DataType::Int8;

/// Keeps such a CASE by giving it numbers as results.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::Case(case) = expr else { return Ok(Transformed::no(expr)) };
    let fails = case.when_then_expr.iter().skip(1).any(|(when, _)| may_fail(when))
        || case.when_then_expr.iter().any(|(_, then)| may_fail(then))
        || case.else_expr.as_deref().is_some_and(may_fail);
    let is_truth = |result: &Expr| {
        Ok::<_, datafusion::error::DataFusionError>(result.get_type(schema)? == DataType::Boolean)
    };
    let Some((_, first)) = case.when_then_expr.first() else { return Ok(Transformed::no(Expr::Case(case))) };
    if !fails || !is_truth(first)? {
        return Ok(Transformed::no(Expr::Case(case)));
    }
    let number = |result: Box<Expr>| Box::new(cast(*result, NUMBER));
    let Case { expr, when_then_expr, else_expr } = case;
    let when_then_expr = when_then_expr.into_iter().map(|(when, then)| (when, number(then))).collect();
    let kept = Expr::Case(Case { expr, when_then_expr, else_expr: else_expr.map(number) });
    Ok(Transformed::yes(cast(kept, DataType::Boolean)))
}

/// Whether an expression may fail for some row, as a division, a cast and most functions do.
fn may_fail(expr: &Expr) -> bool {
    let fails = |expr: &Expr| {
        Ok(match expr {
            Expr::BinaryExpr(BinaryExpr { op, .. }) => is_arithmetic(*op),
            Expr::Cast(_) | Expr::ScalarFunction(_) => true,
            _ => false,
        })
    };
    expr.exists(fails).unwrap_or(true)
}

fn is_arithmetic(op: Operator) -> bool {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo)
}
