//! Casts of texts to times and dates: those that name a time, such as `'today'` (PostgreSQL 15, 8.5.1.4), and those of which the
//! form has to be readable before types are known.

use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType, Expr, TimezoneInfo, Value, ValueWithSpan};

use super::calls::cast_to;
use super::function_call::call;
use super::time_literal::{self, TimeKind};

/// Returns what a named time is for a type; `None` for other texts and types. `epoch` has a form of its own.
pub(super) fn value(text: &Expr, target: &DataType) -> Option<Expr> {
    kind_of(target)?;
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = text else { return None };
    let now = call("now", []);
    let days = match text.trim().to_ascii_lowercase().as_str() {
        "now" => return Some(cast_to(&now, target.clone())),
        "yesterday" => -1,
        "today" => 0,
        "tomorrow" => 1,
        _ => return None,
    };
    let today = cast_to(&now, DataType::Date);
    let op = if days < 0 { BinaryOperator::Minus } else { BinaryOperator::Plus };
    let days = Expr::value(Value::Number(i32::abs(days).to_string(), false));
    let day = Expr::BinaryOp { left: Box::new(today), op, right: Box::new(days) };
    Some(cast_to(&day, target.clone()))
}

/// Rewrites a text that is cast to a time or date, so that it is readable before types are known, as in arguments of
/// `generate_series`.
pub(super) fn make_readable(text: &mut Expr, target: &DataType) {
    if let Some(kind) = kind_of(target)
        && let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = text
        && let Some(readable) = time_literal::readable(text, kind)
    {
        *text = readable;
    }
}

fn kind_of(target: &DataType) -> Option<TimeKind> {
    match target {
        DataType::Date => Some(TimeKind::Date),
        DataType::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => Some(TimeKind::Instant),
        DataType::Timestamp(..) => Some(TimeKind::Local),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn named_times_are_of_the_statement() {
        for (text, expected) in [
            ("'now'::timestamptz", "(now())::TIMESTAMPTZ"),
            ("date ' Today '", "((now())::DATE + 0)::DATE"),
            ("CAST('tomorrow' AS timestamp)", "((now())::DATE + 1)::TIMESTAMP"),
            ("'yesterday'::date", "((now())::DATE - 1)::DATE"),
            ("'2024-03-31 10:00'::timestamptz", "'2024-03-31T10:00:00.000000Z'::TIMESTAMPTZ"),
            ("'today'::text", "'today'::TEXT"),
            ("'later'::date", "'later'::DATE"),
        ] {
            let mut statement = parse(&format!("SELECT {text}"), 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), format!("SELECT {expected}"), "{text}");
        }
    }
}
