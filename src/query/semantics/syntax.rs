//! Changes of parsed statements, where the meaning of a construct has to be settled before types are known.

use std::mem;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Array, ArrayElemTypeDef, CastKind, DataType, ExactNumberInfo, Expr, Interval, ObjectName, Query,
    UnaryOperator, Value, ValueWithSpan,
};

use super::copy_budget::CopyBudget;
use super::function_call::{call, cast_of};
use super::{
    bytes, calls, comparisons, field_access, first_row, grouped_casts, like_escape, literals, named_time,
    prefix_operators, query_forms, subquery_order, substring, timezone, unknown_text, uuid_text,
};
use crate::query::syntax_visitor::{SyntaxChanger, change};

/// Rewrites `time AT TIME ZONE zone` to `timezone(zone, time)`, intervals and times to texts that arrow reads, and calls and queries
/// to those that DataFusion knows.
pub fn rewrite(statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => {
            change(&mut **statement, &mut PostgresForms::default());
            grouped_casts::name_apart(statement);
        }
        Statement::Explain(explain) => rewrite(&mut explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
    }
}

#[derive(Default)]
struct PostgresForms {
    /// Number of the queries around what is changed.
    depth: usize,
    budget: CopyBudget,
}

impl SyntaxChanger for PostgresForms {
    fn enter_query(&mut self, query: &mut Query) {
        query_forms::rewrite(query, &mut self.budget);
        subquery_order::keep(query, self.depth > 0);
        self.depth += 1;
    }

    fn leave_query(&mut self, _: &mut Query) {
        self.depth -= 1;
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
    cast_of(text, DataType::Bytea)
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
        Expr::UnaryOp { op, expr: operand } => {
            if let Some(known) = prefix_operators::rewrite(*op, operand) {
                *expr = known;
            }
        }
        Expr::Case { .. } => unknown_text::rewrite(expr),
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
        Expr::TypedString(_) => rewrite_typed_text(expr),
        Expr::CompoundFieldAccess { root, access_chain } => field_access::rewrite(root, access_chain),
        Expr::Substring { .. } => substring::rewrite(expr),
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

/// Takes `float` for `double precision`, as PostgreSQL does up from 25 bits; DataFusion (55) takes it for `real`.
fn widen_float(data_type: &mut DataType) {
    match data_type {
        DataType::Float(ExactNumberInfo::Precision(..=24)) => {}
        DataType::Float(_) => *data_type = DataType::DoublePrecision,
        DataType::Array(ArrayElemTypeDef::SquareBracket(of, _)) => widen_float(of),
        _ => {}
    }
}

/// Rewrites a text with a type before it, such as `timestamp '2024-03-31 10:00'`.
fn rewrite_typed_text(expr: &mut Expr) {
    let Expr::TypedString(typed) = expr else { return };
    widen_float(&mut typed.data_type);
    let mut text = Expr::Value(typed.value.clone());
    let uuid = uuid_text::rewrite_cast(&text, &typed.data_type, &CastKind::Cast);
    let value = uuid.or_else(|| named_time::value(&text, &typed.data_type));
    if let Some(value) = value.or_else(|| rounded_time(&text, &typed.data_type)) {
        *expr = value;
        return;
    }
    named_time::make_readable(&mut text, &typed.data_type);
    if let Expr::Value(readable) = text {
        typed.value = readable;
    }
}

/// Casts the elements of an array that is written out one by one, as numbers and times are cast elsewhere: DataFusion (55) cuts the fractions
/// of an array of numbers, and has other texts for times.
fn cast_elements(array: &mut Expr, of: &DataType) {
    let Expr::Array(Array { elem, .. }) = array else { return };
    let is_plain = |element: &Expr| match element {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
            digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        Expr::Value(_) => true,
        _ => false,
    };
    if elem.iter().all(is_plain) || elem.iter().any(|element| matches!(element, Expr::Array(_))) {
        return;
    }
    for element in elem {
        // A number that becomes a `numeric` is taken by its digits where it is cast itself, without brackets.
        *element = match matches!(element, Expr::Value(_)) {
            true => cast_of(element.clone(), of.clone()),
            false => calls::cast_to(element, of.clone()),
        };
    }
}

/// A text as a time that is rounded to so many digits: arrow cuts the text.
fn rounded_time(text: &Expr, target: &DataType) -> Option<Expr> {
    let DataType::Timestamp(Some(_), zone) = target else { return None };
    let is_text = matches!(text, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }));
    let whole = DataType::Timestamp(None, *zone);
    is_text.then(|| calls::cast_to(&calls::cast_to(text, whole), target.clone()))
}

fn rewrite_cast(cast: &mut Expr) {
    let Expr::Cast { expr, data_type, kind, .. } = cast else { return };
    widen_float(data_type);
    if let DataType::Array(_) = data_type {
        calls::rewrite_array(expr);
    }
    let value = uuid_text::rewrite_cast(expr, data_type, kind);
    let value = value.or_else(|| named_time::value(expr, data_type));
    if let Some(value) = value.or_else(|| rounded_time(expr, data_type)) {
        *cast = value;
        return;
    }
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(of, _)) => cast_elements(expr, of),
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
