//! Argument types of our functions: coercion, and errors that name function and argument.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;

/// Returns the type of a timestamp in microseconds with the time zone of its column.
fn timestamp(zone: Option<Arc<str>>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone)
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Coerces to a time: any timestamp to microseconds, a date or a text to its instant in UTC. Other types are unchanged,
/// to be refused later.
pub fn to_time(of: &DataType) -> DataType {
    match of {
        DataType::Timestamp(_, zone) => timestamp(zone.clone()),
        DataType::Date32 | DataType::Date64 | DataType::Null => timestamp(Some("UTC".into())),
        text if is_text(text) => timestamp(Some("UTC".into())),
        other => other.clone(),
    }
}

/// Coerces to a sort key: a time or a whole number.
pub fn to_order(of: &DataType) -> DataType {
    if of.is_integer() && *of != DataType::UInt64 { DataType::Int64 } else { to_time(of) }
}

/// Coerces to a number. Text is not coerced: `rms('x')` is a mistake to report.
pub fn to_number(of: &DataType) -> DataType {
    if of.is_numeric() || of.is_null() { DataType::Float64 } else { of.clone() }
}

/// Coerces to a bucket width: an interval or its text.
pub fn to_width(of: &DataType) -> DataType {
    match of {
        DataType::Interval(_) | DataType::Null => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        text if is_text(text) => DataType::Utf8,
        other => other.clone(),
    }
}

/// Coerces to a name, such as that of a timezone.
pub fn to_name(of: &DataType) -> DataType {
    if is_text(of) || of.is_null() { DataType::Utf8 } else { of.clone() }
}

/// Coerces each argument by its own rule; surplus arguments are unchanged, to be refused later.
pub fn coerce(args: &[DataType], rules: &[fn(&DataType) -> DataType]) -> Vec<DataType> {
    let rule = |i: usize, arg: &DataType| rules.get(i).map_or_else(|| arg.clone(), |rule| rule(arg));
    args.iter().enumerate().map(|(i, arg)| rule(i, arg)).collect()
}

/// The expected type of an argument after coercion.
#[derive(Debug, Clone, Copy)]
pub enum ArgKind {
    Width,
    Time,
    Order,
    Number,
    Count,
    Name,
    Any,
}

impl ArgKind {
    fn admits(self, of: &DataType) -> bool {
        let is_time = matches!(of, DataType::Timestamp(TimeUnit::Microsecond, _));
        match self {
            ArgKind::Width => {
                matches!(of, DataType::Interval(IntervalUnit::MonthDayNano) | DataType::Utf8)
                    || matches!(of, DataType::Duration(TimeUnit::Microsecond))
            }
            ArgKind::Time => is_time,
            ArgKind::Order => is_time || *of == DataType::Int64,
            ArgKind::Number => *of == DataType::Float64,
            ArgKind::Count => *of == DataType::Int64,
            ArgKind::Name => *of == DataType::Utf8,
            ArgKind::Any => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            ArgKind::Width => "an interval, such as '1 hour'",
            ArgKind::Time => "a timestamp",
            ArgKind::Order => "a timestamp or a whole number",
            ArgKind::Number => "a number",
            ArgKind::Count => "a whole number",
            ArgKind::Name => "a text",
            ArgKind::Any => "a value",
        }
    }
}

/// Refuses arguments that do not fit `usage`, e.g. `rms(value)`. `wanted` names each argument; the last `optional` ones
/// may be omitted.
pub fn check(usage: &str, args: &[DataType], wanted: &[(&str, ArgKind)], optional: usize) -> Result<()> {
    if args.len() > wanted.len() || args.len() + optional < wanted.len() {
        return plan_err!("`{usage}` was given {} arguments", args.len());
    }
    for (arg, (name, kind)) in args.iter().zip(wanted) {
        if !kind.admits(arg) {
            return plan_err!("`{usage}`: {name} must be {}, not {arg}", kind.words());
        }
    }
    Ok(())
}

/// Whether row `i` passes an aggregate's FILTER.
pub fn passes(filter: Option<&BooleanArray>, i: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(i) && filter.value(i))
}

/// Refuses `DISTINCT` inside a call, which would otherwise be ignored.
pub fn refuse_distinct(name: &str, args: &AccumulatorArgs) -> Result<()> {
    if args.is_distinct {
        return plan_err!("{name} does not take DISTINCT");
    }
    Ok(())
}
