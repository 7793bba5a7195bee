//! Calls that PostgreSQL knows and DataFusion does not, rewritten to those that it knows.

use std::mem;

use datafusion::sql::sqlparser::ast::{
    Array, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, TimezoneInfo, Value, ValueWithSpan,
};

use super::function_call::call;
use super::timezone;

/// Rewrites `mod(a, b)`, `sign(x)` and `date_trunc(unit, time, zone)`.
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
        "sign" => {
            function.name = ObjectName::from(Ident::new("signum"));
            None
        }
        "date_trunc" => {
            let [unit, time, zone] = plain_arguments(function)?;
            // As an instant, so that a time without a zone is one of UTC.
            let instant = Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(Expr::Nested(Box::new(time.clone()))),
                data_type: DataType::Timestamp(None, TimezoneInfo::WithTimeZone),
                array: false,
                format: None,
            };
            let local = call(timezone::NAME, [zone.clone(), instant]);
            let cut = call("date_trunc", [unit.clone(), local]);
            Some(call(timezone::NAME, [zone.clone(), cut]))
        }
        _ => None,
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
