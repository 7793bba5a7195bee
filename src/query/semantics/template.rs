//! Templates of queries, in which another one takes a place.

use std::mem;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Query, SetExpr, Statement as SqlStatement, TableFactor, Value};

use crate::query::guard::parser::parse;

/// Depth up to which templates are parsed.
const TEMPLATE_DEPTH: usize = 16;

/// NULL, which stands in the place of an expression that is moved.
pub(super) fn null() -> Expr {
    Expr::value(Value::Null)
}

/// Parses a template and puts a query in the place of the one in its FROM.
pub(super) fn around(template: &str, query: &mut Query) -> Option<Box<Query>> {
    let Ok(Statement::Statement(statement)) = parse(template, TEMPLATE_DEPTH) else { return None };
    let SqlStatement::Query(mut outer) = *statement else { return None };
    let SetExpr::Select(select) = &mut *outer.body else { return None };
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    mem::swap(&mut **subquery, query);
    Some(outer)
}
