//! Binds the parameters of a plan, where DataFusion's own binding answers otherwise than PostgreSQL.

use datafusion::common::ParamValues;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::cast_parameters::bind_casts;
use super::checked_arithmetic::divide_bound;
use crate::query::params::Params;

/// Puts values in the place of the parameters of a plan. `params` is what the values were made of.
///
/// # Errors
/// Fails for a parameter without a value, and a value of a type that has no place there.
pub fn bind_parameters(plan: LogicalPlan, values: ParamValues, params: &Params) -> Result<LogicalPlan> {
    let mut plan = name_grouped(plan)?;
    if params.has_fractions() {
        plan = bind_casts(plan, &|id| params.fraction(id))?;
    }
    plan.with_param_values(values).and_then(divide_bound)
}

/// Names the keys of grouping sets that have a parameter, which are columns of what is above. DataFusion (55) keeps the name of an
/// expression in which it binds a value, but takes all sets together for the expression: `GROUP BY ROLLUP (value + $1)` had no
/// column `value + $1` any more.
fn name_grouped(plan: LogicalPlan) -> Result<LogicalPlan> {
    let changed = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Aggregate(_) => node.map_expressions(|root| match root {
            Expr::GroupingSet(_) => root.map_children(name_key),
            root => Ok(Transformed::no(root)),
        }),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(changed.data)
}

fn name_key(key: Expr) -> Result<Transformed<Expr>> {
    if !key.exists(|expr| Ok(matches!(expr, Expr::Placeholder(_))))? {
        return Ok(Transformed::no(key));
    }
    let name = key.schema_name().to_string();
    Ok(Transformed::yes(key.alias(name)))
}
