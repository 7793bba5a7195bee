//! Forms that DataFusion (55) answers wrongly and that are refused instead, with another way to write them.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{InSubquery, NullTreatment, WindowFunction};
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::domain::Error;

/// Refuses what would be answered wrongly.
///
/// # Errors
/// `Invalid` that says what to write instead.
pub fn refuse_wrong(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|root| {
            root.apply(|expr| match wrong(expr) {
                Some(message) => Err(DataFusionError::External(Box::new(Error::field("query", message)))),
                None => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(())
}

fn wrong(expr: &Expr) -> Option<&'static str> {
    match expr {
        // DataFusion issues #25336, #25340, #25347 and #25473: NULL on either side is taken for a value that is not in it.
        Expr::InSubquery(InSubquery { expr, subquery, negated: true })
            if !matches!(**expr, Expr::Column(_)) || !subquery.outer_ref_columns.is_empty() =>
        {
            Some(
                "has NOT IN with a subquery in a form that is not supported: use NOT IN with a plain column and a subquery \
                 that does not refer to the outer query, or NOT EXISTS (SELECT 1 FROM … WHERE …)",
            )
        }
        // DataFusion issue #25471.
        Expr::WindowFunction(window) if skips_nulls_over_rows(window) => Some(
            "has lead or lag with an offset and IGNORE NULLS, which is not supported: leave rows without a value out with WHERE \
             before",
        ),
        _ => None,
    }
}

/// Whether `lead` or `lag` skips NULLs over more than the next row.
fn skips_nulls_over_rows(window: &WindowFunction) -> bool {
    let name = window.fun.name();
    window.params.null_treatment == Some(NullTreatment::IgnoreNulls)
        && matches!(name, "lead" | "lag")
        && window.params.args.len() > 1
}
