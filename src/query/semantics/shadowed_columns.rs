//! Columns whose name a SELECT list gives to something else: `SELECT -x AS x … ORDER BY x + 0`. In PostgreSQL a name within an
//! expression of ORDER BY is a column, and only a name that is the whole key what the list shows. DataFusion (55) takes both for the
//! latter.

use std::ops::ControlFlow;

use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::sql::sqlparser::ast::{self, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr};

use super::column_name::folded;
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

const MESSAGE: &str = "orders the rows of a subquery by an expression with a column whose name its list gives to something else, which is \
                       not supported: give that another name with AS";

/// Finds an order by what a list shows where PostgreSQL orders by a column. `NamesApart` has kept them apart where rows are shown.
pub(super) fn wrong_order(node: &LogicalPlan) -> Option<&'static str> {
    let LogicalPlan::Sort(sort) = node else { return None };
    let LogicalPlan::Projection(list) = &*sort.input else { return None };
    let is_wrong = |expr: &Expr| matches!(expr, Expr::Column(column) if hides_column(list, column));
    let has_wrong = |key: &Expr| key.exists(|part| Ok(is_wrong(part))).unwrap_or(true);
    let mut keys = sort.expr.iter().map(|key| &key.expr);
    keys.any(|key| !matches!(key, Expr::Column(_)) && has_wrong(key)).then_some(MESSAGE)
}

/// Whether a list shows under the name of a column something else, over rows with such a column.
fn hides_column(list: &Projection, column: &Column) -> bool {
    let mut shown = list.schema.iter().zip(&list.expr);
    column.relation.is_none()
        && list.input.schema().has_column_with_unqualified_name(&column.name)
        && shown.any(|((qualifier, field), expr)| {
            qualifier.is_none() && *field.name() == column.name && !matches!(expr, Expr::Column(_))
        })
}

/// The names that a list gives to something, and that expressions of ORDER BY mention.
pub(super) fn of_orders(query: &Query) -> Vec<String> {
    let SetExpr::Select(select) = &*query.body else { return Vec::new() };
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|order| &order.kind) else {
        return Vec::new();
    };
    let keys: Vec<&OrderByExpr> = keys.iter().filter(|key| is_of_columns(&key.expr)).collect();
    if keys.is_empty() || matches!(select.distinct, Some(ast::Distinct::On(_))) {
        return Vec::new();
    }
    let mut mentions = Mentions { names: given_names(select), found: Vec::new(), depth: 0 };
    for key in keys {
        // The visitor ends no walk.
        let _ = walk(&key.expr, &mut mentions);
    }
    mentions.found
}

/// Whether a key is more than a name or a constant.
fn is_of_columns(key: &ast::Expr) -> bool {
    match key {
        ast::Expr::Nested(inner) => is_of_columns(inner),
        ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) | ast::Expr::Value(_) => false,
        _ => true,
    }
}

/// The names that a list gives to anything but the column of that name.
fn given_names(select: &Select) -> Vec<String> {
    let given = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } => Some((expr, folded(alias))),
        _ => None,
    });
    let is_other = |(expr, alias): &(&ast::Expr, String)| match expr {
        ast::Expr::Identifier(name) => folded(name) != *alias,
        ast::Expr::CompoundIdentifier(parts) => parts.last().is_none_or(|name| folded(name) != *alias),
        _ => true,
    };
    given.filter(is_other).map(|(_, alias)| alias).collect()
}

/// Collects the names among these that an expression mentions outside of queries within it.
struct Mentions {
    names: Vec<String>,
    found: Vec<String>,
    depth: usize,
}

impl SyntaxVisitor for Mentions {
    fn enter_query(&mut self, _query: &Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn leave_query(&mut self, _query: &Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn enter_expr(&mut self, expr: &ast::Expr) -> ControlFlow<Error> {
        if let ast::Expr::Identifier(name) = expr
            && self.depth == 0
        {
            let name = folded(name);
            if self.names.contains(&name) && !self.found.contains(&name) {
                self.found.push(name);
            }
        }
        ControlFlow::Continue(())
    }
}
