//! The first row of a subquery that refers to the outer query, such as the newest value of each stream:
//! `(SELECT r.value FROM readings r WHERE r.stream_id = s.id ORDER BY r.ts DESC LIMIT 1)`. DataFusion (55) decorrelates no LIMIT,
//! but aggregates: the subquery becomes one over `first_value(r.value ORDER BY r.ts DESC)`.
//!
//! An aggregate makes a row also of none, of NULLs, which is what a subquery in an expression and LEFT JOIN LATERAL do. For an inner
//! join it counts its rows too, and the join takes those with some.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident,
    JoinConstraint, JoinOperator, LimitClause, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr,
    TableFactor, Value, ValueWithSpan,
};

use super::fetch_clause::limit_by_fetch;
use super::function_call::{binary, call};
use super::joined_tables::tables;
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// Rewrites a subquery of an expression.
pub(super) fn rewrite_subquery(query: &mut Query) {
    limit_by_fetch(query);
    having_as_case(query);
    if is_first_row(query) && is_correlated(query) {
        aggregate(query);
    }
}

/// Takes HAVING of an aggregate without GROUP BY for a condition of its value, which is NULL where there is no row. DataFusion (55)
/// decorrelates a HAVING that holds without rows so that it holds for all.
fn having_as_case(query: &mut Query) {
    let SetExpr::Select(select) = &mut *query.body else { return };
    let select = &mut **select;
    let is_ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] =
        select.projection.as_mut_slice()
    else {
        return;
    };
    let has_calls =
        select.having.as_ref().is_some_and(|having| !is_of_one_row(having) || !is_of_one_row(value));
    if is_ungrouped
        && has_calls
        && let Some(condition) = select.having.take()
    {
        // It is an aggregate also where neither the value nor the condition is one.
        let number = |digit: &str| Expr::value(Value::Number(digit.to_owned(), false));
        let is_any = binary(call("count", [number("1")]), BinaryOperator::GtEq, number("0"));
        let condition = and(is_any, Expr::Nested(Box::new(condition)));
        let result = value.clone();
        *value = Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition, result }],
            else_result: None,
        };
    }
}

/// Name of the column that counts the rows.
const ROWS: &str = "__rows";

/// Rewrites the subqueries of LATERAL. `*` would show the number of rows of those of inner joins, which are left.
pub(super) fn rewrite_lateral(select: &mut Select) {
    let is_all =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    let shows_all = select.projection.iter().any(is_all);
    for from in select.from.iter_mut().skip(1).filter(|_| !shows_all) {
        if let Some(has_rows) = counted_first_row(&mut from.relation) {
            select.selection = Some(match select.selection.take() {
                Some(condition) => and(Expr::Nested(Box::new(condition)), has_rows),
                None => has_rows,
            });
        }
    }
    for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
        match &join.join_operator {
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) if is_always_true(on) => {
                if let TableFactor::Derived { lateral: true, subquery, .. } = &mut join.relation {
                    limit_by_fetch(subquery);
                    if is_first_row(subquery) {
                        aggregate(subquery);
                    }
                }
            }
            JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on)
                if !shows_all && (matches!(on, JoinConstraint::None) || is_always_true(on)) =>
            {
                if let Some(has_rows) = counted_first_row(&mut join.relation) {
                    join.join_operator = JoinOperator::Inner(JoinConstraint::On(has_rows));
                }
            }
            _ => {}
        }
    }
}

fn and(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::And, right)
}

/// Rewrites a subquery of LATERAL that is a first row, and returns the condition that there is one.
fn counted_first_row(table: &mut TableFactor) -> Option<Expr> {
    let TableFactor::Derived { lateral: true, subquery, alias: Some(alias), .. } = table else { return None };
    limit_by_fetch(subquery);
    if !alias.columns.is_empty() || !is_first_row(subquery) || !is_correlated(subquery) {
        return None;
    }
    aggregate(subquery);
    let SetExpr::Select(select) = &mut *subquery.body else { return None };
    let number = |digit: &str| Expr::value(Value::Number(digit.to_owned(), false));
    let rows = call("count", [number("1")]);
    select.projection.push(SelectItem::ExprWithAlias { expr: rows, alias: Ident::new(ROWS) });
    let rows = Expr::CompoundIdentifier(vec![alias.name.clone(), Ident::new(ROWS)]);
    Some(binary(rows, BinaryOperator::Gt, number("0")))
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
        for table in tables(&select.from) {
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
            (
                "SELECT (SELECT max(v) FROM r WHERE r.id = s.id HAVING count(*) < 9) FROM s",
                "SELECT (SELECT CASE WHEN count(1) >= 0 AND (count(*) < 9) THEN max(v) END FROM r WHERE r.id = s.id) FROM s",
            ),
            (
                "SELECT q.v FROM s CROSS JOIN LATERAL (SELECT v FROM r WHERE r.id = s.id LIMIT 1) q",
                "SELECT q.v FROM s INNER JOIN LATERAL (SELECT first_value(v) AS v, count(1) AS __rows FROM r WHERE r.id = s.id) q ON q.__rows > 0",
            ),
            (
                "SELECT q.v FROM s, LATERAL (SELECT v FROM r WHERE r.id = s.id LIMIT 1) q WHERE a OR b",
                "SELECT q.v FROM s, LATERAL (SELECT first_value(v) AS v, count(1) AS __rows FROM r WHERE r.id = s.id) q WHERE (a OR b) AND q.__rows > 0",
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
            "SELECT (SELECT max(v) FROM r WHERE r.id = s.id GROUP BY w HAVING count(*) < 9) FROM s",
            "SELECT * FROM s JOIN LATERAL (SELECT v FROM r WHERE r.id = s.id LIMIT 1) q ON true",
            "SELECT q.v FROM s JOIN LATERAL (SELECT v FROM r WHERE r.id > 1 LIMIT 1) q ON true",
        ] {
            let mut statement = parse(text, 50).unwrap();
            let before = statement.to_string();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), before);
        }
    }
}
