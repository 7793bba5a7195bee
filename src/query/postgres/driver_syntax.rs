//! Rewrites what drivers ask of keys, indexes, comments and the search path to syntax that the engine has.
//!
//! Our tables have no keys and no indexes, so that arrays of their columns occur in no row: what is computed from them is
//! null. The search path is always `public`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, Function, FunctionArguments, GroupByExpr, Ident, ObjectName,
    Query, Select, SelectItem, SetExpr, Statement, TableFactor,
};

use super::{empty_tables, syntax};
use crate::domain::Error;
use crate::query::schema_names::PG_CATALOG;
use crate::query::syntax_visitor::{SyntaxChanger, SyntaxVisitor, change, change_exprs, change_tables, walk};

/// Columns of arrays in the catalog tables of keys, indexes and extensions, and the names that drivers give them.
const ARRAY_COLUMNS: [&str; 9] = [
    "conkey",
    "confkey",
    "conexclop",
    "extconfig",
    "i_indoption",
    "indkey",
    "indclass",
    "indcollation",
    "indoption",
];
/// Functions of comments, which are null whatever they are asked for.
const COMMENT_FUNCTIONS: [&str; 3] = ["col_description", "obj_description", "shobj_description"];
/// Types of texts in the catalog, by names that the engine does not have.
const TEXT_TYPES: [&str; 2] = ["name", "\"char\""];
/// Beginnings of the names of columns of truth values.
const TRUTH_PREFIXES: [&str; 6] = ["atthas", "attis", "attnot", "indis", "relhas", "relis"];
/// The function of PostgreSQL's information schema that makes rows of such an array.
const EXPAND_ARRAY: &str = "_pg_expandarray";

/// Rewrites a statement; `has_tables` if it names some of the catalog. In one that names none, `(t).a` is a column.
pub(super) fn rewrite(statement: &mut Statement, has_tables: bool) {
    change_exprs(statement, &mut |expr| rewrite_expr(expr, has_tables));
    change(statement, &mut UnnestedArrays);
    change_tables(statement, &mut |table| {
        // The library does so for tables that it has.
        let name = syntax::last_word(table);
        if table.0.len() == 1 && empty_tables::has(&name) {
            *table = ObjectName::from(vec![Ident::new(PG_CATALOG), Ident::new(name)]);
        }
    });
}

fn rewrite_expr(expr: &mut Expr, has_tables: bool) {
    match expr {
        Expr::CompoundFieldAccess { root, access_chain }
            if has_tables && is_of_no_row(root, access_chain) =>
        {
            *expr = null_number();
        }
        Expr::Function(call) if is_of_array(call) => *expr = null_number(),
        Expr::Function(call) if is_comment_of_computed_table(call) => {
            if let FunctionArguments::List(list) = &mut call.args {
                list.args.clear();
            }
        }
        // No element of an array of no row equals anything.
        Expr::AnyOp { right, .. } if is_array_column(right) => {
            if let Some(value) = syntax::parse("false") {
                *expr = value;
            }
        }
        Expr::Case { operand: Some(operand), conditions, .. } if is_truth(operand) => {
            for when in conditions {
                when.condition = truth(&when.condition).unwrap_or_else(|| when.condition.clone());
            }
        }
        Expr::IsTrue(inner) | Expr::IsNotTrue(inner) if is_truth(inner) => {
            // Some of these columns are texts in the library's tables.
            if let Some(value) = syntax::parse(&format!("CAST({inner} AS BOOLEAN)")) {
                **inner = value;
            }
        }
        // The engine knows the type of names in its qualified form only.
        Expr::Cast { data_type, .. } if is_text(data_type) => *data_type = DataType::Text,
        Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } if is_truth(left) => {
            if let Some(value) = truth(right) {
                **right = value;
            }
        }
        Expr::InSubquery { expr: inner, subquery, negated } if asks_for_search_path(subquery) => {
            let path = syntax::parse("'public'").into_iter().collect();
            *expr = Expr::InList { expr: inner.clone(), list: path, negated: *negated };
        }
        Expr::Subquery(query) => {
            if let SetExpr::Select(select) = &mut *query.body {
                aggregate_condition(select);
            }
        }
        _ => {}
    }
}

