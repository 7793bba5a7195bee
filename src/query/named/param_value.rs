//! Parameter values: converts JSON values, or text from a URL, to the form that a statement takes.

use datafusion::scalar::ScalarValue;
use serde_json::Value;

use crate::domain::Micros;
use crate::domain::named_query::ParamKind;
use crate::query::functions::bucket_width::{self, CalendarInterval};

/// Returns what a value of a kind must be, for error messages.
pub fn describe_kind(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Bigint => "a whole number of 64 bits",
        ParamKind::Double => "a number",
        ParamKind::Text => "a text",
        ParamKind::Boolean => "true or false",
        ParamKind::Timestamp => "a time such as 2026-04-28T12:00:00Z, `now` or `now - 1 day`",
        ParamKind::Interval => "an interval such as `15 minutes` or PT15M",
    }
}

/// Converts a value for a statement: times become ISO-8601, intervals text that SQL reads, all others JSON's own types.
///
/// # Errors
/// A message with the invalid value and what would be valid.
pub fn parse_value(kind: ParamKind, value: &Value, now: Micros) -> Result<Value, String> {
    let found = match (kind, value) {
        (ParamKind::Bigint, Value::Number(number)) => number.as_i64().map(Value::from),
        (ParamKind::Bigint, Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        (ParamKind::Double, Value::Number(number)) => number.as_f64().map(Value::from),
        (ParamKind::Double, Value::String(text)) => read_double(text),
        (ParamKind::Boolean, Value::Bool(_)) | (ParamKind::Text, Value::String(_)) => Some(value.clone()),
        (ParamKind::Boolean, Value::String(text)) => text.trim().parse::<bool>().ok().map(Value::from),
        (ParamKind::Timestamp, Value::Number(seconds)) => read_time(&seconds.to_string(), now),
        (ParamKind::Timestamp, Value::String(text)) => read_time(text, now),
        (ParamKind::Interval, Value::String(text)) => bucket_width::parse_interval(text).map(interval),
        _ => None,
    };
    found.ok_or_else(|| format!("`{}` is not valid: it must be {}", excerpt(value), describe_kind(kind)))
}

/// Returns the given value, truncated for an error message.
fn excerpt(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Formats an interval in PostgreSQL's form, which a cast to INTERVAL accepts; it does not accept ISO-8601.
fn interval(parts: CalendarInterval) -> Value {
    let CalendarInterval { months, days, nanos } = parts;
    let time = match nanos % 1_000_000_000 {
        0 => format!("{} seconds", nanos / 1_000_000_000),
        _ => format!("{nanos} nanoseconds"),
    };
    Value::from(format!("{months} months {days} days {time}"))
}

/// Rejects infinities, which JSON does not have.
fn read_double(text: &str) -> Option<Value> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
}

fn read_time(text: &str, now: Micros) -> Option<Value> {
    let text = text.trim();
    let at = match text.strip_prefix("now").map(str::trim) {
        Some("") => now,
        Some(rest) => before(now, rest.strip_prefix('-')?)?,
        None => Micros::parse(text)?,
    };
    Some(Value::from(at.to_iso()))
}

/// Subtracts an interval; months are calendar months.
fn before(now: Micros, interval: &str) -> Option<Micros> {
    let CalendarInterval { months, days, nanos } = bucket_width::parse_interval(interval)?;
    let back = ScalarValue::new_interval_mdn(months, days, i64::try_from(nanos).ok()?);
    match ScalarValue::TimestampMicrosecond(Some(now.0), None).sub(&back).ok()? {
        ScalarValue::TimestampMicrosecond(Some(at), _) => Some(Micros(at)).filter(|at| at.is_storable()),
        _ => None,
    }
}
