//! Derives the range to fill from WHERE: the comparisons of the time with constants.

use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, JoinType, LogicalPlan, Operator, TryCast, cast};

/// The side of a bound on which rows pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub enum Side {
    From,
    After,
    Through,
    Before,
}

impl Side {
    /// Whether the bound limits the range from below.
    pub fn is_start(self) -> bool {
        matches!(self, Side::From | Side::After)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::From => ">=",
            Side::After => ">",
            Side::Through => "<=",
            Side::Before => "<",
        })
    }
}

/// One comparison of the time with a constant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
pub struct TimeBound {
    pub side: Side,
    /// A timestamp in microseconds: a literal, or an expression without columns that becomes one.
    pub at: Expr,
}

/// Returns the bounds that apply to `time` in every row of `plan`. Looks through projections, names of subqueries and
/// inner joins; OR and functions of the time contribute nothing.
pub fn bounds(time: &Expr, plan: &LogicalPlan) -> Vec<TimeBound> {
    let mut found = Vec::new();
    walk(plan, bare(time).clone(), &mut found);
    found
}

fn walk(plan: &LogicalPlan, time: Expr, found: &mut Vec<TimeBound>) {
    match plan {
        LogicalPlan::Filter(filter) => {
            split_conjunction(&filter.predicate).into_iter().for_each(|part| compare(part, &time, found));
            walk(&filter.input, time, found);
        }
        LogicalPlan::Projection(projection) => {
            if let Some(at) = position(plan, &time) {
                walk(&projection.input, bare(&projection.expr[at]).clone(), found);
            }
        }
        LogicalPlan::SubqueryAlias(alias) => {
            if let Some(at) = position(plan, &time) {
                let column = Column::from(alias.input.schema().qualified_field(at));
                walk(&alias.input, Expr::Column(column), found);
            }
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let Expr::Column(column) = &time else { return };
            let side = [&join.left, &join.right].into_iter().find(|side| side.schema().has_column(column));
            if let Some(side) = side {
                walk(side, time, found);
            }
        }
        _ => {}
    }
}

/// Returns the column index of an expression in `plan`.
fn position(plan: &LogicalPlan, expr: &Expr) -> Option<usize> {
    let Expr::Column(column) = expr else { return None };
    plan.schema().maybe_index_of_column(column)
}

/// Removes timestamp casts, which type coercion adds, and aliases.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(Cast { expr: inner, field }) | Expr::TryCast(TryCast { expr: inner, field })
            if matches!(field.data_type(), DataType::Timestamp(..)) =>
        {
            bare(inner)
        }
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

fn compare(condition: &Expr, time: &Expr, found: &mut Vec<TimeBound>) {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            if bare(left) == time {
                add(*op, right, found);
            } else if bare(right) == time
                && let Some(op) = op.swap()
            {
                add(op, left, found);
            }
        }
        Expr::Between(between) if !between.negated && bare(&between.expr) == time => {
            add(Operator::GtEq, &between.low, found);
            add(Operator::LtEq, &between.high, found);
        }
        _ => {}
    }
}

fn add(op: Operator, at: &Expr, found: &mut Vec<TimeBound>) {
    if at.any_column_refs() || at.is_volatile() || has_subquery(at) {
        return;
    }
    let sides: &[Side] = match op {
        Operator::Eq => &[Side::From, Side::Through],
        Operator::Gt => &[Side::After],
        Operator::GtEq => &[Side::From],
        Operator::Lt => &[Side::Before],
        Operator::LtEq => &[Side::Through],
        _ => &[],
    };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    found.extend(sides.iter().map(|side| TimeBound { side: *side, at: cast(at.clone(), micros.clone()) }));
}

fn has_subquery(expr: &Expr) -> bool {
    let is_subquery = |e: &Expr| {
        matches!(
            e,
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::OuterReferenceColumn(..)
        )
    };
    expr.exists(|e| Ok(is_subquery(e))).unwrap_or(true)
}
