//! Forms of queries that PostgreSQL knows and DataFusion (55) does not, rewritten to those that it knows: FETCH FIRST, EXISTS in a
//! select list, IN with a subquery, and the names of the columns of `generate_series(…) AS n` and `unnest(…) AS n`.

use std::mem;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr,
    TableAliasColumnDef, TableFactor,
};

use super::copy_budget::CopyBudget;
use super::fetch_clause::limit_by_fetch;
use super::in_subqueries::rewrite_condition;
use super::template::{around, null};
use super::{
    first_row, grouped_places, joined_columns, named_windows, outer_ranges, series_rows, unknown_literals,
    unnamed_items, values_lists,
};
use crate::query::syntax_visitor::change_own_exprs;

/// Rewrites the parts of a query; the queries within it come on their own.
pub(super) fn rewrite(query: &mut Query, budget: &mut CopyBudget) {
    limit_by_fetch(query);
    named_windows::write_out(query, budget);
    unnamed_items::order_by_place(query);
    joined_columns::qualify(query);
    sort_distinct_keys(query);
    let mut parts = vec![&mut *query.body];
    while let Some(part) = parts.pop() {
        match part {
            SetExpr::Select(select) => rewrite_select(select, budget),
            SetExpr::SetOperation { left, right, .. } => parts.extend([&mut **left, &mut **right]),
            SetExpr::Values(values) => values_lists::rewrite(values),
            _ => {}
        }
    }
}

/// Puts the keys of DISTINCT ON in the order in which ORDER BY has them; DataFusion (55) refuses another one.
fn sort_distinct_keys(query: &mut Query) {
    let Some(OrderByKind::Expressions(order)) = query.order_by.as_ref().map(|order| &order.kind) else {
        return;
    };
    if let SetExpr::Select(select) = &mut *query.body
        && let Some(Distinct::On(keys)) = &mut select.distinct
    {
        keys.sort_by_key(|key| order.iter().position(|ordered| ordered.expr == *key).unwrap_or(order.len()));
    }
}

fn rewrite_select(select: &mut Select, budget: &mut CopyBudget) {
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr @ Expr::Exists { .. }) => {
                count_rows(expr);
                *item = SelectItem::ExprWithAlias {
                    expr: mem::replace(expr, null()),
                    alias: Ident::new("exists"),
                };
            }
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                change_own_exprs(expr, &mut count_rows);
            }
            _ => {}
        }
    }
    grouped_places::replace(select, budget);
    series_rows::move_to_from(select);
    first_row::rewrite_lateral(select);
    outer_ranges::rewrite(select, budget);
    let tables = select.from.iter_mut().flat_map(|from| {
        std::iter::once(&mut from.relation).chain(from.joins.iter_mut().map(|join| &mut join.relation))
    });
    tables.for_each(name_series);
    select.selection.iter_mut().for_each(rewrite_condition);
}

/// `EXISTS (SELECT … FROM t)` as `(SELECT count(*) > 0 FROM t)`; a subquery that is more than rows of tables goes into its FROM.
fn count_rows(expr: &mut Expr) {
    let Expr::Exists { subquery, negated } = expr else { return };
    limit_by_fetch(subquery);
    let operator = if *negated { "=" } else { ">" };
    let template = format!("SELECT count(*) {operator} 0 FROM (SELECT 1) AS t");
    let Some(mut counted) = around(&template, subquery) else { return };
    if let SetExpr::Select(outer) = &mut *counted.body
        && let Some(TableFactor::Derived { subquery, .. }) = outer.from.first().map(|from| &from.relation)
        && is_of_rows(subquery)
        && let SetExpr::Select(inner) = &*subquery.body
    {
        let mut rows = inner.clone();
        rows.projection = mem::take(&mut outer.projection);
        *outer = rows;
    }
    *expr = Expr::Subquery(counted);
}

/// Whether a query has a row for each of its tables' that its condition leaves.
fn is_of_rows(query: &Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    let has_call = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            !matches!(expr, Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        }
        _ => false,
    };
    query.with.is_none()
        && query.limit_clause.is_none()
        && select.distinct.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
        && !select.projection.iter().any(has_call)
}

