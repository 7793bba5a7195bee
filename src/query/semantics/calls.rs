//! Calls that PostgreSQL knows and DataFusion does not, rewritten to those that it knows.

use std::mem;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Array, BinaryOperator, CaseWhen, CharacterLength, DataType, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, ObjectName, TimezoneInfo, UnaryOperator, Value, ValueWithSpan,
};

use super::array_literal::{self, Element};
use super::function_call::{call, cast_of};
use super::interval_functions::{MAKE_INTERVAL, PARTS};
use super::{encodings, ordered_list, time_pattern, timezone, trunc_in_zone};

/// Most digits of a `numeric` that is taken by its digits.
const MAX_NUMERIC_DIGITS: usize = 38;

/// Rewrites arithmetic, functions of times and of sorted values, and functions that have another name.
pub(super) fn rewrite(function: &mut Function) -> Option<Expr> {
    let [name] = function.name.0.as_slice() else { return None };
    let name = name.as_ident()?.value.to_ascii_lowercase();
    match name.as_str() {
        "mod" => {
            let [left, right] = plain_arguments(function)?;
            Some(arithmetic(left, BinaryOperator::Modulo, right))
        }
        "percentile_disc" | "mode" => ordered_list::rewrite(&name, function),
        "every" => renamed(function, "bool_and"),
        "variance" => renamed(function, "var_samp"),
        "localtimestamp" => Some(local_time()),
        "date" => {
            let [time] = plain_arguments(function)?;
            Some(cast_to(time, DataType::Date))
        }
        "div" => {
            let [left, right] = plain_arguments(function)?;
            // Without the remainder, so that integers keep all of their digits.
            let rest = arithmetic(left, BinaryOperator::Modulo, right);
            let whole = arithmetic(left, BinaryOperator::Minus, &rest);
            let size = ExactNumberInfo::PrecisionAndScale(MAX_NUMERIC_DIGITS as u64, 0);
            Some(cast_to(&arithmetic(&whole, BinaryOperator::Divide, right), DataType::Numeric(size)))
        }
        "to_timestamp" => {
            if let Some([seconds]) = plain_arguments(function) {
                return seconds_in_text(seconds);
            }
            let [text, pattern] = plain_arguments(function)?;
            let pattern = time_pattern::strftime_literal(pattern)?;
            Some(as_instant(&call("to_timestamp", [text.clone(), pattern])))
        }
        "to_date" => {
            let [text, pattern] = plain_arguments(function)?;
            let pattern = time_pattern::strftime_literal(pattern)?;
            Some(call("to_date", [text.clone(), pattern]))
        }
        "clock_timestamp" | "statement_timestamp" | "transaction_timestamp" => renamed(function, "now"),
        "age" => {
            let [earlier] = plain_arguments(function)?;
            let unit = Expr::value(Value::SingleQuotedString("day".to_owned()));
            let today = call("date_trunc", [unit, call("now", [])]);
            Some(call("age", [today, earlier.clone()]))
        }
        MAKE_INTERVAL => made_interval(function),
        "to_char" => {
            let [number, _] = plain_arguments_mut(function)?;
            exact(number);
            None
        }
        "make_timestamptz" => made_instant(function),
        "encode" | "decode" => {
            let [of, encoding] = plain_arguments(function)?;
            encodings::rewrite(&name, of, encoding)
        }
        "sign" => {
            // NaN has none (PostgreSQL 15, `dsign`).
            let [number] = plain_arguments(function)?;
            let zero = Expr::value(Value::Number("0".to_owned(), false));
            Some(call("nanvl", [call("signum", [number.clone()]), zero]))
        }
        "date_trunc" => {
            let [unit, time, zone] = plain_arguments(function)?;
            Some(call(trunc_in_zone::NAME, [unit.clone(), as_instant(time), zone.clone()]))
        }
        _ => rewrite_simple(&name, function),
    }
}

