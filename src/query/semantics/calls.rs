//! Calls that PostgreSQL knows and DataFusion does not, rewritten to those that it knows.

use std::mem;

use datafusion::sql::sqlparser::ast::{
    Array, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, TimezoneInfo, Value, ValueWithSpan,
};

use super::function_call::call;
use super::{ordered_list, timezone};

/// Rewrites `mod(a, b)`, `sign(x)`, `age(time)`, `make_timestamptz(…)`, `date_trunc(unit, time, zone)`, times of a statement,
/// and functions of sorted values.
pub(super) fn rewrite(function: &mut Function) -> Option<Expr> {
    let [name] = function.name.0.as_slice() else { return None };
    let name = name.as_ident()?.value.to_ascii_lowercase();
    match name.as_str() {
        "mod" => {
            let [left, right] = plain_arguments(function)?;
            let nested = |expr: &Expr| Box::new(Expr::Nested(Box::new(expr.clone())));
            let (left, right) = (nested(left), nested(right));
            Some(Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::Modulo, right })))
        }
        "percentile_disc" | "mode" => ordered_list::rewrite(&name, function),
        "clock_timestamp" | "statement_timestamp" | "transaction_timestamp" => {
            function.name = ObjectName::from(Ident::new("now"));
            None
        }
        "age" => {
            let [earlier] = plain_arguments(function)?;
            let unit = Expr::value(Value::SingleQuotedString("day".to_owned()));
            let today = call("date_trunc", [unit, call("now", [])]);
            Some(call("age", [today, earlier.clone()]))
        }
        "make_timestamptz" => {
            let parts: [&Expr; 6] = plain_arguments(function)?;
            Some(as_instant(&call("make_timestamp", parts.map(Expr::clone))))
        }
        "sign" => {
            function.name = ObjectName::from(Ident::new("signum"));
            None
        }
        "date_trunc" => {
            let [unit, time, zone] = plain_arguments(function)?;
            let local = call(timezone::NAME, [zone.clone(), as_instant(time)]);
            let cut = call("date_trunc", [unit.clone(), local]);
            Some(call(timezone::NAME, [zone.clone(), cut]))
        }
        _ => None,
    }
}

/// A time as an instant: one without a zone is one of UTC.
fn as_instant(time: &Expr) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Nested(Box::new(time.clone()))),
        data_type: DataType::Timestamp(None, TimezoneInfo::WithTimeZone),
        array: false,
        format: None,
    }
}

/// The arguments of a call that is no more than that; `None` for another number of them.
fn plain_arguments<const N: usize>(function: &Function) -> Option<[&Expr; N]> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_plain = list.clauses.is_empty() && list.duplicate_treatment.is_none() && function.over.is_none();
    let arguments: Vec<&Expr> = list.args.iter().map(plain).collect::<Option<_>>()?;
    if is_plain { arguments.try_into().ok() } else { None }
}

fn plain(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// Rewrites the text of an array, such as `{1,2}`, to an array; texts with quotes or backslashes are left as they are.
pub(super) fn rewrite_array(expr: &mut Expr) {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = expr else { return };
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return };
    if inner.trim().is_empty() || inner.contains(['"', '\\', '{', '}']) {
        return;
    }
    let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return;
    }
    let is_null = |part: &str| part.eq_ignore_ascii_case("null");
    let are_numbers = parts.iter().all(|part| is_null(part) || is_digits(part));
    let element = |part: &&str| match *part {
        null if is_null(null) => Value::Null,
        number if are_numbers => Value::Number(number.to_owned(), false),
        text => Value::SingleQuotedString(text.to_owned()),
    };
    let elem = parts.iter().map(element).map(Expr::value).collect();
    *expr = Expr::Array(Array { elem, named: true });
}

/// Takes a number that becomes a `numeric` by its digits, of which a float8 keeps some sixteen.
pub(super) fn keep_digits(expr: &mut Expr, target: &DataType) {
    if !matches!(target, DataType::Numeric(_) | DataType::Decimal(_)) {
        return;
    }
    if let Expr::Value(ValueWithSpan { value, .. }) = expr
        && let Value::Number(digits, _) = value
        && digits.split('.').filter(|part| !part.is_empty()).all(is_digits)
    {
        *value = Value::SingleQuotedString(mem::take(digits));
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