/// Gives the columns of `generate_series(…) AS n` and `unnest(…) AS n` the name `n`, as PostgreSQL does for functions of one column,
/// and types to the texts of a series.
fn name_series(table: &mut TableFactor) {
    if let TableFactor::UNNEST { alias: Some(alias), array_exprs, with_offset: false, .. } = table
        && alias.columns.is_empty()
        && array_exprs.len() == 1
    {
        alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
    }
    let TableFactor::Table { name, alias, args: Some(args), .. } = table else { return };
    if *name != ObjectName::from(Ident::new("generate_series")) {
        return;
    }
    if let Some(alias) = alias.as_mut().filter(|alias| alias.columns.is_empty()) {
        alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
    }
    unknown_literals::in_series(&mut args.args);
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn queries_get_forms_that_the_engine_knows() {
        for (text, expected) in [
            ("SELECT a FROM t FETCH FIRST 2 ROWS ONLY", "SELECT a FROM t LIMIT 2"),
            ("SELECT a FROM t OFFSET 1 ROWS FETCH NEXT ROW ONLY", "SELECT a FROM t LIMIT 1 OFFSET 1 ROWS"),
            ("SELECT EXISTS (SELECT 1 FROM t)", "SELECT (SELECT count(*) > 0 FROM t) AS exists"),
            (
                "SELECT EXISTS (SELECT 1 FROM t FETCH FIRST 0 ROWS ONLY) AS e",
                "SELECT (SELECT count(*) > 0 FROM (SELECT 1 FROM t LIMIT 0) AS t) AS e",
            ),
            (
                "SELECT NOT EXISTS (SELECT max(x) FROM t) AS e",
                "SELECT (SELECT count(*) = 0 FROM (SELECT max(x) FROM t) AS t) AS e",
            ),
            (
                "SELECT 1 FROM t WHERE (a, b + 1) IN (SELECT x, y FROM u) AND c",
                "SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM (SELECT x, y FROM u) AS __row (__c1, __c2) WHERE __row.__c1 = a AND __row.__c2 = b + 1) AND c",
            ),
            (
                "SELECT 1 FROM t WHERE c OR NOT ((a, b) IN (SELECT x, y FROM u))",
                "SELECT 1 FROM t WHERE c OR NOT (EXISTS (SELECT 1 FROM (SELECT x, y FROM u) AS __row (__c1, __c2) WHERE (__row.__c1 = a) IS NOT FALSE AND (__row.__c2 = b) IS NOT FALSE))",
            ),
            (
                "SELECT 1 FROM t WHERE (a, b) NOT IN (SELECT x, y FROM u)",
                "SELECT 1 FROM t WHERE NOT EXISTS (SELECT 1 FROM (SELECT x, y FROM u) AS __row (__c1, __c2) WHERE (__row.__c1 = a) IS NOT FALSE AND (__row.__c2 = b) IS NOT FALSE)",
            ),
            (
                "SELECT 1 FROM t WHERE NOT (c OR (a, b) NOT IN (SELECT x, y FROM u))",
                "SELECT 1 FROM t WHERE NOT (c OR NOT EXISTS (SELECT 1 FROM (SELECT x, y FROM u) AS __row (__c1, __c2) WHERE __row.__c1 = a AND __row.__c2 = b))",
            ),
            (
                "SELECT 1 FROM t WHERE c OR a + 1 NOT IN (SELECT x FROM u)",
                "SELECT 1 FROM t WHERE c OR NOT EXISTS (SELECT 1 FROM (SELECT x FROM u) AS __row (__c1) WHERE (__row.__c1 = a + 1) IS NOT FALSE)",
            ),
            (
                "SELECT 1 FROM t WHERE NOT (c AND a IN (SELECT x FROM u)) AND NOT (c OR a IN (SELECT x FROM u))",
                "SELECT 1 FROM t WHERE NOT (c AND EXISTS (SELECT 1 FROM (SELECT x FROM u) AS __row (__c1) WHERE (__row.__c1 = a) IS NOT FALSE)) AND NOT (c OR a IN (SELECT x FROM u))",
            ),
            (
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM t) THEN 1 END AS e",
                "SELECT CASE WHEN (SELECT count(*) > 0 FROM t) THEN 1 END AS e",
            ),
            ("SELECT n FROM generate_series(1, 3) AS n", "SELECT n FROM generate_series(1, 3) AS n (n)"),
            ("SELECT n FROM t, unnest(ARRAY[1]) AS n", "SELECT n FROM t, UNNEST(ARRAY[1]) AS n (n)"),
            ("SELECT 1 FROM t FETCH FIRST 2 ROWS WITH TIES", "SELECT 1 FROM t FETCH FIRST 2 ROWS WITH TIES"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
