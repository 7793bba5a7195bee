//! Rewrites `pg_catalog` queries of clients to syntax that the engine supports, in addition to `datafusion-pg-catalog`.
//!
//! It applies only to statements that name no table of ours. What it drops does not exist in a catalog of plain tables
//! (defaults, identity, collations, keys and indexes), so the results stay correct.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, JoinOperator, SetExpr,
    Statement, TableFactor, TableWithJoins, Value,
};

use super::syntax::{column, first_argument, last_word};
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, change_exprs, walk};

/// Array columns in the catalog tables of keys and indexes, which have no rows.
const ARRAY_COLUMNS: [&str; 7] =
    ["conkey", "confkey", "conexclop", "indkey", "indclass", "indcollation", "indoption"];

/// Columns of rights and options, which are null in every row.
const ABSENT_COLUMNS: [&str; 8] =
    ["attacl", "defaclacl", "lanacl", "nspacl", "proacl", "relacl", "reloptions", "typacl"];

/// Catalog tables without rows: there is one role, and only plain tables.
const EMPTY_TABLES: [&str; 4] = ["pg_auth_members", "pg_inherits", "pg_policy", "pg_publication"];

pub(super) fn rewrite(statement: &mut Statement) {
    change_exprs(statement, &mut rewrite_expr);
}

/// Whether a statement contains a subquery.
pub(super) fn has_subquery(statement: &DfStatement) -> bool {
    match statement {
        DfStatement::Statement(statement) => {
            let mut found = SubqueryVisitor { found: false };
            walk(&**statement, &mut found).is_ok() && found.found
        }
        DfStatement::Explain(explain) => has_subquery(&explain.statement),
        DfStatement::CreateExternalTable(_) | DfStatement::CopyTo(_) | DfStatement::Reset(_) => false,
    }
}

struct SubqueryVisitor {
    found: bool,
}

impl SyntaxVisitor for SubqueryVisitor {
    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.found |= matches!(expr, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. });
        ControlFlow::Continue(())
    }
}

fn rewrite_expr(expr: &mut Expr) {
    match expr {
        // The engine has no correlated subqueries within CASE. Clients use them for defaults, identities and collations of
        // columns.
        Expr::Case { .. } => change_exprs(expr, &mut |inner| {
            if matches!(inner, Expr::Subquery(_)) {
                *inner = null();
            }
        }),
        Expr::Function(call) if unnests_nothing(call) || joins_nothing(call) => *expr = null(),
        Expr::Function(call) if collects_nothing(call) => {
            *expr = Expr::Value(Value::SingleQuotedString("{}".to_owned()).into());
        }
        _ => {}
    }
}

/// Matches `array_to_string(relacl, …)` and `reloptions || ARRAY(…)` of absent columns, whose result is null.
fn joins_nothing(call: &Function) -> bool {
    last_word(&call.name) == "array_to_string" && first_argument(call).is_some_and(is_absent)
}

fn is_absent(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            is_absent(left) && is_absent(right)
        }
        Expr::Nested(inner) => is_absent(inner),
        Expr::Function(call) => collects_nothing(call),
        other => column(other).is_some_and(|name| ABSENT_COLUMNS.contains(&name.as_str())),
    }
}

/// Matches `ARRAY(SELECT … FROM pg_auth_members …)`: the engine has no such constructor. Over an empty table it is an
/// empty array.
fn collects_nothing(call: &Function) -> bool {
    let FunctionArguments::Subquery(query) = &call.args else { return false };
    let SetExpr::Select(select) = &*query.body else { return false };
    last_word(&call.name) == "array" && select.from.iter().any(has_no_rows)
}

/// Whether a table, or one that it is inner-joined with, is always empty.
fn has_no_rows(from: &TableWithJoins) -> bool {
    let inner = from.joins.iter().filter(|join| {
        matches!(
            join.join_operator,
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
        )
    });
    let all_inner = inner.clone().count() == from.joins.len();
    is_empty(&from.relation) || (all_inner && inner.map(|join| &join.relation).any(is_empty))
}

fn is_empty(table: &TableFactor) -> bool {
    match table {
        TableFactor::Table { name, args: None, .. } => EMPTY_TABLES.contains(&last_word(name).as_str()),
        TableFactor::Table { name, args: Some(args), .. } => {
            let first = match args.args.first() {
                Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(array))) => Some(array),
                _ => None,
            };
            last_word(name) == "unnest" && first.is_some_and(is_absent)
        }
        TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().all(is_absent),
        _ => false,
    }
}

/// Matches `unnest(conkey)` and `generate_subscripts(indkey, 1)`: over empty tables they return no rows.
fn unnests_nothing(call: &Function) -> bool {
    if !matches!(last_word(&call.name).as_str(), "unnest" | "generate_subscripts") {
        return false;
    }
    let array = first_argument(call).and_then(column);
    array.is_some_and(|name| ARRAY_COLUMNS.contains(&name.as_str()))
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn what_the_engine_does_not_know_is_said_otherwise() {
        let rows = [
            ("nothing_to_do", "SELECT a FROM t WHERE b LIKE 'c%'", "SELECT a FROM t WHERE b LIKE 'c%'"),
            (
                "a_subquery_in_case",
                "SELECT CASE WHEN a THEN (SELECT b FROM u) ELSE NULL END FROM t",
                "SELECT CASE WHEN a THEN NULL ELSE NULL END FROM t",
            ),
            ("a_subquery_elsewhere", "SELECT (SELECT b FROM u) FROM t", "SELECT (SELECT b FROM u) FROM t"),
            (
                "keys",
                "SELECT unnest(i.indkey), generate_subscripts(conkey, 1) FROM t",
                "SELECT NULL, NULL FROM t",
            ),
            ("other_arrays", "SELECT unnest(a) FROM t", "SELECT unnest(a) FROM t"),
            ("rights", "SELECT array_to_string(n.nspacl, ',') FROM n", "SELECT NULL FROM n"),
            ("other_texts", "SELECT array_to_string(a, ',') FROM n", "SELECT array_to_string(a, ',') FROM n"),
            (
                "options",
                "SELECT pg_catalog.array_to_string(c.reloptions || array(select 'toast.' || x from pg_catalog.unnest(tc.reloptions) x), ', ') FROM c",
                "SELECT NULL FROM c",
            ),
            (
                "members",
                "SELECT ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid)) AS m FROM r",
                "SELECT '{}' AS m FROM r",
            ),
            (
                "an_array_of_rows",
                "SELECT ARRAY(SELECT a FROM b LEFT JOIN pg_policy p ON true) FROM r",
                "SELECT ARRAY(SELECT a FROM b LEFT JOIN pg_policy p ON true) FROM r",
            ),
        ];
        for (name, text, expected) in rows {
            let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap().remove(0);
            rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected, "{name}");
        }
    }
}
