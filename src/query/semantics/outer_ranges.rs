//! Aggregates of subqueries that compare with a column of the outer query other than by `=`, such as the newest reading before each one:
//! `(SELECT max(b.ts) FROM readings b WHERE b.ts < a.ts)`. DataFusion (55) decorrelates equality alone. Here the subquery gets the
//! distinct values of the outer column as one of its tables, compares with these, and belongs to the outer row by equality.

use std::collections::HashSet;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, Statement as SqlStatement,
    TableFactor, TableWithJoins,
};

use super::column_name::folded;
use super::copy_budget::CopyBudget;
use super::first_row;
use super::function_call::binary;
use super::joined_tables::{name_of, tables};
use super::named_in::{Names, has_query};
use super::strict_comparison::is_strict_comparison;
use crate::query::guard::parser::parse;
use crate::query::syntax_visitor::change_own_exprs;

/// Name of the table of the values of outer columns.
const VALUES: &str = "__outer";
const PARSED_DEPTH: usize = 50;
const AGGREGATES: [&str; 17] = [
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "first_value",
    "max",
    "min",
    "percentile_cont",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "variance",
];
/// Functions that give the same for each evaluation of a statement, by which the values of outer columns may be filtered.
const STABLE: [&str; 6] = ["now", "current_timestamp", "current_date", "localtimestamp", "date_trunc", "abs"];

/// Rewrites the subqueries of a SELECT, in its list and conditions and after LATERAL.
pub(super) fn rewrite(select: &mut Select, budget: &mut CopyBudget) {
    if !has_query(&*select) {
        return;
    }
    let outer = Outer { from: select.from.clone(), terms: terms_of(select.selection.as_ref()) };
    let mut in_expr = |expr: &mut Expr| {
        if let Expr::Subquery(query) = expr {
            first_row::rewrite_subquery(query);
            outer.bind(query, budget);
        }
    };
    change_own_exprs(&mut select.projection, &mut in_expr);
    change_own_exprs(&mut select.selection, &mut in_expr);
    change_own_exprs(&mut select.having, &mut in_expr);
    for from in &mut select.from {
        let joined = from.joins.iter_mut().map(|join| &mut join.relation);
        for table in std::iter::once(&mut from.relation).chain(joined) {
            if let TableFactor::Derived { lateral: true, subquery, .. } = table {
                outer.bind(subquery, budget);
            }
        }
    }
}

/// The SELECT around a subquery: its tables, and the terms of its condition.
struct Outer {
    from: Vec<TableWithJoins>,
    terms: Vec<Expr>,
}

/// Columns of a table of the outer query.
struct OuterColumns {
    table: Ident,
    columns: Vec<Ident>,
}

impl Outer {
    /// Has a subquery compare with the values of the outer columns that it names, if these are of one table.
    fn bind(&self, query: &mut Query, budget: &mut CopyBudget) -> Option<()> {
        if !is_aggregate(query) {
            return None;
        }
        let OuterColumns { table, columns } = self.compared_columns(query)?;
        let values = self.values(&table, &columns)?;
        if !budget.allows(&values) {
            return None;
        }
        let SetExpr::Select(inner) = &mut *query.body else { return None };
        let value = |place: usize| {
            Expr::CompoundIdentifier(vec![Ident::new(VALUES), Ident::new(format!("__c{place}"))])
        };
        change_own_exprs(&mut inner.selection, &mut |expr| {
            if let Expr::CompoundIdentifier(parts) = expr
                && let [of, column] = parts.as_slice()
                && folded(of) == folded(&table)
                && let Some(place) = columns.iter().position(|known| folded(known) == folded(column))
            {
                *expr = value(place);
            }
        });
        let equal = columns.iter().enumerate().map(|(place, column)| {
            let outer = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
            binary(value(place), BinaryOperator::Eq, outer)
        });
        let terms = terms_of(inner.selection.as_ref()).into_iter().chain(equal);
        inner.selection = terms.reduce(|left, right| binary(left, BinaryOperator::And, right));
        inner.from.push(values);
        Some(())
    }

    /// Returns the outer columns that a subquery names, if it only compares with them, and not by equality alone.
    fn compared_columns(&self, query: &Query) -> Option<OuterColumns> {
        let SetExpr::Select(inner) = &*query.body else { return None };
        let own: HashSet<String> = tables(&inner.from).filter_map(table_name).collect();
        let outer: HashSet<String> = tables(&self.from).filter_map(table_name).collect();
        let mut named = Names::of(query).columns;
        named.retain(|(table, _)| !own.contains(&folded(table)) && outer.contains(&folded(table)));
        let (table, _) = named.first()?.clone();
        let count = |term: &Expr| Names::of(term).count_of(&folded(&table));
        let mut compared = terms_of(inner.selection.as_ref());
        compared.retain(|term| count(term) > 0);
        let is_equality = |term: &Expr| matches!(term, Expr::BinaryOp { op: BinaryOperator::Eq, .. });
        let is_elsewhere = compared.iter().map(count).sum::<usize>() != named.len();
        if is_elsewhere || compared.iter().all(is_equality) || !compared.iter().all(is_strict_comparison) {
            return None;
        }
        let mut columns: Vec<Ident> = Vec::new();
        for (_, column) in named {
            if !columns.iter().any(|known| folded(known) == folded(&column)) {
                columns.push(column);
            }
        }
        Some(OuterColumns { table, columns })
    }

