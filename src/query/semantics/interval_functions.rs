//! `make_interval(years, months, weeks, days, hours, mins, secs)` and `justify_hours`, `justify_days` and `justify_interval`, which
//! DataFusion does not have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray};
use arrow::datatypes::{
    DataType, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion::common::{DFSchema, exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::date_part::as_spans;
use super::return_field::as_nullable_as_arguments;

const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const MICROS_PER_SECOND: f64 = 1_000_000.0;
const NANOS_PER_MICRO: i128 = 1_000;
const NANOS_PER_MINUTE: i128 = 60_000_000_000;
const NANOS_PER_DAY: i128 = 1_440 * NANOS_PER_MINUTE;
const DAYS_PER_MONTH: i128 = 30;
/// Names of the arguments of `make_interval`, in their order.
pub(super) const PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
/// Name of the first function.
pub(super) const MAKE_INTERVAL: &str = "make_interval";

/// `make_interval`, with all of its arguments: those that a call leaves out are 0 (`calls.rs`).
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct MakeInterval {
    signature: Signature,
}

impl Default for MakeInterval {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for MakeInterval {
    fn name(&self) -> &str {
        MAKE_INTERVAL
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_open = |of: &DataType| matches!(of, DataType::Utf8 | DataType::Null);
        match types {
            [parts @ .., seconds]
                if types.len() == PARTS.len()
                    && parts.iter().all(|part| part.is_integer() || is_open(part))
                    && (seconds.is_numeric() || is_open(seconds)) =>
            {
                let whole = parts.iter().map(|_| DataType::Int64);
                Ok(whole.chain([DataType::Float64]).collect())
            }
            _ => plan_err!("{MAKE_INTERVAL} takes whole numbers, and seconds"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(SPAN)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|part| matches!(part, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let columns =
            args.args.iter().map(|column| column.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let [parts @ .., seconds] = columns.as_slice() else {
            return exec_err!("{MAKE_INTERVAL} takes seven numbers");
        };
        let seconds = seconds.as_primitive::<Float64Type>();
        let spans = (0..rows).map(|row| {
            if columns.iter().any(|column| column.is_null(row)) {
                return Ok(None);
            }
            let parts: Vec<i64> =
                parts.iter().map(|part| part.as_primitive::<Int64Type>().value(row)).collect();
            let span = made_of(&parts, seconds.value(row));
            span.map(Some).ok_or_else(|| exec_datafusion_err!("{MAKE_INTERVAL}: interval out of range"))
        });
        column_or_value(spans.collect::<Result<IntervalMonthDayNanoArray>>()?, is_constant)
    }
}

fn made_of(parts: &[i64], seconds: f64) -> Option<IntervalMonthDayNano> {
    let [years, months, weeks, days, hours, minutes] = *parts else { return None };
    let micros = (seconds * MICROS_PER_SECOND).round_ties_even();
    // A number that is not finite is not below either.
    if micros.abs() > i64::MAX as f64 || micros.is_nan() {
        return None;
    }
    let nanos = i128::from(hours) * 60 * NANOS_PER_MINUTE
        + i128::from(minutes) * NANOS_PER_MINUTE
        + micros as i128 * NANOS_PER_MICRO;
    span(i128::from(years) * 12 + i128::from(months), i128::from(weeks) * 7 + i128::from(days), nanos)
}

/// An interval; `None` where it does not fit.
fn span(months: i128, days: i128, nanos: i128) -> Option<IntervalMonthDayNano> {
    let (months, days) = (i32::try_from(months).ok()?, i32::try_from(days).ok()?);
    Some(IntervalMonthDayNano::new(months, days, i64::try_from(nanos).ok()?))
}

/// Which units of an interval are made of how many smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Days of 24 hours.
    Hours,
    /// Months of 30 days.
    Days,
    /// Both.
    Interval,
}

/// `justify_hours(interval)`, `justify_days(interval)` or `justify_interval(interval)`: the interval of the same length with days, or
/// months, in place of the hours, or days, that make them up. These units have one sign then.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Justify {
    kind: Kind,
    signature: Signature,
}

impl Justify {
    /// All of the functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [Kind::Hours, Kind::Days, Kind::Interval].into_iter().map(|kind| ScalarUDF::from(Self::of(kind)))
    }

    fn of(kind: Kind) -> Self {
        Self { kind, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The function for a cast of a difference of times to an interval; `None` for other casts. A difference has days and a time of day, as
/// PostgreSQL makes it; arrow makes an interval of nanoseconds of it, in which `extract(day FROM …)` finds no day.
pub(super) fn in_place_of_cast(
    source: &Expr,
    target: &DataType,
    schema: &DFSchema,
) -> Result<Option<ScalarUDF>> {
    let is_of_difference = matches!(target, DataType::Interval(_))
        && !matches!(source, Expr::Literal(..))
        && matches!(source.get_type(schema)?, DataType::Duration(_));
    Ok(is_of_difference.then(|| ScalarUDF::from(Justify::of(Kind::Hours))))
}

impl ScalarUDFImpl for Justify {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Hours => "justify_hours",
            Kind::Days => "justify_days",
            Kind::Interval => "justify_interval",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [difference @ DataType::Duration(_)] => Ok(vec![difference.clone()]),
            [DataType::Interval(_) | DataType::Utf8 | DataType::Utf8View | DataType::Null] => Ok(vec![SPAN]),
            _ => plan_err!("{} takes an interval", self.name()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(SPAN)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [spans] = args.args.as_slice() else { return exec_err!("{} takes an interval", self.name()) };
        let is_constant = matches!(spans, ColumnarValue::Scalar(_));
        let spans = as_spans(&spans.to_array(if is_constant { 1 } else { args.number_rows })?)?;
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
        let justified = spans.try_unary::<_, IntervalMonthDayNanoType, _>(|span| {
            let justified = self.kind.justified(span);
            justified.ok_or_else(|| exec_datafusion_err!("{}: interval out of range", self.name()))
        })?;
        column_or_value(justified, is_constant)
    }
}

impl Kind {
    fn justified(self, of: IntervalMonthDayNano) -> Option<IntervalMonthDayNano> {
        let (months, days, nanos) = (i128::from(of.months), i128::from(of.days), i128::from(of.nanoseconds));
        match self {
            Kind::Hours => {
                let all = days * NANOS_PER_DAY + nanos;
                span(months, all / NANOS_PER_DAY, all % NANOS_PER_DAY)
            }
            Kind::Days => {
                let all = months * DAYS_PER_MONTH + days;
                span(all / DAYS_PER_MONTH, all % DAYS_PER_MONTH, nanos)
            }
            Kind::Interval => {
                let all = (months * DAYS_PER_MONTH + days) * NANOS_PER_DAY + nanos;
                let days = all / NANOS_PER_DAY;
                span(days / DAYS_PER_MONTH, days % DAYS_PER_MONTH, all % NANOS_PER_DAY)
            }
        }
    }
}

fn column_or_value(spans: IntervalMonthDayNanoArray, is_constant: bool) -> Result<ColumnarValue> {
    Ok(match is_constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&spans, 0)?),
        false => ColumnarValue::Array(Arc::new(spans)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn units_are_made_up_as_by_postgresql() {
        for (kind, (months, days, hours), expected) in [
            (Kind::Hours, (0, 0, 27), (0, 1, 3)),
            (Kind::Hours, (0, 2, -3), (0, 1, 21)),
            (Kind::Hours, (0, -1, 27), (0, 0, 3)),
            (Kind::Days, (0, 35, 0), (1, 5, 0)),
            (Kind::Days, (1, -35, 0), (0, -5, 0)),
            (Kind::Interval, (1, 0, -1), (0, 29, 23)),
            (Kind::Interval, (-1, 45, 27), (0, 16, 3)),
        ] {
            let span = |(months, days, hours): (i32, i32, i64)| {
                IntervalMonthDayNano::new(months, days, hours * HOUR)
            };
            assert_eq!(kind.justified(span((months, days, hours))), Some(span(expected)), "{kind:?} {days}");
        }
        let longest = IntervalMonthDayNano::new(i32::MAX, i32::MAX, 0);
        assert_eq!(Kind::Interval.justified(longest), None);
    }

    #[test]
    fn intervals_are_made_of_their_parts() {
        let expected = IntervalMonthDayNano::new(14, 25, 5 * HOUR + 6 * 60_000_000_000 + 7_500_000_000);
        assert_eq!(made_of(&[1, 2, 3, 4, 5, 6], 7.5), Some(expected));
        for (parts, seconds) in [
            ([i64::MAX, 0, 0, 0, 0, 0], 0.0),
            ([0, 0, 0, 1 << 31, 0, 0], 0.0),
            ([0, 0, 0, 0, i64::MAX, 0], 0.0),
            ([0; 6], f64::NAN),
            ([0; 6], f64::INFINITY),
        ] {
            assert_eq!(made_of(&parts, seconds), None, "{parts:?} {seconds}");
        }
    }
}
