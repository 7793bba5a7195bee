//! Changes of parsed statements, where the meaning of a construct has to be settled before types are known.

use std::mem;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Interval, ObjectName, Query, UnaryOperator, Value, ValueWithSpan,
};

use super::function_call::call;
use super::{
    bytes, calls, comparisons, first_row, like_escape, literals, named_time, query_forms, timezone, uuid_text,
};
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

fn as_bytes(text: Expr) -> Expr {
    let expr = Box::new(text);
    Expr::Cast { kind: CastKind::DoubleColon, expr, data_type: DataType::Bytea, array: false, format: None }
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
        // DataFusion (55) puts the sign before the text of the interval, where it is that of the first part only.
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: interval }
            if matches!(**interval, Expr::Interval(_)) =>
        {
            let negated = mem::replace(&mut **interval, Expr::value(Value::Null));
            **interval = Expr::Nested(Box::new(negated));
        }
        Expr::Like { .. } | Expr::ILike { .. } => like_escape::rewrite(expr),
        Expr::Function(function) => {
            if let Some(known) = calls::rewrite(function) {
                *expr = known;
            }
        }
        Expr::TypedString(typed) if typed.data_type == DataType::Bytea => {
            let mut text = Expr::Value(typed.value.clone());
            bytes::rewrite_literal(&mut text);
            *expr = as_bytes(text);
        }
        Expr::TypedString(typed) => {
            let text = Expr::Value(typed.value.clone());
            let uuid = uuid_text::rewrite_cast(&text, &typed.data_type, &CastKind::Cast);
            if let Some(value) = uuid.or_else(|| named_time::value(&text, &typed.data_type)) {
                *expr = value;
            }
        }
        Expr::Subquery(query) => first_row::rewrite_subquery(query),
        Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
            calls::rewrite_array(right);
            if let Expr::Cast { expr: text, data_type: DataType::Array(_), .. } = &mut **right {
                calls::rewrite_array(text);
            }
            comparisons::rewrite(expr);
        }
        Expr::BinaryOp { .. } | Expr::InList { .. } | Expr::IsNull(_) | Expr::IsNotNull(_) => {
            comparisons::rewrite(expr)
        }
        // Texts are in the order of their bytes.
        Expr::Collate { expr: text, collation } if is_of_bytes(collation) => {
            *expr = mem::replace(&mut **text, Expr::value(Value::Null));
        }
        Expr::Cast { .. } => rewrite_cast(expr),
        _ => {}
    }
}

fn rewrite_cast(cast: &mut Expr) {
    let Expr::Cast { expr, data_type, kind, .. } = cast else { return };
    if let DataType::Array(_) = data_type {
        calls::rewrite_array(expr);
    }
    let value = uuid_text::rewrite_cast(expr, data_type, kind);
    if let Some(value) = value.or_else(|| named_time::value(expr, data_type)) {
        *cast = value;
        return;
    }
    match data_type {
        DataType::Array(_) => {}
        DataType::Timestamp(..) | DataType::Date => named_time::make_readable(expr, data_type),
        DataType::Bytea => bytes::rewrite_literal(expr),
        _ => {
            calls::keep_digits(expr, data_type);
            if let Some(cut) = calls::cut_text(expr, data_type) {
                *cast = cut;
            }
        }
    }
}
