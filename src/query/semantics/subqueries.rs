//! Subqueries that DataFusion (55) answers wrongly, or plans in conditions alone. They are refused, with another way to write them.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Case, InSubquery};
use datafusion::logical_expr::{BinaryExpr, Expr, Join, LogicalPlan, Operator, Subquery};

use super::polarity::Polarity;

const NOT_IN: &str = "has NOT IN with a subquery in a form that is not supported: use NOT IN with a plain column and a subquery \
                      that does not refer to the outer query, or NOT EXISTS (SELECT 1 FROM … WHERE …)";
const IN_VALUE: &str = "has IN with a subquery as a value, or in a condition other than by AND, OR and NOT, which is not supported: use \
                        EXISTS (SELECT 1 FROM … WHERE …), NOT EXISTS, or a join";
const EXISTS_VALUE: &str =
    "has EXISTS in a form that is not supported: use (SELECT count(*) FROM … WHERE …) > 0, or a join";
const ONE_ROW: &str = "has EXISTS or IN with a subquery that is an aggregate without GROUP BY and refers to the outer query, which is not \
                       supported: it has one row whatever there is, so compare it: (SELECT count(*) FROM … WHERE …) > 0";
const LOST_CONSTANT: &str = "has a subquery that refers to the outer query and shows a constant beside an aggregate, which is not supported: \
                             show the constant outside of it, or as CASE WHEN count(*) >= 0 THEN … END";
const LATERAL_HAVING: &str = "has JOIN LATERAL with a subquery that is an aggregate without GROUP BY and has HAVING, which is not supported: show \
                              what HAVING compares, and compare it in ON or WHERE";

/// Finds an expression of a subquery that would be answered wrongly wherever it stands.
pub(super) fn wrong_anywhere(expr: &Expr) -> Option<&'static str> {
    match expr {
        // DataFusion issues #25336, #25340, #25347 and #25473: NULL on either side is taken for a value that is not in it.
        Expr::InSubquery(of) if of.negated && !is_plain(of) => Some(NOT_IN),
        // Decorrelated, the aggregate becomes one by groups, which has no row where nothing matches.
        Expr::InSubquery(of) if is_correlated_aggregate(&of.subquery) => Some(ONE_ROW),
        Expr::Exists(of) if is_correlated_aggregate(&of.subquery) => Some(ONE_ROW),
        Expr::ScalarSubquery(subquery) if loses_constant(subquery) => Some(LOST_CONSTANT),
        _ => None,
    }
}

/// Finds a subquery that would be answered wrongly, or not at all, at its place in this node.
pub(super) fn wrong_place(node: &LogicalPlan) -> Option<&'static str> {
    match node {
        LogicalPlan::Filter(filter) => in_condition(&filter.predicate, Polarity::WHOLE),
        LogicalPlan::Join(join) if has_lateral_having(join) => Some(LATERAL_HAVING),
        LogicalPlan::Join(join) => join.filter.as_ref().and_then(|on| in_condition(on, Polarity::WHOLE)),
        LogicalPlan::Subquery(subquery) if loses_constant(subquery) => Some(LOST_CONSTANT),
        other => as_value(other),
    }
}

