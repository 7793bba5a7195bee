//! Orders of subqueries. DataFusion (55) plans none of a subquery in FROM without a LIMIT (`optimize_subquery_sort`), and drops a sort under an
//! OFFSET alone where nothing above asks for it: `SELECT * FROM (SELECT … ORDER BY value) AS q LIMIT 3` took any three rows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, LimitClause, Offset, OffsetRows, Query, Select, SetExpr, TableFactor, Value,
    ValueWithSpan,
};

use super::column_name::folded;
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// A limit beyond all rows.
const ALL_ROWS: &str = "9223372036854775807";
/// Aggregates, over which DataFusion keeps no order of their rows.
const AGGREGATES: [&str; 7] = ["array_agg", "avg", "count", "max", "min", "string_agg", "sum"];

/// Keeps the orders that decide over the rows that a query has, or shows in their order.
pub(super) fn keep(query: &mut Query, is_within: bool) {
    if is_within {
        limit_behind_offset(query);
    }
    if !is_within || query.limit_clause.is_some() {
        keep_of_rows(query);
    }
}

/// Gives a subquery with an order and an OFFSET a LIMIT: a sort with a limit stays.
fn limit_behind_offset(query: &mut Query) {
    let Some(LimitClause::LimitOffset { limit, offset: Some(offset), .. }) = &mut query.limit_clause else {
        return;
    };
    let is_open = limit.as_ref().is_none_or(|limit| is_value(limit, &Value::Null));
    if is_open && query.order_by.is_some() && !is_value(&offset.value, &number("0")) {
        *limit = Some(Expr::value(number(ALL_ROWS)));
    }
}

/// Keeps the order of the subquery or WITH query whose rows a query without an order takes as they come.
fn keep_of_rows(query: &mut Query) {
    if query.order_by.is_some() {
        return;
    }
    let mut name = match source(&mut query.body) {
        Some(Source::Subquery(subquery)) => {
            keep_own(subquery);
            return;
        }
        Some(Source::Name(name)) => name,
        None => return,
    };
    // A WITH query names those before it.
    let with = query.with.iter_mut().filter(|with| !with.recursive);
    for cte in with.flat_map(|with| &mut with.cte_tables).rev() {
        if folded(&cte.alias.name) != name {
            continue;
        }
        if has_kept(&mut cte.query) {
            return;
        }
        match source(&mut cte.query.body) {
            Some(Source::Subquery(subquery)) => {
                keep_own(subquery);
                return;
            }
            Some(Source::Name(next)) => name = next,
            None => return,
        }
    }
}

fn keep_own(query: &mut Query) {
    if !has_kept(query) {
        keep_of_rows(query);
    }
}

/// Keeps the order of a query that has one: `OFFSET 0` hides it from the planner, and goes itself before a plan is made of it.
fn has_kept(query: &mut Query) -> bool {
    if query.order_by.is_none() {
        return false;
    }
    if query.limit_clause.is_none() && query.fetch.is_none() {
        let offset = Offset { value: Expr::value(number("0")), rows: OffsetRows::None };
        let limit_by = Vec::new();
        query.limit_clause = Some(LimitClause::LimitOffset { limit: None, offset: Some(offset), limit_by });
    }
    true
}

/// Source of the rows of a query in their order.
enum Source<'a> {
    Subquery(&'a mut Query),
    Name(String),
}

fn source(body: &mut SetExpr) -> Option<Source<'_>> {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::Query(query) => return Some(Source::Subquery(query)),
        _ => return None,
    };
    if !shows_rows(select) {
        return None;
    }
    let [from] = select.from.as_mut_slice() else { return None };
    if !from.joins.is_empty() {
        return None;
    }
    match &mut from.relation {
        TableFactor::Derived { subquery, .. } => Some(Source::Subquery(subquery)),
        TableFactor::Table { name, args: None, .. } => match name.0.as_slice() {
            [part] => part.as_ident().map(|name| Source::Name(folded(name))),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a SELECT has a row for each of its table's that its condition leaves.
fn shows_rows(select: &Select) -> bool {
    let mut calls = AggregateCalls { any: false };
    for item in &select.projection {
        // The visitor ends no walk.
        let _ = walk(item, &mut calls);
    }
    !calls.any
        && select.distinct.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
}

struct AggregateCalls {
    any: bool,
}

impl SyntaxVisitor for AggregateCalls {
    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if let Expr::Function(function) = expr
            && function.over.is_none()
            && let Some(name) = function.name.0.last().and_then(|part| part.as_ident())
        {
            self.any |= AGGREGATES.contains(&folded(name).as_str());
        }
        ControlFlow::Continue(())
    }
}

fn number(digits: &str) -> Value {
    Value::Number(digits.to_owned(), false)
}

fn is_value(expr: &Expr, expected: &Value) -> bool {
    matches!(expr, Expr::Value(ValueWithSpan { value, .. }) if value == expected)
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn orders_of_subqueries_are_kept_where_rows_are_taken_by_them() {
        for (text, expected) in [
            (
                "SELECT * FROM (SELECT a FROM t ORDER BY a) AS q LIMIT 2",
                "SELECT * FROM (SELECT a FROM t ORDER BY a OFFSET 0) AS q LIMIT 2",
            ),
            (
                "WITH p AS (SELECT a FROM t ORDER BY a), q AS (SELECT a AS b FROM p) SELECT b FROM q WHERE b > 1",
                "WITH p AS (SELECT a FROM t ORDER BY a OFFSET 0), q AS (SELECT a AS b FROM p) SELECT b FROM q WHERE b > 1",
            ),
            (
                "SELECT count(*) FROM (SELECT * FROM (SELECT a FROM t ORDER BY a) AS p LIMIT 3) AS q",
                "SELECT count(*) FROM (SELECT * FROM (SELECT a FROM t ORDER BY a OFFSET 0) AS p LIMIT 3) AS q",
            ),
            (
                "SELECT sum(a) FROM (SELECT a FROM t ORDER BY a OFFSET 2) AS q",
                "SELECT sum(a) FROM (SELECT a FROM t ORDER BY a LIMIT 9223372036854775807 OFFSET 2) AS q",
            ),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
        for unchanged in [
            "SELECT * FROM (SELECT a FROM t ORDER BY a) AS q ORDER BY a DESC",
            "SELECT count(*) FROM (SELECT a FROM t ORDER BY a) AS q",
            "SELECT a, max(b) FROM (SELECT a, b FROM t ORDER BY a) AS q GROUP BY a",
            "SELECT a FROM t ORDER BY a OFFSET 2",
        ] {
            let mut statement = parse(unchanged, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), unchanged);
        }
    }
}