/// Rewrites calls whose other form has the same arguments.
fn rewrite_simple(name: &str, function: &mut Function) -> Option<Expr> {
    match name {
        "ceiling" => renamed(function, "ceil"),
        // DataFusion's functions of these names change the first element that they find.
        "array_remove" => renamed(function, "array_remove_all"),
        "array_replace" => renamed(function, "array_replace_all"),
        "array_length" => {
            // An empty array has no dimension.
            let [array, dimension] = plain_arguments(function)?;
            let length = call("list_length", [array.clone(), dimension.clone()]);
            let zero = Expr::value(Value::Number("0".to_owned(), false));
            Some(call("nullif", [cast_to(&length, DataType::BigInt(None)), zero]))
        }
        "isfinite" => {
            // True for every time, since there are no infinite ones here. Only times and intervals have an epoch.
            let [time] = plain_arguments(function)?;
            let unit = Expr::value(Value::SingleQuotedString("epoch".to_owned()));
            let epoch = call("date_part", [unit, time.clone()]);
            let large = Expr::value(Value::Number("1e300".to_owned(), false));
            Some(arithmetic(&epoch, BinaryOperator::Lt, &large))
        }
        "lag" | "lead" => without_offset(function),
        _ => None,
    }
}

/// NULL of the type of the value, for `lag` or `lead` with NULL as offset, which DataFusion takes for 0.
fn without_offset(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let [value, offset, ..] = list.args.as_slice() else { return None };
    let mut offset = plain(offset)?;
    while let Expr::Cast { expr, .. } | Expr::Nested(expr) = offset {
        offset = expr;
    }
    if !matches!(offset, Expr::Value(ValueWithSpan { value: Value::Null, .. })) {
        return None;
    }
    let condition = CaseWhen { condition: Expr::value(Value::Null), result: plain(value)?.clone() };
    Some(Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![condition],
        else_result: None,
    })
}

/// `make_timestamptz`, whose parts are those of UTC or of a zone.
fn made_instant(function: &Function) -> Option<Expr> {
    if let Some([year, month, day, hour, minute, second, zone]) = plain_arguments(function) {
        let parts = [year, month, day, hour, minute, second];
        let local = call("make_timestamp", parts.map(Expr::clone));
        return Some(call(timezone::NAME, [zone.clone(), local]));
    }
    let parts: [&Expr; 6] = plain_arguments(function)?;
    Some(as_instant(&call("make_timestamp", parts.map(Expr::clone))))
}

/// `make_interval` with all of its arguments, in their order; `None` for an argument that it does not have.
fn made_interval(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let mut parts = PARTS.map(|_| None);
    for (place, argument) in list.args.iter().enumerate() {
        let (place, part) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(part)) => (place, part),
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name), arg: FunctionArgExpr::Expr(part), ..
            } => (PARTS.iter().position(|known| name.value.eq_ignore_ascii_case(known))?, part),
            _ => return None,
        };
        let is_given = parts.get_mut(place)?.replace(part.clone()).is_some();
        if is_given {
            return None;
        }
    }
    let zero = || Expr::value(Value::Number("0".to_owned(), false));
    Some(call(MAKE_INTERVAL, parts.map(|part| part.unwrap_or_else(zero))))
}

/// Takes a number that is written out with a point for a `numeric`, which is written half away from zero.
fn exact(expr: &mut Expr) {
    let number = match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => &mut **expr,
        other => other,
    };
    let Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) = number else { return };
    let Some((whole, fraction)) = digits.split_once('.') else { return };
    let has_digits_only = [whole, fraction].iter().all(|part| part.is_empty() || is_digits(part));
    if has_digits_only && digits.len() <= MAX_NUMERIC_DIGITS {
        let size = ExactNumberInfo::PrecisionAndScale(MAX_NUMERIC_DIGITS as u64, fraction.len() as i64);
        let text = Expr::value(Value::SingleQuotedString(digits.clone()));
        *number = cast_to(&text, DataType::Numeric(size));
    }
}

/// Gives a function the name that it has in DataFusion.
fn renamed(function: &mut Function, name: &str) -> Option<Expr> {
    function.name = ObjectName::from(Ident::new(name));
    None
}

