//! Aggregates without GROUP BY and grouping sets with an empty one, which have a row of all whatever is below them. DataFusion (55) pushes
//! a condition without columns below such an aggregate (`push_down_filter` takes it for one of the group's keys), so that
//! `HAVING (SELECT …) = 2` left its row where it is false. A column that stands for a constant is none once it is pushed. It
//! pushes none below a limit.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};

/// More rows than an aggregate has.
const ALL_ROWS: usize = i64::MAX as usize;

/// Puts a limit above the aggregates with a row of all that are below a condition.
pub(super) fn keep(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(keep_below(plan, false)?.data)
}

fn keep_below(plan: LogicalPlan, is_below: bool) -> Result<Transformed<LogicalPlan>> {
    // A limit in a LATERAL subquery keeps it from being made a join.
    if matches!(plan, LogicalPlan::Subquery(_)) {
        return Ok(Transformed::no(plan));
    }
    let is_below = is_below || has_condition(&plan);
    let kept = plan.map_children(|input| keep_below(input, is_below))?;
    let limit = match &kept.data {
        LogicalPlan::Aggregate(aggregate) if is_below => limit_of(aggregate),
        _ => None,
    };
    let Some(limit) = limit else { return Ok(kept) };
    kept.transform_data(|plan| {
        Ok(Transformed::yes(LogicalPlanBuilder::from(plan).limit(0, Some(limit))?.build()?))
    })
}

/// The most rows of an aggregate with a row of all; `None` for others.
fn limit_of(aggregate: &Aggregate) -> Option<usize> {
    match aggregate.group_expr.as_slice() {
        [] => Some(1),
        [Expr::GroupingSet(GroupingSet::GroupingSets(sets))] => {
            sets.iter().any(Vec::is_empty).then_some(ALL_ROWS)
        }
        [Expr::GroupingSet(_)] => Some(ALL_ROWS),
        _ => None,
    }
}

/// Whether a node has a condition, which may be pushed below an aggregate, or may become one: what an outer join adds may turn out to be
/// constant.
fn has_condition(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Filter(_) | LogicalPlan::Join(_))
}
