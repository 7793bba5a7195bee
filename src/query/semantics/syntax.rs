//! Changes of parsed statements, where the meaning of a construct has to be settled before types are known.

use std::mem;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{DataType, Expr, Interval, ObjectName, Query, Value, ValueWithSpan};

use super::function_call::call;
use super::{calls, first_row, literals, query_forms, timezone};
use crate::query::syntax_visitor::{SyntaxChanger, change};

/// Rewrites `time AT TIME ZONE zone` to `timezone(zone, time)`, intervals and times to texts that arrow reads, and calls and queries
/// to those that DataFusion knows.
pub fn rewrite(statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => change(&mut **statement, &mut PostgresForms),
        Statement::Explain(explain) => rewrite(&mut explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
    }
}

struct PostgresForms;

impl SyntaxChanger for PostgresForms {
    fn enter_query(&mut self, query: &mut Query) {
        query_forms::rewrite(query);
    }

    fn enter_expr(&mut self, expr: &mut Expr) {
        rewrite_expr(expr);
    }
}

fn is_of_bytes(collation: &ObjectName) -> bool {
    let name = collation.0.last().and_then(|part| part.as_ident());
    name.is_some_and(|name| ["C", "POSIX", "default"].contains(&name.value.as_str()))
}

fn rewrite_expr(expr: &mut Expr) {
    match expr {
        Expr::AtTimeZone { timestamp, time_zone } => {
            *expr = call(timezone::NAME, [(**time_zone).clone(), (**timestamp).clone()]);
        }
        Expr::Interval(Interval { value, leading_field: None, .. }) => {
            if let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = &mut **value
                && let Some(readable) = literals::interval(text)
            {
                *text = readable;
            }
        }
        Expr::Function(function) => {
            if let Some(known) = calls::rewrite(function) {
                *expr = known;
            }
        }
        Expr::Subquery(query) => first_row::rewrite_subquery(query),
        Expr::AnyOp { right, .. } => calls::rewrite_array(right),
        // Texts are in the order of their bytes.
        Expr::Collate { expr: text, collation } if is_of_bytes(collation) => {
            *expr = mem::replace(&mut **text, Expr::value(Value::Null));
        }
        Expr::Cast { expr, data_type, .. } => match data_type {
            DataType::Array(_) => calls::rewrite_array(expr),
            DataType::Timestamp(..) => literals::rewrite_timestamp(expr),
            _ => calls::keep_digits(expr, data_type),
        },
        _ => {}
    }
}
