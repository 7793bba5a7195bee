//! Changes of parsed statements, where the meaning of a construct has to be settled before types are known.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Interval, Value, ValueWithSpan};

use super::function_call::call;
use super::{calls, literals, timezone};
use crate::query::syntax_visitor::change_exprs;

/// Rewrites `time AT TIME ZONE zone` to `timezone(zone, time)`, intervals to texts that arrow reads, and calls to those
/// that DataFusion knows.
pub fn rewrite(statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => change_exprs(&mut **statement, &mut rewrite_expr),
        Statement::Explain(explain) => rewrite(&mut explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
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
        Expr::Cast { expr, data_type, .. } => calls::keep_digits(expr, data_type),
        _ => {}
    }
}