/// Finds a subquery of IN or EXISTS in a node that is no condition: the physical planner knows none.
fn as_value(node: &LogicalPlan) -> Option<&'static str> {
    let mut found = None;
    // The function does not fail.
    let _ = node.apply_expressions(|expr| {
        let exists: fn(&Expr) -> bool = |part| matches!(part, Expr::Exists(_));
        found = [(is_in as fn(&Expr) -> bool, IN_VALUE), (exists, EXISTS_VALUE)]
            .into_iter()
            .find_map(|(is_such, message)| contains(expr, is_such).then_some(message));
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found
}

/// Finds an IN whose NULL would count as false where that makes a difference: DataFusion joins a mark that is true or false
/// (its LeftMark join) where IN is not a term of the condition.
fn in_condition(expr: &Expr, polarity: Polarity) -> Option<&'static str> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let polarity = polarity.of_operand(*op == Operator::And);
            in_condition(left, polarity).or_else(|| in_condition(right, polarity))
        }
        Expr::Not(inner) => in_condition(inner, polarity.negated()),
        Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => in_condition(inner, Polarity::PART),
        Expr::Case(Case { expr: None, when_then_expr, else_expr }) => {
            let result = Polarity { is_term: false, ..polarity };
            let arms = when_then_expr.iter();
            arms.flat_map(|(when, then)| [(when, Polarity::PART), (then, result)])
                .chain(else_expr.iter().map(|other| (other, result)))
                .find_map(|(part, polarity)| in_condition(part, polarity))
        }
        Expr::InSubquery(of) => {
            let is_not_in = of.negated != polarity.is_negated;
            match is_not_in && !(polarity.is_term && is_plain(of)) {
                true => Some(NOT_IN),
                false => contains(&of.expr, is_in).then_some(IN_VALUE),
            }
        }
        other => contains(other, is_in).then_some(IN_VALUE),
    }
}

/// Whether an IN compares a column with a subquery that stands for itself.
fn is_plain(of: &InSubquery) -> bool {
    matches!(*of.expr, Expr::Column(_)) && of.subquery.outer_ref_columns.is_empty()
}

fn is_in(expr: &Expr) -> bool {
    matches!(expr, Expr::InSubquery(_))
}

fn contains(expr: &Expr, is_such: fn(&Expr) -> bool) -> bool {
    // The function does not fail.
    expr.exists(|part| Ok(is_such(part))).unwrap_or(true)
}

/// Whether a subquery is an aggregate without GROUP BY of rows that depend on the outer query.
fn is_correlated_aggregate(subquery: &Subquery) -> bool {
    !subquery.outer_ref_columns.is_empty() && shown_above_aggregate(&subquery.subquery).is_some()
}

/// Whether a subquery shows something beside such an aggregate that does not depend on it: it is NULL where nothing matches, since
/// DataFusion fills in only what the aggregates would be.
fn loses_constant(subquery: &Subquery) -> bool {
    if subquery.outer_ref_columns.is_empty() {
        return false;
    }
    let shown = shown_above_aggregate(&subquery.subquery).unwrap_or_default();
    shown.iter().any(|expr| !expr.any_column_refs())
}

/// Whether a join has a subquery of LATERAL in which HAVING may leave nothing: decorrelated, it makes NULLs of what is left out, or
/// leaves out what it should not.
fn has_lateral_having(join: &Join) -> bool {
    let mut right = &join.right;
    let subquery = loop {
        right = match &**right {
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::Subquery(subquery) => break subquery,
            _ => return false,
        }
    };
    is_correlated_aggregate(subquery) && has_having(&subquery.subquery)
}

/// Whether there is a condition above the aggregate of a plan.
fn has_having(mut plan: &LogicalPlan) -> bool {
    loop {
        plan = match plan {
            LogicalPlan::Filter(_) => return true,
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Sort(sort) => &sort.input,
            LogicalPlan::Limit(limit) => &limit.input,
            _ => return false,
        }
    }
}

/// The expressions that a plan makes of an aggregate without GROUP BY of correlated rows; `None` if it is no such plan.
fn shown_above_aggregate(mut plan: &LogicalPlan) -> Option<Vec<&Expr>> {
    let mut shown = Vec::new();
    loop {
        plan = match plan {
            LogicalPlan::Projection(projection) => {
                shown.extend(&projection.expr);
                &projection.input
            }
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Sort(sort) => &sort.input,
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::Limit(limit) => &limit.input,
            LogicalPlan::Aggregate(aggregate) => {
                let is_such =
                    aggregate.group_expr.is_empty() && !aggregate.input.all_out_ref_exprs().is_empty();
                return is_such.then_some(shown);
            }
            _ => return None,
        }
    }
}