    /// The distinct values that columns of an outer table have, in rows that the terms about it alone leave.
    fn values(&self, table: &Ident, columns: &[Ident]) -> Option<TableWithJoins> {
        let name = folded(table);
        let factor = tables(&self.from).find(|factor| table_name(factor).as_ref() == Some(&name))?;
        if matches!(factor, TableFactor::Derived { lateral: true, .. } | TableFactor::NestedJoin { .. }) {
            return None;
        }
        let list: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("{table}.{column} AS __c{place}"))
            .collect();
        let is_only_table = tables(&self.from).count() == 1;
        let own: Vec<String> = self
            .terms
            .iter()
            .filter(|term| is_about(term, &name, is_only_table))
            .map(|term| format!("({term})"))
            .collect();
        let condition = if own.is_empty() { String::new() } else { format!(" WHERE {}", own.join(" AND ")) };
        let list = list.join(", ");
        let text = format!("SELECT 1 FROM (SELECT DISTINCT {list} FROM {factor}{condition}) AS {VALUES}");
        let Ok(Statement::Statement(statement)) = parse(&text, PARSED_DEPTH) else { return None };
        let SqlStatement::Query(query) = *statement else { return None };
        let SetExpr::Select(select) = *query.body else { return None };
        select.from.into_iter().next()
    }
}

fn table_name(table: &TableFactor) -> Option<String> {
    name_of(table)?.last().map(folded)
}

/// The terms that AND joins.
fn terms_of(condition: Option<&Expr>) -> Vec<Expr> {
    let (mut terms, mut parts) = (Vec::new(), Vec::from_iter(condition));
    while let Some(part) = parts.pop() {
        match part {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => parts.extend([&**right, &**left]),
            Expr::Nested(inner) => parts.push(inner),
            term => terms.push(term.clone()),
        }
    }
    terms
}

/// Whether a query is one aggregate of rows, without groups.
fn is_aggregate(query: &Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    let has_aggregate = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            Names::of(expr).calls.iter().any(|call| AGGREGATES.contains(&call.as_str()))
        }
        _ => false,
    };
    query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && select.distinct.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
        && select.projection.iter().all(has_aggregate)
}

/// Whether a term names columns of one table alone, and has the same value wherever it is evaluated.
fn is_about(term: &Expr, table: &str, is_only_table: bool) -> bool {
    let names = Names::of(term);
    let knows_columns = is_only_table || !(names.has_bare_columns || names.columns.is_empty());
    knows_columns
        && !has_query(term)
        && names.count_of(table) == names.columns.len()
        && names.calls.iter().all(|call| STABLE.contains(&call.as_str()))
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn aggregates_compare_with_the_values_of_the_outer_column() {
        for (text, expected) in [
            (
                "SELECT a.ts, (SELECT count(*) FROM r b WHERE b.id = 2 AND b.ts <= a.ts) AS n FROM r a WHERE a.id = 1",
                "SELECT a.ts, (SELECT count(*) FROM r b, (SELECT DISTINCT a.ts AS __c0 FROM r a WHERE (a.id = 1)) AS __outer \
                 WHERE b.id = 2 AND b.ts <= __outer.__c0 AND __outer.__c0 = a.ts) AS n FROM r a WHERE a.id = 1",
            ),
            (
                "SELECT s.id FROM s JOIN a ON s.id = a.id WHERE x > 1 AND s.y > 2 AND 5 < (SELECT max(v) FROM b WHERE b.id = s.id AND b.t BETWEEN s.t AND s.u)",
                "SELECT s.id FROM s JOIN a ON s.id = a.id WHERE x > 1 AND s.y > 2 AND 5 < (SELECT max(v) FROM b, \
                 (SELECT DISTINCT s.id AS __c0, s.t AS __c1, s.u AS __c2 FROM s WHERE (s.y > 2)) AS __outer \
                 WHERE b.id = __outer.__c0 AND b.t BETWEEN __outer.__c1 AND __outer.__c2 AND __outer.__c0 = s.id AND __outer.__c1 = s.t AND __outer.__c2 = s.u)",
            ),
            (
                "SELECT q.v FROM a LEFT JOIN LATERAL (SELECT v FROM b WHERE b.t < a.t ORDER BY b.t DESC LIMIT 1) q ON true",
                "SELECT q.v FROM a LEFT JOIN LATERAL (SELECT first_value(v ORDER BY b.t DESC) AS v FROM b, (SELECT DISTINCT a.t AS __c0 FROM a) AS __outer \
                 WHERE b.t < __outer.__c0 AND __outer.__c0 = a.t) q ON true",
            ),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }

    #[test]
    fn other_subqueries_are_left() {
        for text in [
            "SELECT (SELECT max(b.v) FROM b WHERE b.id = a.id) AS m FROM a",
            "SELECT (SELECT max(b.v) FROM b WHERE b.t < a.t OR b.id = a.id) AS m FROM a",
            "SELECT (SELECT max(b.v) FROM b WHERE coalesce(b.t, 1) < a.t) AS m FROM a",
            "SELECT (SELECT max(b.v - a.v) FROM b WHERE b.t < a.t) AS m FROM a",
            "SELECT (SELECT b.v FROM b WHERE b.t < a.t) AS m FROM a",
            "SELECT a.x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.t < a.t)",
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), text);
        }
    }
}
