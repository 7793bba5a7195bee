//! Changes of parsed statements, where the meaning of a construct has to be settled before types are known.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, Interval,
    ObjectName, Value, ValueWithSpan,
};

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

pub(super) fn call<const N: usize>(name: &str, args: [Expr; N]) -> Expr {
    let args = args.map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).to_vec();
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(Ident::new(name)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
