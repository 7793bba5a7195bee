//! The first row of a subquery that refers to the outer query, such as the newest value of each stream:
//! `(SELECT r.value FROM readings r WHERE r.stream_id = s.id ORDER BY r.ts DESC LIMIT 1)`. DataFusion (55) decorrelates no LIMIT,
//! but aggregates: the subquery becomes one over `first_value(r.value ORDER BY r.ts DESC)`.
//!
//! An aggregate makes a row also of none, of NULLs, which is what a subquery in an expression and LEFT JOIN LATERAL do.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, JoinConstraint, JoinOperator,
    LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, Value,
    ValueWithSpan,
};

use super::fetch_clause::limit_by_fetch;
use super::function_call::call;
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// Rewrites a subquery of an expression.
pub(super) fn rewrite_subquery(query: &mut Query) {
    limit_by_fetch(query);
    if is_first_row(query) && is_correlated(query) {
        aggregate(query);
    }
}

/// Rewrites the subqueries of LEFT JOIN LATERAL.
pub(super) fn rewrite_lateral(select: &mut Select) {
    for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
        let keeps_all = match &join.join_operator {
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => is_always_true(on),
            _ => false,
        };
        if let TableFactor::Derived { lateral: true, subquery, .. } = &mut join.relation
            && keeps_all
        {
            limit_by_fetch(subquery);
            if is_first_row(subquery) {
                aggregate(subquery);
            }
        }
    }
}

fn is_always_true(on: &JoinConstraint) -> bool {
    matches!(on, JoinConstraint::On(Expr::Value(ValueWithSpan { value: Value::Boolean(true), .. })))
}

/// Whether a query is of one SELECT over rows, of which it takes the first.
fn is_first_row(query: &Query) -> bool {
    let is_one = |limit: &Expr| matches!(limit, Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) if digits == "1");
    let has_limit = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by }) => {
            is_one(limit) && limit_by.is_empty()
        }
        _ => false,
    };
    let SetExpr::Select(select) = &*query.body else { return false };
    let is_of_rows = select.distinct.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let is_plain = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => is_of_one_row(expr),
        _ => false,
    };
    has_limit
        && is_of_rows
        && query.with.is_none()
        && select.projection.iter().all(is_plain)
        && orders(query).is_some()
}

/// Whether an expression has no function, which may be one over rows.
fn is_of_one_row(expr: &Expr) -> bool {
    struct NoFunction;

    impl SyntaxVisitor for NoFunction {
        fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
            match expr {
                Expr::Function(_) => ControlFlow::Break(Error::internal("a function")),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    walk(expr, &mut NoFunction).is_ok()
}

/// The keys by which a query is ordered; `None` if one of them stands for something that it shows.
fn orders(query: &Query) -> Option<Vec<OrderByExpr>> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let Some(order) = &query.order_by else { return Some(Vec::new()) };
    let OrderByKind::Expressions(keys) = &order.kind else { return None };
    let shown: HashSet<&str> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.as_str()),
            _ => None,
        })
        .collect();
    let is_of_rows = |key: &OrderByExpr| match &key.expr {
        Expr::Value(_) => false,
        Expr::Identifier(name) => !shown.contains(name.value.as_str()),
        _ => true,
    };
    keys.iter().all(is_of_rows).then(|| keys.clone())
}

fn aggregate(query: &mut Query) {
    let Some(keys) = orders(query) else { return };
    let SetExpr::Select(select) = &mut *query.body else { return };
    for item in &mut select.projection {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr.clone(), name_of(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), Some(alias.clone())),
            _ => continue,
        };
        let first = first_value(expr, &keys);
        *item = match alias {
            Some(alias) => SelectItem::ExprWithAlias { expr: first, alias },
            None => SelectItem::UnnamedExpr(first),
        };
    }
    (query.limit_clause, query.order_by) = (None, None);
}

fn first_value(expr: Expr, keys: &[OrderByExpr]) -> Expr {
    let mut first = call("first_value", [expr]);
    if let Expr::Function(function) = &mut first
        && let FunctionArguments::List(list) = &mut function.args
        && !keys.is_empty()
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(keys.to_vec()));
    }
    first
}

fn name_of(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
        _ => None,
    }
}

/// Whether a query names a column by a table that it does not have itself.
pub(super) fn is_correlated(query: &Query) -> bool {
    let mut names = Names::default();
    // The visitor ends no walk.
    let _ = walk(query, &mut names);
    names.used.iter().any(|name| !names.own.contains(name))
}

/// Names of tables, in lower case.
#[derive(Default)]
struct Names {
    own: HashSet<String>,
    used: HashSet<String>,
}

impl SyntaxVisitor for Names {
    fn enter_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let tables = select.from.iter().flat_map(|from| {
            std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
        });
        for table in tables {
            let (name, alias) = match table {
                TableFactor::Table { name, alias, .. } => {
                    (name.0.last().and_then(|part| part.as_ident()), alias)
                }
                TableFactor::Derived { alias, .. } => (None, alias),
                _ => (None, &None),
            };
            let own = alias.as_ref().map(|alias| &alias.name).or(name);
            self.own.extend(own.map(|name| name.value.to_lowercase()));
        }
        ControlFlow::Continue(())
    }

    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, _] = parts.as_slice()
        {
            self.used.insert(table.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn first_rows_of_subqueries_that_refer_to_the_outer_query_become_aggregates() {
        for (text, expected) in [
            (
                "SELECT s.id, (SELECT r.value FROM readings r WHERE r.stream_id = s.id ORDER BY ts DESC LIMIT 1) FROM streams s",
                "SELECT s.id, (SELECT first_value(r.value ORDER BY ts DESC) AS value FROM readings r WHERE r.stream_id = s.id) FROM streams s",
            ),
            (
                "SELECT (SELECT r.v FROM r WHERE r.id = s.id FETCH FIRST ROW ONLY) FROM s",
                "SELECT (SELECT first_value(r.v) AS v FROM r WHERE r.id = s.id) FROM s",
            ),
            (
                "SELECT 1 FROM s LEFT JOIN LATERAL (SELECT v + 1 AS x, ts FROM r WHERE r.id = s.id ORDER BY ts LIMIT 1) q ON true",
                "SELECT 1 FROM s LEFT JOIN LATERAL (SELECT first_value(v + 1 ORDER BY ts) AS x, first_value(ts ORDER BY ts) AS ts FROM r WHERE r.id = s.id) q ON true",
            ),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
        for text in [
            "SELECT (SELECT r.value FROM readings r ORDER BY ts DESC LIMIT 1)",
            "SELECT s.id, (SELECT r.value FROM readings r WHERE r.stream_id = s.id ORDER BY ts DESC LIMIT 2) FROM s",
            "SELECT s.id, (SELECT max(r.value) FROM readings r WHERE r.stream_id = s.id LIMIT 1) FROM s",
            "SELECT 1 FROM s JOIN LATERAL (SELECT v FROM r WHERE r.id = s.id LIMIT 1) q ON true",
        ] {
            let mut statement = parse(text, 50).unwrap();
            let before = statement.to_string();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), before);
        }
    }
}
