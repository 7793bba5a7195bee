//! Questions of tools to `pg_catalog` in words that the engine knows, beside what `datafusion-pg-catalog` rewrites.
//!
//! Only for statements that name no table of ours: what is left out here is what a catalog of plain tables has none of
//! (defaults, identity, collations, keys and indexes), so that the answer stays true.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Statement, Value, Visit, VisitMut,
    Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Arrays in the catalog's tables of keys and indexes, which have no rows.
const ARRAYS: [&str; 7] =
    ["conkey", "confkey", "conexclop", "indkey", "indclass", "indcollation", "indoption"];

pub(super) fn rewrite(statement: &mut Statement) {
    // Nothing breaks off: the visitor always continues.
    let _ = VisitMut::visit(statement, &mut Rewrite);
}

/// Whether a statement asks a question within its question.
pub(super) fn has_subquery(statement: &DfStatement) -> bool {
    let DfStatement::Statement(statement) = statement else { return false };
    Visit::visit(&**statement, &mut FindSubquery).is_break()
}

struct FindSubquery;

impl Visitor for FindSubquery {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

struct Rewrite;

impl VisitorMut for Rewrite {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Case { .. } => {
                let _ = VisitMut::visit(expr, &mut WithoutSubqueries);
            }
            Expr::Like { pattern, escape_char, .. } => {
                if let Some(Value::SingleQuotedString(escape)) = escape_char.as_ref().map(|c| &c.value)
                    && let Some(escaped) = escaped(pattern, escape)
                {
                    (**pattern, *escape_char) = (escaped, None);
                }
            }
            Expr::Function(call) if unnests_nothing(call) => *expr = null(),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The engine has no correlated subqueries within CASE. Tools ask so for defaults, identities and collations of columns.
struct WithoutSubqueries;

impl VisitorMut for WithoutSubqueries {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Subquery(_)) {
            *expr = null();
        }
        ControlFlow::Continue(())
    }
}

/// A pattern with the escape that the engine knows in the place of another; it may be a parameter, so it is said in SQL.
fn escaped(pattern: &Expr, escape: &str) -> Option<Expr> {
    let escape = escape.replace('\'', "''");
    let text = format!(r"replace({pattern}, '{escape}', '\')");
    Parser::new(&PostgreSqlDialect {}).try_with_sql(&text).ok()?.parse_expr().ok()
}

/// `unnest(conkey)` and `generate_subscripts(indkey, 1)`: of no rows they make none.
fn unnests_nothing(call: &Function) -> bool {
    let name =
        call.name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_ascii_lowercase());
    if !matches!(name.as_deref(), Some("unnest" | "generate_subscripts")) {
        return false;
    }
    let FunctionArguments::List(list) = &call.args else { return false };
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(array))) = list.args.first() else { return false };
    let column = match array {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    column.is_some_and(|name| ARRAYS.contains(&name.value.to_ascii_lowercase().as_str()))
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_does_not_know_is_said_otherwise() {
        let rows = [
            ("nothing_to_do", "SELECT a FROM t WHERE b LIKE 'c%'", "SELECT a FROM t WHERE b LIKE 'c%'"),
            (
                "an_escape",
                "SELECT a FROM t WHERE a NOT LIKE 'pg/_' || '%' ESCAPE '/'",
                r"SELECT a FROM t WHERE a NOT LIKE replace('pg/_' || '%', '/', '\')",
            ),
            (
                "an_escape_of_a_parameter",
                "SELECT a FROM t WHERE a LIKE $1 ESCAPE '#'",
                r"SELECT a FROM t WHERE a LIKE replace($1, '#', '\')",
            ),
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
        ];
        for (name, text, expected) in rows {
            let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, text).unwrap().remove(0);
            rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected, "{name}");
        }
    }
}
