//! `date_trunc(unit, time)`, over DataFusion's own: of a date it is an instant, of an interval an interval, and decades, centuries and
//! millennia are units too, as in PostgreSQL (15, 9.9.2).

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::calendar_units::{LongUnit, local_times};
use super::date_part::as_spans;

const NAME: &str = "date_trunc";
const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateTrunc {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl Default for DateTrunc {
    fn default() -> Self {
        Self { inner: datetime::date_trunc(), signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        NAME
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        use DataType::{
            Date32, Date64, Duration, Interval, LargeUtf8, Null, Time32, Time64, Timestamp, Utf8, Utf8View,
        };
        let [Utf8 | LargeUtf8 | Utf8View | Null, time] = types else {
            return plan_err!("{NAME} takes the name of a unit and a time");
        };
        let time = match time {
            Timestamp(..) | Time32(_) | Time64(_) | Duration(_) | Null => time.clone(),
            Date32 | Date64 => Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Utf8 | LargeUtf8 | Utf8View => Timestamp(TimeUnit::Nanosecond, None),
            Interval(_) => SPAN,
            other => return plan_err!("{NAME} takes the name of a unit and a time, not {other}"),
        };
        Ok(vec![Utf8, time])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let unit =
            args.scalar_arguments.first().copied().flatten().and_then(ScalarValue::try_as_str).flatten();
        let is_long = unit.is_some_and(|unit| LongUnit::parse(&unit.to_ascii_lowercase()).is_some());
        let [_, time] = args.arg_fields else { return self.inner.return_field_from_args(args) };
        let data_type = match time.data_type() {
            of if is_span(of) => SPAN,
            // A millennium may have begun before the times that nanoseconds reach.
            DataType::Timestamp(_, zone) if is_long => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            _ => return self.inner.return_field_from_args(args),
        };
        Ok(Arc::new(Field::new(NAME, data_type, time.is_nullable())))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let unit = match args.args.first() {
            Some(ColumnarValue::Scalar(unit)) => unit.try_as_str().flatten(),
            _ => return exec_err!("{NAME}: the unit must be a constant, not a column"),
        };
        let (Some(unit), [_, time]) = (unit.map(str::to_ascii_lowercase), args.args.as_slice()) else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(args.return_field.data_type())?));
        };
        let long = LongUnit::parse(&unit);
        let is_time = matches!(time.data_type(), DataType::Timestamp(..));
        let is_span = is_span(&time.data_type());
        let step = step_of_fraction(own_name(&unit), &time.data_type());
        if !is_span && step.is_none() && (long.is_none() || !is_time) {
            args.args[0] = ColumnarValue::Scalar(ScalarValue::from(own_name(&unit)));
            return self.inner.invoke_with_args(args);
        }
        let is_constant = matches!(time, ColumnarValue::Scalar(_));
        let times = time.to_array(if is_constant { 1 } else { args.number_rows })?;
        let cut = match (long, step) {
            (_, Some(step)) => cut_counts(step, &times)?,
            (Some(unit), _) if is_time => cast(&starts(unit, &times)?, args.return_field.data_type())?,
            _ => cut_spans(&unit, &times)?,
        };
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&cut, 0)?),
            false => ColumnarValue::Array(cut),
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        match inputs {
            // Arrow's order of intervals is not that of their lengths.
            [_, time] if is_span(&time.range.data_type()) => Ok(SortProperties::Unordered),
            _ => self.inner.output_ordering(inputs),
        }
    }
}

fn is_span(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
}

/// The name that DataFusion has for a unit, of which PostgreSQL knows several.
fn own_name(unit: &str) -> &str {
    match unit {
        "microseconds" | "microsecon" | "usec" | "usecs" | "usecond" | "useconds" | "us" => "microsecond",
        "milliseconds" | "millisecon" | "msec" | "msecs" | "msecond" | "mseconds" | "ms" => "millisecond",
        "seconds" | "sec" | "secs" | "s" => "second",
        "minutes" | "min" | "mins" | "m" => "minute",
        "hours" | "hr" | "hrs" | "h" => "hour",
        "days" | "d" => "day",
        "weeks" | "w" => "week",
        "months" | "mon" | "mons" => "month",
        "qtr" => "quarter",
        "years" | "yr" | "yrs" | "y" => "year",
        other => other,
    }
}

/// Whether a unit is an hour or less, which a change of the clock does not make longer.
pub(super) fn is_of_a_clock(unit: &str) -> bool {
    matches!(
        own_name(&unit.to_ascii_lowercase()),
        "microsecond" | "millisecond" | "second" | "minute" | "hour"
    )
}

/// The count of a time's own unit in a part of a second; `None` for other units. DataFusion's function takes parts before 1970 up.
fn step_of_fraction(unit: &str, time: &DataType) -> Option<i64> {
    match (unit, time) {
        ("millisecond", DataType::Timestamp(TimeUnit::Microsecond, _))
        | ("microsecond", DataType::Timestamp(TimeUnit::Nanosecond, _)) => Some(1_000),
        ("millisecond", DataType::Timestamp(TimeUnit::Nanosecond, _)) => Some(1_000_000),
        _ => None,
    }
}

