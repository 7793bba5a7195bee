//! Parameters with a fraction that are cast to a text, an integer or a `numeric`: their type decides how. Once they are bound they look like numbers of
//! the statement's text, which are `numeric` in PostgreSQL: `$1::int` of a `float8` 2.5 is 2, `2.5::int` is 3.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, lit};
use datafusion::scalar::ScalarValue;

use super::canonical_float;

/// Puts numbers in the place of parameters that are cast, alone or in arithmetic. `number_of` returns those with a fraction by the name of their
/// parameter: floats, and decimals, which lose no digit where they are cast alone.
pub(super) fn bind_casts(
    plan: LogicalPlan,
    number_of: &dyn Fn(&str) -> Option<ScalarValue>,
) -> Result<LogicalPlan> {
    let changed = plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        node.map_expressions(|root| {
            let name = names.save(&root);
            let root = root.transform_up(|expr| in_cast(expr, number_of))?;
            Ok(root.update_data(|root| name.restore(root)))
        })
    })?;
    Ok(changed.data)
}

fn in_cast(expr: Expr, number_of: &dyn Fn(&str) -> Option<ScalarValue>) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Cast(Cast { expr, field }) if depends_on_type(field.data_type()) => {
            let operand = with_numbers(*expr, number_of)?;
            let cast = Expr::Cast(Cast { expr: Box::new(operand.data), field });
            Ok(Transformed::new_transformed(cast, operand.transformed))
        }
        expr => Ok(Transformed::no(expr)),
    }
}

fn depends_on_type(target: &DataType) -> bool {
    target.is_integer() || matches!(target, DataType::Utf8 | DataType::Decimal128(..))
}

fn with_numbers(operand: Expr, number_of: &dyn Fn(&str) -> Option<ScalarValue>) -> Result<Transformed<Expr>> {
    let is_alone = is_parameter(&operand);
    operand.transform_down(|expr| {
        Ok(match expr {
            Expr::Placeholder(parameter) => match number_of(&parameter.id) {
                Some(float @ (ScalarValue::Float32(_) | ScalarValue::Float64(_))) => {
                    Transformed::yes(canonical_float::without_sign(lit(float)))
                }
                Some(decimal) if is_alone => Transformed::yes(lit(decimal)),
                _ => Transformed::no(Expr::Placeholder(parameter)),
            },
            Expr::Negative(_) => Transformed::no(expr),
            Expr::BinaryExpr(BinaryExpr { op, .. }) if is_arithmetic(op) => Transformed::no(expr),
            other => Transformed::new(other, false, TreeNodeRecursion::Jump),
        })
    })
}

/// Whether an operand is a parameter, with or without a sign.
fn is_parameter(mut operand: &Expr) -> bool {
    while let Expr::Negative(of) = operand {
        operand = of;
    }
    matches!(operand, Expr::Placeholder(_))
}

/// Whether an operator computes a number of two.
pub(super) fn is_arithmetic(op: Operator) -> bool {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo)
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{LogicalPlanBuilder, cast, placeholder};

    use super::*;

    #[test]
    fn numbers_that_are_cast_keep_their_type() {
        let number_of = |id: &str| match id {
            "$1" => Some(ScalarValue::from(2.5)),
            "$2" => Some(ScalarValue::Decimal128(Some(150), 10, 2)),
            _ => None,
        };
        for (expr, expected) in [
            (cast(placeholder("$1"), DataType::Int32), "CAST(unsigned_nan(Float64(2.5)) AS Int32)"),
            (cast(-placeholder("$2"), DataType::Utf8), "CAST((- Decimal128(1.50,10,2)) AS Utf8)"),
            (
                cast(placeholder("$1") + placeholder("$2"), DataType::Int32),
                "CAST(unsigned_nan(Float64(2.5)) + $2 AS Int32)",
            ),
            (cast(placeholder("$1"), DataType::Float64), "CAST($1 AS Float64)"),
            (placeholder("$1"), "$1"),
            (cast(placeholder("$3"), DataType::Utf8), "CAST($3 AS Utf8)"),
        ] {
            assert_eq!(in_cast(expr, &number_of).unwrap().data.to_string(), expected);
        }
        let plan = LogicalPlanBuilder::empty(true).project([cast(placeholder("$1"), DataType::Utf8)]);
        let plan = plan.unwrap().build().unwrap();
        let names = plan.schema().field_names();
        assert_eq!(bind_casts(plan, &number_of).unwrap().schema().field_names(), names);
    }
}
