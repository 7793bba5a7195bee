//! Scalar subqueries without a row, which are NULL. DataFusion (55) takes such a subquery for a value that is never NULL where the column that
//! it shows never is, and then fails when there is no row: `(SELECT id FROM devices WHERE id = 999)`.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Projection, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Subquery, Volatility,
};

const NAME: &str = "perhaps_null";

/// `perhaps_null(x)`: its argument, which may be NULL as far as is known. It is volatile, since a constant in its place would again be known
/// not to be NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct PerhapsNull {
    signature: Signature,
}

impl Default for PerhapsNull {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for PerhapsNull {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [data_type] => Ok(data_type.clone()),
            _ => exec_err!("{NAME} takes one argument"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [field] => Ok(Arc::new(field.as_ref().clone().with_nullable(true))),
            _ => exec_err!("{NAME} takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [value] => Ok(value.clone()),
            _ => exec_err!("{NAME} takes one argument"),
        }
    }
}

/// Whether a node has a scalar subquery of which the value has to be made one that may be NULL.
pub(super) fn are_in(node: &LogicalPlan) -> bool {
    let mut found = false;
    // The functions do not fail.
    let _ = node.apply_expressions(|expr| {
        found = expr.exists(|part| Ok(is_wrongly_known(part))).unwrap_or(false);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

/// Whether an expression is a subquery that stands for itself, whose value is known not to be NULL, and which may have no row.
fn is_wrongly_known(expr: &Expr) -> bool {
    let Expr::ScalarSubquery(Subquery { subquery, outer_ref_columns, .. }) = expr else { return false };
    let [field] = &subquery.schema().fields()[..] else { return false };
    outer_ref_columns.is_empty() && !field.is_nullable() && !has_row(subquery)
}

/// Whether a plan has a row whatever there is.
fn has_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(node) => has_row(&node.input),
        LogicalPlan::SubqueryAlias(node) => has_row(&node.input),
        LogicalPlan::Aggregate(node) => node.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(node) => node.produce_one_row,
        LogicalPlan::Values(_) => true,
        _ => false,
    }
}

/// Makes the value of a subquery one that may be NULL.
pub(super) fn in_expr(expr: Expr) -> Result<Transformed<Expr>> {
    if !is_wrongly_known(&expr) {
        return Ok(Transformed::no(expr));
    }
    let Expr::ScalarSubquery(Subquery { subquery, outer_ref_columns, spans }) = expr else {
        return Ok(Transformed::no(expr));
    };
    let (qualifier, field) = subquery.schema().qualified_field(0);
    let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
    let value = ScalarUDF::from(PerhapsNull::default()).call(vec![column]).alias(field.name());
    let shown = LogicalPlan::Projection(Projection::try_new(vec![value], subquery)?);
    let subquery = Subquery { subquery: Arc::new(shown), outer_ref_columns, spans };
    Ok(Transformed::yes(Expr::ScalarSubquery(subquery)))
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{LogicalPlanBuilder, lit, scalar_subquery};
    use datafusion::prelude::col;

    use super::*;

    #[test]
    fn values_that_may_lack_a_row_may_be_null() {
        let one = || LogicalPlanBuilder::empty(true).project([lit(1_i64).alias("a")]).unwrap();
        let of = |plan: LogicalPlanBuilder| scalar_subquery(Arc::new(plan.build().unwrap()));
        assert!(!in_expr(of(one())).unwrap().transformed);
        let filtered = in_expr(of(one().filter(col("a").gt(lit(1_i64))).unwrap())).unwrap();
        let Expr::ScalarSubquery(Subquery { subquery, .. }) = &filtered.data else { panic!("{filtered:?}") };
        let field = subquery.schema().field(0);
        assert_eq!((field.name().as_str(), field.is_nullable()), ("a", true));
    }
}