fn cut_counts(step: i64, times: &ArrayRef) -> Result<ArrayRef> {
    let counts = cast(times, &DataType::Int64)?;
    let cut =
        counts.as_primitive::<Int64Type>().unary::<_, Int64Type>(|count| count - count.rem_euclid(step));
    Ok(cast(&cut, times.data_type())?)
}

/// The times at which the decades, centuries or millennia of times began.
fn starts(unit: LongUnit, times: &ArrayRef) -> Result<ArrayRef> {
    let (local, zone) = local_times(NAME, times)?;
    let starts: PrimitiveArray<TimestampMicrosecondType> = local.try_unary(|local| {
        let start =
            unit.start(local).ok_or_else(|| exec_datafusion_err!("{NAME}: timestamp out of range"))?;
        Ok::<i64, datafusion::error::DataFusionError>(zone.map_or(start, |zone| zone.instant(start)))
    })?;
    Ok(Arc::new(starts.with_timezone_opt(zone.map(|_| "UTC"))))
}

fn cut_spans(unit: &str, spans: &ArrayRef) -> Result<ArrayRef> {
    let spans = as_spans(spans)?;
    let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
    Ok(Arc::new(spans.try_unary::<_, IntervalMonthDayNanoType, _>(|span| cut_span(unit, span))?))
}

/// Takes the smaller units from an interval.
fn cut_span(unit: &str, span: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let to_months = |count: i32| Ok(IntervalMonthDayNano::new(span.months - span.months % count, 0, 0));
    let to_nanos = |count: i64| {
        let nanos = span.nanoseconds - span.nanoseconds % count;
        Ok(IntervalMonthDayNano::new(span.months, span.days, nanos))
    };
    if let Some(long) = LongUnit::parse(unit) {
        return to_months(12 * long.years());
    }
    match own_name(unit) {
        "year" => to_months(12),
        "quarter" => to_months(3),
        "month" => to_months(1),
        "day" => Ok(IntervalMonthDayNano::new(span.months, span.days, 0)),
        "hour" => to_nanos(3_600 * NANOS_PER_SECOND),
        "minute" => to_nanos(60 * NANOS_PER_SECOND),
        "second" => to_nanos(NANOS_PER_SECOND),
        "millisecond" => to_nanos(1_000_000),
        "microsecond" => to_nanos(1_000),
        other => exec_err!("{NAME}: the unit `{other}` is not supported for intervals"),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, TimestampMicrosecondArray};

    use super::*;

    const HOUR: i64 = 3_600 * NANOS_PER_SECOND;

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn intervals_are_cut_to_units() {
        let span = IntervalMonthDayNano::new(251 * 12 + 5, 3, 2 * HOUR + 61_000_000_000);
        for (unit, (months, days, nanos)) in [
            ("century", (2_400, 0, 0)),
            ("decade", (3_000, 0, 0)),
            ("year", (3_012, 0, 0)),
            ("quarter", (3_015, 0, 0)),
            ("day", (3_017, 3, 0)),
            ("hours", (3_017, 3, 2 * HOUR)),
            ("mins", (3_017, 3, 2 * HOUR + 60_000_000_000)),
        ] {
            assert_eq!(
                cut_span(unit, span).unwrap(),
                IntervalMonthDayNano::new(months, days, nanos),
                "{unit}"
            );
        }
        assert!(cut_span("week", span).unwrap_err().to_string().contains("`week`"));
    }

    #[test]
    fn parts_of_seconds_before_1970_are_cut_down() {
        let times = |counts: [i64; 2]| Arc::new(TimestampMicrosecondArray::from(counts.to_vec())) as ArrayRef;
        let step = step_of_fraction("millisecond", times([0, 0]).data_type()).unwrap();
        assert_eq!(&cut_counts(step, &times([-1, 1_999])).unwrap(), &times([-1_000, 1_000]));
    }

    #[test]
    fn units_of_years_begin_by_the_clock_of_the_zone() {
        // 2000-12-31T23:30:00Z is 2001 in Berlin.
        let instant = 978_305_400_000_000;
        let times = |zone| {
            let times = TimestampMicrosecondArray::from(vec![Some(instant), None]);
            Arc::new(times.with_timezone_opt(zone)) as ArrayRef
        };
        for (zone, expected) in [
            (None, -2_177_452_800_000_000),
            (Some("UTC"), -2_177_452_800_000_000),
            (Some("Europe/Berlin"), 978_303_600_000_000),
        ] {
            let cut = starts(LongUnit::Century, &times(zone)).unwrap();
            let cut = cut.as_primitive::<TimestampMicrosecondType>();
            assert_eq!((cut.value(0), cut.is_null(1)), (expected, true), "{zone:?}");
        }
    }
}
