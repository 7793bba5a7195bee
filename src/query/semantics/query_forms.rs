//! Forms of queries that PostgreSQL knows and DataFusion (55) does not, rewritten to those that it knows: FETCH FIRST, EXISTS in a
//! select list, rows IN a subquery, and the names of the columns of `generate_series(…) AS n` and `unnest(…) AS n`.

use std::mem;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, ObjectName,
    Query, Select, SelectItem, SetExpr, Statement as SqlStatement, TableAliasColumnDef, TableFactor,
    UnaryOperator, Value, ValueWithSpan,
};

use super::fetch_clause::limit_by_fetch;
use super::first_row;
use crate::query::guard::parser::parse;

/// Depth up to which the templates below are parsed.
const TEMPLATE_DEPTH: usize = 16;

/// Rewrites the parts of a query; the queries within it come on their own.
pub(super) fn rewrite(query: &mut Query) {
    limit_by_fetch(query);
    let mut parts = vec![&mut *query.body];
    while let Some(part) = parts.pop() {
        match part {
            SetExpr::Select(select) => rewrite_select(select),
            SetExpr::SetOperation { left, right, .. } => parts.extend([&mut **left, &mut **right]),
            _ => {}
        }
    }
}

fn rewrite_select(select: &mut Select) {
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr @ Expr::Exists { .. }) => {
                count_rows(expr);
                *item = SelectItem::ExprWithAlias {
                    expr: mem::replace(expr, null()),
                    alias: Ident::new("exists"),
                };
            }
            SelectItem::ExprWithAlias { expr, .. } => count_rows(expr),
            _ => {}
        }
    }
    first_row::rewrite_lateral(select);
    let tables = select.from.iter_mut().flat_map(|from| {
        std::iter::once(&mut from.relation).chain(from.joins.iter_mut().map(|join| &mut join.relation))
    });
    tables.for_each(name_series);
    select.selection.iter_mut().for_each(rewrite_condition);
}

/// Rewrites rows IN a subquery within a condition, under AND, OR and NOT.
fn rewrite_condition(condition: &mut Expr) {
    let mut terms = vec![(condition, false)];
    while let Some((term, is_negated)) = terms.pop() {
        match term {
            Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
                terms.extend([(&mut **left, is_negated), (&mut **right, is_negated)])
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => terms.push((&mut **expr, !is_negated)),
            Expr::Nested(inner) => terms.push((&mut **inner, is_negated)),
            term => join_rows(term, is_negated),
        }
    }
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

/// `(a, b) IN (q)` as `EXISTS (SELECT 1 FROM (q) AS t(c1, c2) WHERE t.c1 = a AND t.c2 = b)`, which is false where IN is NULL: the same
/// for a condition, which takes rows for which it is true. Where a NOT stands before it, it has to be true there instead: then terms
/// that are NULL count as equal.
fn join_rows(expr: &mut Expr, is_negated: bool) {
    let Expr::InSubquery { expr: row, subquery, negated } = expr else { return };
    let negated = *negated;
    let Expr::Tuple(values) = &mut **row else { return };
    let columns: Vec<String> = (1..=values.len()).map(|place| format!("__c{place}")).collect();
    let equal = |column: &String| match is_negated != negated {
        true => format!("(__row.{column} = 0) IS NOT FALSE"),
        false => format!("__row.{column} = 0"),
    };
    let equal: Vec<String> = columns.iter().map(equal).collect();
    let template =
        format!("SELECT 1 FROM (SELECT 1) AS __row({}) WHERE {}", columns.join(", "), equal.join(" AND "));
    let Some(mut joined) = around(&template, subquery) else { return };
    if let SetExpr::Select(select) = &mut *joined.body {
        let mut terms: Vec<&mut Expr> = select.selection.iter_mut().collect();
        let mut values = mem::take(values);
        while let Some(term) = terms.pop() {
            match term {
                Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                    terms.extend([&mut **left, &mut **right])
                }
                Expr::IsNotFalse(term) | Expr::Nested(term) => terms.push(term),
                // The last term comes first, as the last value does.
                Expr::BinaryOp { right, .. } => **right = values.pop().unwrap_or_else(null),
                _ => {}
            }
        }
    }
    *expr = Expr::Exists { subquery: joined, negated };
}

fn null() -> Expr {
    Expr::value(Value::Null)
}

/// Parses a template and puts a query in the place of the one in its FROM.
fn around(template: &str, query: &mut Query) -> Option<Box<Query>> {
    let Ok(Statement::Statement(statement)) = parse(template, TEMPLATE_DEPTH) else { return None };
    let SqlStatement::Query(mut outer) = *statement else { return None };
    let SetExpr::Select(select) = &mut *outer.body else { return None };
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    mem::swap(&mut **subquery, query);
    Some(outer)
}

/// Gives the columns of `generate_series(…) AS n` and `unnest(…) AS n` the name `n`, as PostgreSQL does for functions of one column,
/// and takes a text as the step of a series for an interval.
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
    if let [_, _, FunctionArg::Unnamed(FunctionArgExpr::Expr(step))] = args.args.as_mut_slice()
        && let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }) = step
    {
        let expr = Box::new(mem::replace(step, null()));
        let data_type = DataType::Interval { fields: None, precision: None };
        *step = Expr::Cast { kind: CastKind::DoubleColon, expr, data_type, array: false, format: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
