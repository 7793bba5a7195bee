//! `date_part(part, time)` and `extract(part FROM time)`: numbers that are divided with their fractions, seconds and milliseconds
//! with theirs, decades, centuries and millennia, days of the Julian calendar, and parts of spans of time, as PostgreSQL has them.
//! DataFusion's are integers, so that `extract(minute FROM ts) / 60` would be 0; it cuts seconds to whole ones, counts the nanoseconds of
//! a span in 32 bits (its issue #14738) and does not know the long units. All other parts are DataFusion's, as `float8`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationNanosecondType, Field, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult};
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, lit,
};
use datafusion::scalar::ScalarValue;

use super::calendar_units::{LongUnit, local_times, year_of};

pub(super) const DATE_PART: &str = "date_part";
/// Name of `date_part` where it stands for a `numeric`, as `extract` does in PostgreSQL: casts round numerics otherwise
/// (`narrowing_cast.rs`).
pub(super) const EXTRACT: &str = "extract";
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;
const MICROS_PER_DAY: i64 = NANOS_PER_DAY / 1_000;
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

/// A part that is computed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Second,
    Millisecond,
    Epoch,
    Long(LongUnit),
    /// Of times alone: days since 4713 BC, with the part of the day that has passed.
    Julian,
    /// Of spans alone; whole numbers.
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Microsecond,
}

impl Part {
    /// Reads a name as PostgreSQL spells it; `None` for one that only DataFusion knows.
    fn parse(name: &str) -> Option<Part> {
        let name = name.trim_matches(|c| c == '\'' || c == '"').to_ascii_lowercase();
        Some(match name.as_str() {
            "second" | "seconds" | "sec" | "secs" | "s" => Part::Second,
            "millisecond" | "milliseconds" | "msec" | "msecs" | "ms" | "msecond" | "mseconds" => {
                Part::Millisecond
            }
            "microsecond" | "microseconds" | "usec" | "usecs" | "us" | "usecond" | "useconds" => {
                Part::Microsecond
            }
            "epoch" => Part::Epoch,
            "julian" | "jd" | "j" => Part::Julian,
            "year" | "years" | "y" | "yr" | "yrs" => Part::Year,
            "month" | "months" | "mon" | "mons" => Part::Month,
            "day" | "days" | "d" => Part::Day,
            "hour" | "hours" | "h" | "hr" | "hrs" => Part::Hour,
            "minute" | "minutes" | "min" | "mins" | "m" => Part::Minute,
            name => return LongUnit::parse(name).map(Part::Long),
        })
    }

    /// Whether the part of a value of this type is computed here.
    fn is_computed_of(self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Interval(_) | DataType::Duration(_) => self != Part::Julian,
            DataType::Time32(_) | DataType::Time64(_) => matches!(self, Part::Second | Part::Millisecond),
            _ => matches!(self, Part::Second | Part::Millisecond | Part::Long(_) | Part::Julian),
        }
    }

    fn of_span(self, span: IntervalMonthDayNano) -> f64 {
        let (months, days, nanos) = (span.months, span.days, span.nanoseconds);
        let seconds = |nanos: i64| nanos as f64 / NANOS_PER_SECOND as f64;
        let minute = 60 * NANOS_PER_SECOND;
        match self {
            Part::Second => seconds(nanos % minute),
            Part::Millisecond => (nanos % minute) as f64 / 1e6,
            Part::Microsecond => (nanos % minute / 1_000) as f64,
            Part::Year => f64::from(months / 12),
            Part::Long(unit) => f64::from(months / 12 / unit.years()),
            // No span has it.
            Part::Julian => f64::NAN,
            Part::Month => f64::from(months % 12),
            Part::Day => f64::from(days),
            Part::Hour => (nanos / (60 * minute)) as f64,
            Part::Minute => (nanos / minute % 60) as f64,
            // A year has 365.25 days there, a month that is left 30.
            Part::Epoch => {
                let whole = f64::from(months / 12) * 365.25 + f64::from(months % 12) * 30.0 + f64::from(days);
                whole * 86_400.0 + seconds(nanos)
            }
        }
    }
}

/// `date_part`, over DataFusion's own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DatePart {
    name: &'static str,
    inner: Arc<ScalarUDF>,
}

impl Default for DatePart {
    fn default() -> Self {
        Self { name: DATE_PART, inner: datetime::date_part() }
    }
}

impl DatePart {
    /// The function that `extract` is planned as.
    pub fn extract() -> Self {
        Self { name: EXTRACT, ..Self::default() }
    }
}

