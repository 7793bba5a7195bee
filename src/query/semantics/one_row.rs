//! Aggregates without GROUP BY, which have one row whatever is below them. DataFusion (55) pushes a condition without columns below such an
//! aggregate (`push_down_filter` takes it for one of the group's keys), so that `HAVING (SELECT …) = 2` left its row where it is false.
//! It pushes none below a limit.

use datafusion::common::JoinType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

/// Puts a limit of one row above the aggregates without GROUP BY that are below a condition without columns.
pub(super) fn keep(plan: LogicalPlan) -> Result<LogicalPlan> {
    let is_lateral = |node: &LogicalPlan| Ok(matches!(node, LogicalPlan::Subquery(_)));
    if !plan.exists(|node| Ok(may_pass(node)))? || plan.exists(is_lateral)? {
        return Ok(plan);
    }
    Ok(keep_below(plan, false)?.data)
}

fn keep_below(plan: LogicalPlan, is_below: bool) -> Result<Transformed<LogicalPlan>> {
    let is_below = is_below || may_pass(&plan);
    let kept = plan.map_children(|input| keep_below(input, is_below))?;
    let has_one_row =
        matches!(&kept.data, LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty());
    if !is_below || !has_one_row {
        return Ok(kept);
    }
    kept.transform_data(|plan| {
        Ok(Transformed::yes(LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build()?))
    })
}

/// Whether a node has a condition that may be pushed below an aggregate, or may become one: what an outer join adds may turn out to be
/// constant.
fn may_pass(node: &LogicalPlan) -> bool {
    let has_no_columns =
        |condition: &Expr| !matches!(condition, Expr::Literal(..)) && !condition.any_column_refs();
    let has_one = |condition: &Expr| split_conjunction(condition).into_iter().any(has_no_columns);
    match node {
        LogicalPlan::Filter(filter) => has_one(&filter.predicate),
        LogicalPlan::Join(join) => {
            matches!(join.join_type, JoinType::Left | JoinType::Right | JoinType::Full)
                || join.filter.as_ref().is_some_and(has_one)
        }
        _ => false,
    }
}