/// Matches `(_pg_expandarray(i.indkey)).n`, `(result.keys).x`, which is such a call in a subquery, and `con.conkey[1]`.
fn is_of_no_row(root: &Expr, access: &[AccessExpr]) -> bool {
    let array = match access {
        [AccessExpr::Dot(_), ..] if matches!(root, Expr::Nested(_)) => return true,
        [AccessExpr::Subscript(_), ..] => root,
        // `con.conkey[1]`: the table is the root.
        [AccessExpr::Dot(column), AccessExpr::Subscript(_), ..] => column,
        _ => return false,
    };
    is_array_column(array)
}

/// Whether a column of the catalog holds truth values.
fn is_truth(expr: &Expr) -> bool {
    syntax::column(expr).is_some_and(|name| TRUTH_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// Returns the truth value of `'t'` and `'f'`, which the engine takes for texts.
fn truth(expr: &Expr) -> Option<Expr> {
    match expr.to_string().as_str() {
        "'t'" => syntax::parse("true"),
        "'f'" => syntax::parse("false"),
        _ => None,
    }
}

fn is_array_column(expr: &Expr) -> bool {
    syntax::column(expr).is_some_and(|name| ARRAY_COLUMNS.contains(&name.as_str()))
}

fn is_text(data_type: &DataType) -> bool {
    let name = data_type.to_string();
    TEXT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(&name))
}

/// Matches `col_description(CAST(format('%I.%I', …) AS regclass), …)`: the engine has numbers only of tables whose names are written out.
fn is_comment_of_computed_table(call: &Function) -> bool {
    COMMENT_FUNCTIONS.contains(&syntax::last_word(&call.name).as_str())
        && call.args.to_string().to_ascii_lowercase().contains("regclass")
}

/// Matches calls that make rows or bounds of such an array: `generate_series(array_lower(conkey, 1), …)`.
fn is_of_array(call: &Function) -> bool {
    match (syntax::last_word(&call.name).as_str(), syntax::first_argument(call)) {
        (EXPAND_ARRAY, _) => true,
        ("unnest", Some(array)) => is_array_column(array),
        ("array_lower" | "array_upper", Some(array)) => is_array_column(array),
        ("generate_series", Some(Expr::Function(bound))) => is_of_array(bound),
        _ => false,
    }
}

/// Rewrites `FROM pg_constraint CROSS JOIN unnest(conkey)`: the engine makes no rows of an array of another table.
struct UnnestedArrays;

impl SyntaxChanger for UnnestedArrays {
    fn enter_query(&mut self, query: &mut Query) {
        let SetExpr::Select(select) = &mut *query.body else { return };
        let tables = select.from.iter_mut().flat_map(|from| {
            std::iter::once(&mut from.relation).chain(from.joins.iter_mut().map(|join| &mut join.relation))
        });
        for table in tables {
            if let TableFactor::UNNEST { array_exprs, .. } = table
                && array_exprs.iter().all(is_array_column)
                && let Some(null) = syntax::parse("ARRAY[NULL::smallint]")
            {
                array_exprs.fill(null);
            }
        }
    }
}

fn null_number() -> Expr {
    syntax::parse("NULL::smallint").expect("a cast of null is SQL")
}

/// Whether a subquery reads `current_setting('search_path')`, as Grafana's list of tables does.
fn asks_for_search_path(query: &Query) -> bool {
    let mut found = SearchPathVisitor { found: false };
    walk(query, &mut found).is_ok() && found.found
}

struct SearchPathVisitor {
    found: bool,
}

impl SyntaxVisitor for SearchPathVisitor {
    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.found |= matches!(expr, Expr::Function(call) if is_search_path(call));
        ControlFlow::Continue(())
    }
}

fn is_search_path(call: &Function) -> bool {
    syntax::last_word(&call.name) == "current_setting"
        && syntax::first_argument(call).is_some_and(|name| name.to_string() == "'search_path'")
}

/// Aggregates the condition of `(SELECT c.relkind = 'c' FROM pg_class c WHERE c.oid = t.typrelid)`, which one row at most
/// meets: the engine has no correlated subqueries in place of values without an aggregate.
fn aggregate_condition(select: &mut Select) {
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    let [SelectItem::UnnamedExpr(condition)] = select.projection.as_mut_slice() else { return };
    let Expr::BinaryOp { op: BinaryOperator::Eq | BinaryOperator::NotEq, .. } = condition else { return };
    if !is_grouped
        && select.selection.is_some()
        && let Some(aggregated) = syntax::parse(&format!("bool_or({condition})"))
    {
        *condition = aggregated;
    }
}

#[cfg(test)]
#[path = "driver_syntax_tests.rs"]
mod tests;