impl ScalarUDFImpl for DatePart {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        if self.name == DATE_PART { self.inner.aliases() } else { &[] }
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        Ok(Arc::new(Field::new(self.name, DataType::Float64, field.is_nullable())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let part = match args.args.first() {
            Some(ColumnarValue::Scalar(part)) => part.try_as_str().flatten().and_then(Part::parse),
            _ => None,
        };
        let computed =
            part.zip(args.args.get(1)).filter(|(part, value)| part.is_computed_of(&value.data_type()));
        let Some((part, value)) = computed else {
            return self.inner.invoke_with_args(args)?.cast_to(&DataType::Float64, None);
        };
        let (values, is_scalar) = match value {
            ColumnarValue::Array(values) => (Arc::clone(values), false),
            ColumnarValue::Scalar(value) => (value.to_array()?, true),
        };
        let is_span = matches!(values.data_type(), DataType::Interval(_) | DataType::Duration(_));
        let parts: ArrayRef = Arc::new(match part {
            _ if is_span => parts_of_spans(part, &values)?,
            Part::Long(_) | Part::Julian => parts_of_dates(part, &values)?,
            _ => parts_of_times(part, &values)?,
        });
        Ok(if is_scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&parts, 0)?)
        } else {
            ColumnarValue::Array(parts)
        })
    }

    /// The times of a year that the part is compared with.
    fn preimage(&self, args: &[Expr], literal: &Expr, info: &SimplifyContext) -> Result<PreimageResult> {
        match literal {
            Expr::Literal(ScalarValue::Float64(Some(number)), _) if f64::from(*number as i32) == *number => {
                self.inner.preimage(args, &lit(*number as i32), info)
            }
            _ => Ok(PreimageResult::None),
        }
    }
}

fn parts_of_spans(part: Part, values: &ArrayRef) -> Result<Float64Array> {
    let spans = as_spans(values)?;
    let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
    Ok(spans.unary::<_, Float64Type>(|span| part.of_span(span)))
}

/// A difference of times has whole days and the rest, as in PostgreSQL.
pub(super) fn as_spans(values: &ArrayRef) -> Result<ArrayRef> {
    if !matches!(values.data_type(), DataType::Duration(_)) {
        return Ok(cast(values, &DataType::Interval(IntervalUnit::MonthDayNano))?);
    }
    let nanos = cast(values, &DataType::Duration(TimeUnit::Nanosecond))?;
    let spans = nanos.as_primitive::<DurationNanosecondType>().try_unary::<_, IntervalMonthDayNanoType, _>(
        |nanos| match i32::try_from(nanos / NANOS_PER_DAY) {
            Ok(days) => Ok(IntervalMonthDayNano::new(0, days, nanos % NANOS_PER_DAY)),
            Err(_) => exec_err!("a difference of times is too long"),
        },
    )?;
    Ok(Arc::new(spans))
}

/// Seconds within the minute: no zone is apart from UTC by parts of a minute since 1972.
fn parts_of_times(part: Part, values: &ArrayRef) -> Result<Float64Array> {
    let (values, per_second) = match values.data_type() {
        DataType::Timestamp(unit, _) => (Arc::clone(values), per_second(*unit)),
        DataType::Time32(_) | DataType::Time64(_) => {
            (cast(values, &DataType::Time64(TimeUnit::Nanosecond))?, NANOS_PER_SECOND)
        }
        _ => (cast(values, &DataType::Timestamp(TimeUnit::Second, None))?, 1),
    };
    let factor = if part == Part::Millisecond { 1_000.0 } else { 1.0 };
    let counts = cast(&values, &DataType::Int64)?;
    Ok(counts.as_primitive::<Int64Type>().unary::<_, Float64Type>(|count| {
        let within = count.rem_euclid(60 * per_second);
        within as f64 * factor / per_second as f64
    }))
}

fn parts_of_dates(part: Part, values: &ArrayRef) -> Result<Float64Array> {
    let (local, _) = local_times(DATE_PART, values)?;
    Ok(match part {
        Part::Long(unit) => {
            let numbers = local.iter().map(|local| Some(f64::from(unit.number(year_of(local?)?))));
            numbers.collect::<Float64Array>()
        }
        _ => local.unary::<_, Float64Type>(|local| {
            let (days, rest) = (local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY));
            (days + JULIAN_DAY_OF_1970) as f64 + rest as f64 / MICROS_PER_DAY as f64
        }),
    })
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOS_PER_SECOND,
    }
}

/// Plans `extract` as a call of [`DatePart`].
#[derive(Debug, Default)]
pub struct ExtractPlanner;

impl ExprPlanner for ExtractPlanner {
    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        let func = Arc::new(ScalarUDF::from(DatePart::extract()));
        Ok(PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction { func, args })))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMicrosecondArray;

    use super::*;

    /// The right side is what PostgreSQL 15 answers for 2000-12-31 18:00 and a NULL.
    #[test]
    fn parts_of_dates_are_those_of_postgresql() {
        let times = TimestampMicrosecondArray::from(vec![Some(978_285_600_000_000), None]);
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        for (name, expected) in [("decade", 200.0), ("CENTURY", 20.0), ("mil", 2.0)] {
            let part = Part::parse(name).unwrap();
            let parts = parts_of_dates(part, &times).unwrap();
            assert_eq!(parts, Float64Array::from(vec![Some(expected), None]), "{name}");
        }
        let days = parts_of_dates(Part::Julian, &times).unwrap();
        assert_eq!(days, Float64Array::from(vec![Some(2_451_910.75), None]));
    }

    #[test]
    fn long_units_of_spans_are_whole() {
        let span = IntervalMonthDayNano::new(-2_500 * 12 - 3, 0, 0);
        for (name, expected) in [("decades", -250.0), ("c", -25.0), ("millennium", -2.0)] {
            assert_eq!(Part::parse(name).unwrap().of_span(span), expected, "{name}");
        }
        assert!(!Part::Julian.is_computed_of(&DataType::Interval(IntervalUnit::MonthDayNano)));
    }
}
