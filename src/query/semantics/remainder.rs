//! `x % 1` of a `numeric`, which is its fraction. DataFusion (55) takes it for 0 where `x` is never NULL, as it is for whole numbers. A
//! constant or parameter may turn out to be 1 later.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF};

use super::scalar_subqueries::PerhapsNull;

/// Makes the number one that may be NULL.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Modulo, right })
            if !right.any_column_refs()
                && matches!(left.get_type(schema)?, DataType::Decimal128(..))
                && !left.nullable(schema)? =>
        {
            let left = Box::new(ScalarUDF::from(PerhapsNull::default()).call(vec![*left]));
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Modulo, right })))
        }
        other => Ok(Transformed::no(other)),
    }
}
