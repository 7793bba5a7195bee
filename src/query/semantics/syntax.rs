//! Changes of parsed statements, where the meaning of a construct has to be settled before types are known.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{DataType, Expr, Interval, Query, Value, ValueWithSpan};

use super::function_call::call;
use super::{calls, literals, query_forms, timezone};
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
        Expr::AnyOp { right, .. } => calls::rewrite_array(right),
        Expr::Identifier(name) if calls::is_local_time(name) => *expr = calls::local_time(),
        Expr::Cast { expr, data_type, .. } => match data_type {
            DataType::Array(_) => calls::rewrite_array(expr),
            DataType::Timestamp(..) => literals::rewrite_timestamp(expr),
            _ => calls::keep_digits(expr, data_type),
        },
        _ => {}
    }
}
