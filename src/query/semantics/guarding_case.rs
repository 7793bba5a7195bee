//! CASE of truth values, one of which may fail: `CASE WHEN x = 0 THEN false ELSE 10 / x > 1 END`. DataFusion (55) makes `x <> 0 AND 10 / x > 1`
//! of it, whose sides it evaluates for all rows (`simplify_expressions`); PostgreSQL (15, 4.2.14) evaluates only the result that is taken.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, cast};

use super::cast_parameters::is_arithmetic;

/// The type of the results in place of a truth value, by which it stays a CASE.
const NUMBER: DataType = DataType::Int8;

/// Keeps such a CASE by giving it numbers as results.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::Case(case) = expr else { return Ok(Transformed::no(expr)) };
    if !fails_in_part(&case) || !is_truth(&case, schema)? {
        return Ok(Transformed::no(Expr::Case(case)));
    }
    let number = |result: Box<Expr>| Box::new(cast(*result, NUMBER));
    let Case { expr, when_then_expr, else_expr } = case;
    let when_then_expr = when_then_expr.into_iter().map(|(when, then)| (when, number(then))).collect();
    let kept = Expr::Case(Case { expr, when_then_expr, else_expr: else_expr.map(number) });
    Ok(Transformed::yes(cast(kept, DataType::Boolean)))
}

fn is_truth(case: &Case, schema: &DFSchema) -> Result<bool> {
    let first = case.when_then_expr.first().map(|(_, then)| then.get_type(schema)).transpose()?;
    Ok(first == Some(DataType::Boolean))
}

/// Whether a part may fail that is not evaluated for each row.
fn fails_in_part(case: &Case) -> bool {
    let mut later = case.when_then_expr.iter().skip(1).map(|(when, _)| when);
    let mut results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
    later.any(|when| may_fail(when)) || results.any(|result| may_fail(result))
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