fn arithmetic(left: &Expr, op: BinaryOperator, right: &Expr) -> Expr {
    let nested = |expr: &Expr| Box::new(Expr::Nested(Box::new(expr.clone())));
    let (left, right) = (nested(left), nested(right));
    Expr::Nested(Box::new(Expr::BinaryOp { left, op, right }))
}

/// `to_timestamp` of a number that is written as a text, which PostgreSQL takes for a `float8`.
fn seconds_in_text(seconds: &Expr) -> Option<Expr> {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = seconds else {
        return None;
    };
    let is_number = text.trim().parse::<f64>().is_ok();
    is_number.then(|| call("to_timestamp", [cast_to(seconds, DataType::DoublePrecision)]))
}

/// A time as an instant: one without a zone is one of UTC.
fn as_instant(time: &Expr) -> Expr {
    cast_to(time, DataType::Timestamp(None, TimezoneInfo::WithTimeZone))
}

pub(super) fn cast_to(expr: &Expr, data_type: DataType) -> Expr {
    cast_of(Expr::Nested(Box::new(expr.clone())), data_type)
}

/// The time of the statement without a zone.
fn local_time() -> Expr {
    cast_to(&call("now", []), DataType::Timestamp(None, TimezoneInfo::None))
}

/// The arguments of a call that is no more than that; `None` for another number of them.
fn plain_arguments<const N: usize>(function: &Function) -> Option<[&Expr; N]> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_plain = list.clauses.is_empty() && list.duplicate_treatment.is_none() && function.over.is_none();
    let arguments: Vec<&Expr> = list.args.iter().map(plain).collect::<Option<_>>()?;
    if is_plain { arguments.try_into().ok() } else { None }
}

/// The arguments of a call, to be changed; `None` for another number of them.
fn plain_arguments_mut<const N: usize>(function: &mut Function) -> Option<[&mut Expr; N]> {
    let FunctionArguments::List(list) = &mut function.args else { return None };
    let arguments = list.args.iter_mut().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    arguments.collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn plain(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}

/// Rewrites the text of an array, such as `{1,2}`, to an array; other texts are left as they are.
pub(super) fn rewrite_array(expr: &mut Expr) {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = expr else { return };
    let Some(parts) = array_literal::elements(text) else { return };
    let is_null = |part: &Element| !part.is_quoted && part.text.eq_ignore_ascii_case("null");
    let are_numbers =
        parts.iter().all(|part| is_null(part) || !part.is_quoted && is_plain_number(&part.text));
    let element = |part: Element| match part {
        null if is_null(&null) => Value::Null,
        number if are_numbers => Value::Number(number.text, false),
        other => Value::SingleQuotedString(other.text),
    };
    let elem = parts.into_iter().map(element).map(Expr::value).collect();
    *expr = Expr::Array(Array { elem, named: true });
}

/// A text that is cast to `varchar(n)` or `char(n)`, cut to its first n characters, which DataFusion (55) leaves.
pub(super) fn cut_text(expr: &Expr, target: &DataType) -> Option<Expr> {
    let (DataType::Varchar(length)
    | DataType::CharacterVarying(length)
    | DataType::CharVarying(length)
    | DataType::Character(length)
    | DataType::Char(length)) = target
    else {
        return None;
    };
    let length = match (length, target) {
        (Some(CharacterLength::IntegerLength { length, .. }), _) => *length,
        (None, DataType::Char(_) | DataType::Character(_)) => 1,
        _ => return None,
    };
    let length = Expr::value(Value::Number(length.to_string(), false));
    Some(call("left", [cast_to(expr, DataType::Text), length]))
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

/// Whether a text is a number as it is shown: one that is compared with texts must stay as it is.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "1"));
    let is_plain = whole == "0" || !whole.starts_with('0');
    is_plain && is_digits(whole) && is_digits(fraction) && !fraction.ends_with('0') && text != "-0"
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
