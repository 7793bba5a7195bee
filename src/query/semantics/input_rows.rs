//! The rows that the expressions of a node are evaluated for, and which of their columns are those of a table.

use std::sync::Arc;

use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Expr, LogicalPlan};

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

impl InputRows<'_> {
    /// Whether an expression is a column of a table. Numbers of tables are finite, those of other columns may be anything.
    pub fn has_stored(self, expr: &Expr) -> bool {
        self.plans.iter().any(|plan| is_stored(expr, plan))
    }
}

fn is_stored(expr: &Expr, plan: &LogicalPlan) -> bool {
    match expr {
        Expr::Alias(alias) => is_stored(&alias.expr, plan),
        Expr::Column(column) => is_stored_column(column, plan),
        _ => false,
    }
}

fn is_stored_column(column: &Column, plan: &LogicalPlan) -> bool {
    let Some(place) = plan.schema().maybe_index_of_column(column) else { return false };
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Projection(node) => {
            node.expr.get(place).is_some_and(|expr| is_stored(expr, &node.input))
        }
        LogicalPlan::SubqueryAlias(node) => {
            is_stored_column(&Column::from(node.input.schema().qualified_field(place)), &node.input)
        }
        LogicalPlan::Filter(node) => is_stored_column(column, &node.input),
        LogicalPlan::Sort(node) => is_stored_column(column, &node.input),
        LogicalPlan::Limit(node) => is_stored_column(column, &node.input),
        LogicalPlan::Join(node) => {
            is_stored_column(column, &node.left) || is_stored_column(column, &node.right)
        }
        _ => false,
    }
}
