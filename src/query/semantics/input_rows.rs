//! The rows that the expressions of a node are evaluated for, and which expressions over them are finite: readings and what other
//! tables store, and what sums and products make of it. Everything else may be infinite or NaN.

use std::cell::Cell;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{Column, DFSchema, ExprSchema};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, TableScan};
use datafusion::scalar::ScalarValue;

use super::date_part::{DATE_PART, EXTRACT};

/// Functions that are finite where their arguments are.
const FINITE: [&str; 12] = [
    "abs",
    "floor",
    "ceil",
    "round",
    "trunc",
    "signum",
    "nanvl",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "canonical_float",
];

/// The rows that the expressions of a node are evaluated for.
#[derive(Clone, Copy)]
pub(super) struct InputRows<'a> {
    pub schema: &'a DFSchema,
    /// The plans that make them.
    pub plans: &'a [Arc<LogicalPlan>],
}

/// The plans below a node that has expressions.
pub(super) fn plans(node: &LogicalPlan) -> Vec<Arc<LogicalPlan>> {
    match node {
        LogicalPlan::Projection(node) => vec![Arc::clone(&node.input)],
        LogicalPlan::Filter(node) => vec![Arc::clone(&node.input)],
        LogicalPlan::Aggregate(node) => vec![Arc::clone(&node.input)],
        LogicalPlan::Window(node) => vec![Arc::clone(&node.input)],
        LogicalPlan::Sort(node) => vec![Arc::clone(&node.input)],
        LogicalPlan::Join(node) => vec![Arc::clone(&node.left), Arc::clone(&node.right)],
        _ => Vec::new(),
    }
}

/// Whether a type is one of those that can be infinite and NaN.
pub(super) fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float64 | DataType::Float32)
}

/// Steps of one check. A number that is made of itself at each of many levels has more ways down than can be gone.
const MAX_STEPS: u32 = 1_000;

impl InputRows<'_> {
    /// Whether an expression is a number that may be infinite or NaN.
    pub fn may_be_nan(self, expr: &Expr) -> bool {
        let check = FiniteCheck { steps: Cell::new(MAX_STEPS) };
        !check.is_finite(expr, self.schema, self.plans)
            && expr.get_type(self.schema).is_ok_and(|of| is_float(&of))
    }
}

/// A check that an expression is finite; when its steps are used up everything may be anything.
struct FiniteCheck {
    steps: Cell<u32>,
}

impl FiniteCheck {
    /// Whether an expression over the rows of plans is finite, or no number.
    fn is_finite(&self, expr: &Expr, schema: &DFSchema, plans: &[Arc<LogicalPlan>]) -> bool {
        let Some(left) = self.steps.get().checked_sub(1) else { return false };
        self.steps.set(left);
        let finite = |expr: &Expr| self.is_finite(expr, schema, plans);
        match expr {
            Expr::Literal(ScalarValue::Float64(Some(number)), _) => number.is_finite(),
            Expr::Literal(ScalarValue::Float32(Some(number)), _) => number.is_finite(),
            Expr::Literal(..) => true,
            Expr::Column(column) => plans.iter().any(|plan| self.is_finite_column(column, plan)),
            Expr::Alias(alias) => finite(&alias.expr),
            Expr::Negative(of) => finite(of),
            Expr::Cast(cast) if is_float(cast.field.data_type()) => match &*cast.expr {
                // A number that is written out has digits.
                Expr::Literal(ScalarValue::Utf8(Some(text)), _) => {
                    text.contains(|c: char| c.is_ascii_digit())
                }
                Expr::Literal(..) => true,
                of => of
                    .get_type(schema)
                    .is_ok_and(|of_type| of_type.is_numeric() && (!is_float(&of_type) || finite(of))),
            },
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply)
                    && finite(right)
                    && finite(left)
            }
            Expr::Case(case) => {
                let mut branches = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
                branches.all(|branch| finite(branch))
            }
            // Parts of a time have no NaN, and a comparison with one stays a range of times (`DatePart::preimage`).
            Expr::ScalarFunction(call) if [DATE_PART, EXTRACT].contains(&call.name()) => true,
            Expr::ScalarFunction(call) if FINITE.contains(&call.name()) => call.args.iter().all(finite),
            _ => false,
        }
    }

    /// Whether the column of a plan is one that a table stores, or is made of such.
    fn is_finite_column(&self, column: &Column, plan: &LogicalPlan) -> bool {
        let Some(place) = plan.schema().maybe_index_of_column(column) else { return false };
        match plan {
            LogicalPlan::TableScan(scan) => is_stored(scan) && !is_text(column, plan),
            LogicalPlan::Projection(node) => {
                let below = [Arc::clone(&node.input)];
                node.expr.get(place).is_some_and(|expr| self.is_finite(expr, node.input.schema(), &below))
            }
            // With grouping sets there are more columns than keys are written.
            LogicalPlan::Aggregate(node) if !matches!(node.group_expr.as_slice(), [Expr::GroupingSet(_)]) => {
                let below = [Arc::clone(&node.input)];
                let made_of = node.group_expr.iter().chain(&node.aggr_expr).nth(place);
                made_of.is_some_and(|expr| self.is_finite_aggregate(expr, node.input.schema(), &below))
            }
            LogicalPlan::SubqueryAlias(node) => {
                let below = Column::from(node.input.schema().qualified_field(place));
                self.is_finite_column(&below, &node.input)
            }
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Join(_) => plan.inputs().iter().any(|below| self.is_finite_column(column, below)),
            _ => false,
        }
    }

    /// A group's key, or an aggregate of finite numbers. Counts and the like are no floating-point numbers.
    fn is_finite_aggregate(&self, expr: &Expr, schema: &DFSchema, plans: &[Arc<LogicalPlan>]) -> bool {
        match expr {
            Expr::Alias(alias) => self.is_finite_aggregate(&alias.expr, schema, plans),
            Expr::AggregateFunction(call) => {
                let is_quotient = ["corr", "regr_"].iter().any(|name| call.func.name().starts_with(name));
                !is_quotient && call.params.args.iter().all(|arg| self.is_finite(arg, schema, plans))
            }
            key => self.is_finite(key, schema, plans),
        }
    }
}

/// Whether a scan reads a table of ours, and not what a recursive query has made so far.
fn is_stored(scan: &TableScan) -> bool {
    source_as_provider(&scan.source).is_ok_and(|provider| provider.downcast_ref::<CteWorkTable>().is_none())
}

fn is_text(column: &Column, plan: &LogicalPlan) -> bool {
    plan.schema().field_from_column(column).is_ok_and(|field| field.data_type().is_string())
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::LogicalPlanBuilder;
    use datafusion::prelude::{col, lit};

    use super::*;

    /// A plan whose number is doubled at so many levels.
    fn doubled(levels: usize) -> Arc<LogicalPlan> {
        let one_row = LogicalPlanBuilder::empty(true);
        let first = one_row.project([lit(1.5).alias("x")]).unwrap();
        let double = |plan: LogicalPlanBuilder, _| plan.project([(col("x") + col("x")).alias("x")]).unwrap();
        Arc::new((0..levels).fold(first, double).build().unwrap())
    }

    #[test]
    fn a_check_ends_where_there_are_more_ways_than_steps() {
        for (levels, may_be_nan) in [(5, false), (60, true)] {
            let plan = doubled(levels);
            let rows = InputRows { schema: plan.schema(), plans: &[Arc::clone(&plan)] };
            assert_eq!(rows.may_be_nan(&col("x")), may_be_nan, "{levels}");
        }
    }
}
