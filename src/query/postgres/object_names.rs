//! Names of types, tables and functions in place of their numbers: `oid::regtype::text`, `'t'::regclass`,
//! `typinput = 'boolin'::regproc`.
//!
//! The library's catalog has numbers for types and tables, but functions by their names (`pg_type.typinput`). A name for
//! a number of a type or of a table it looks up itself. What remains is rewritten here, before the library does.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Ident, SelectItem, SetExpr, Statement, Value,
};

use super::syntax;
use crate::query::syntax_visitor::change_exprs;

/// Columns that hold functions, by their names.
const FUNCTION_COLUMNS: [&str; 16] = [
    "aggfnoid",
    "amhandler",
    "oprcode",
    "oprjoin",
    "oprrest",
    "prosupport",
    "rngcanonical",
    "rngsubdiff",
    "typanalyze",
    "typinput",
    "typmodin",
    "typmodout",
    "typoutput",
    "typreceive",
    "typsend",
    "typsubscript",
];
/// The name of no function.
const NO_FUNCTION: &str = "-";

/// Types of numbers that are shown as names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectKind {
    Type,
    Table,
    Function,
}

pub(super) fn rewrite(statement: &mut Statement) {
    if let Statement::Query(query) = &mut *statement
        && let SetExpr::Select(select) = &mut *query.body
    {
        for item in &mut select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
                continue;
            };
            if let Some(name) = shown(expr) {
                *expr = name;
            }
        }
    }
    change_exprs(statement, &mut rewrite_expr);
}

fn rewrite_expr(expr: &mut Expr) {
    match expr {
        Expr::Cast { expr: inner, data_type, .. } => {
            let is_text = matches!(last_word(data_type).as_str(), "text" | "varchar");
            let name = match named(data_type) {
                Some(ObjectKind::Function) if is_function_column(inner) => Some((**inner).clone()),
                None if is_text => shown(inner),
                _ => None,
            };
            if let Some(name) = name {
                *expr = name;
            }
        }
        Expr::BinaryOp { left, op, right } if is_comparison(op) => {
            compare_with_functions(left, right);
            compare_with_functions(right, left);
        }
        Expr::InList { expr, list, .. } if is_function_column(expr) => list.iter_mut().for_each(as_name),
        Expr::AnyOp { left, right, .. } if is_function_column(left) => {
            change_exprs(&mut **right, &mut as_name)
        }
        _ => {}
    }
}

/// Returns the name that PostgreSQL shows for a number: `None` for anything else.
fn shown(expr: &Expr) -> Option<Expr> {
    let Expr::Cast { expr: inner, data_type, .. } = syntax::without_parentheses(expr) else { return None };
    match (named(data_type)?, literal(inner)) {
        (ObjectKind::Type, Some(name)) => syntax::parse(&format!("format_type(to_regtype({name}), -1)")),
        (ObjectKind::Type, None) => syntax::parse(&format!("format_type({inner}, -1)")),
        (ObjectKind::Table, Some(Value::SingleQuotedString(name))) => table_name(&name),
        (ObjectKind::Function, Some(_)) => Some(function_name(expr)?),
        (ObjectKind::Function, None) => is_function_column(inner).then(|| (**inner).clone()),
        (ObjectKind::Table, _) => None,
    }
}

/// Returns the name of a table that there is; null for any other.
fn table_name(name: &str) -> Option<Expr> {
    let last = name.rsplit('.').next()?.trim_matches('"').replace('\'', "''");
    syntax::parse(&format!("(SELECT max(c.relname) FROM pg_catalog.pg_class c WHERE c.relname = '{last}')"))
}

/// Makes what a column of functions is compared with a name.
fn compare_with_functions(column: &Expr, other: &mut Expr) {
    if is_function_column(column) {
        as_name(other);
        match other {
            Expr::Identifier(name) => call_proname(name),
            Expr::CompoundIdentifier(parts) => parts.last_mut().into_iter().for_each(call_proname),
            _ => {}
        }
    }
}

/// Replaces `pg_proc.oid` by `proname`.
fn call_proname(name: &mut Ident) {
    if name.value.eq_ignore_ascii_case("oid") {
        name.value = "proname".to_owned();
    }
}

/// Replaces a function of a statement by its name, and the number of none by that of none.
fn as_name(expr: &mut Expr) {
    if let Some(name) = function_name(expr) {
        *expr = name;
    }
}

/// Returns the name of `'boolin'::regproc`, of `'array_in(cstring,internal)'::regprocedure` and of 0.
fn function_name(expr: &Expr) -> Option<Expr> {
    let name = match syntax::without_parentheses(expr) {
        Expr::Cast { expr, data_type, .. } if named(data_type) == Some(ObjectKind::Function) => {
            literal(expr)?
        }
        Expr::Value(value) if matches!(&value.value, Value::Number(number, _) if number == "0") => {
            Value::SingleQuotedString(NO_FUNCTION.to_owned())
        }
        _ => return None,
    };
    let Value::SingleQuotedString(name) = name else { return None };
    let plain = name.split('(').next().unwrap_or_default().trim();
    let plain = plain.strip_prefix("pg_catalog.").unwrap_or(plain);
    Some(Expr::Value(Value::SingleQuotedString(plain.to_owned()).into()))
}

fn literal(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => {
            Some(value.value.clone())
        }
        _ => None,
    }
}

fn is_function_column(expr: &Expr) -> bool {
    syntax::column(expr).is_some_and(|name| FUNCTION_COLUMNS.contains(&name.as_str()))
}

fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::Eq | BinaryOperator::NotEq)
}

fn named(data_type: &DataType) -> Option<ObjectKind> {
    match last_word(data_type).as_str() {
        "regtype" => Some(ObjectKind::Type),
        "regclass" => Some(ObjectKind::Table),
        "regproc" | "regprocedure" => Some(ObjectKind::Function),
        _ => None,
    }
}

/// Returns the name of a type without its schema.
fn last_word(data_type: &DataType) -> String {
    let name = data_type.to_string().to_ascii_lowercase();
    name.strip_prefix("pg_catalog.").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
#[path = "object_names_tests.rs"]
mod tests;
