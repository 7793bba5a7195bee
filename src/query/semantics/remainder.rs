//! `x % 1` of a `numeric`, which is its fraction. DataFusion (55) takes it for 0 where `x` is never NULL, as it is for whole numbers.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF};
use datafusion::scalar::ScalarValue;

use super::scalar_subqueries::PerhapsNull;

/// Makes the number one that may be NULL.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Modulo, right })
            if is_one(&right)
                && matches!(left.get_type(schema)?, DataType::Decimal128(..))
                && !left.nullable(schema)? =>
        {
            let left = Box::new(ScalarUDF::from(PerhapsNull::default()).call(vec![*left]));
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Modulo, right })))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn is_one(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(cast) => is_one(&cast.expr),
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => *number == 1,
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => {
            text.parse().ok().map(f64::to_bits) == Some(1.0_f64.to_bits())
        }
        Expr::Literal(ScalarValue::Decimal128(Some(number), _, scale), _) => {
            u32::try_from(*scale).ok().and_then(|scale| 10_i128.checked_pow(scale)) == Some(*number)
        }
        _ => false,
    }
}
