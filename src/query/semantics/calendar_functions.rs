//! `age(later, earlier)` and `make_timestamp(year, month, day, hour, minute, second)`, which DataFusion does not have.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, IntervalMonthDayNano, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

const TIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const MICROS_PER_SECOND: f64 = 1_000_000.0;

/// `age(later, earlier)`: the difference of two times in months, days and time, as a calendar counts them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Age {
    signature: Signature,
}

impl Default for Age {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Age {
    fn name(&self) -> &str {
        "age"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Interval(IntervalUnit::MonthDayNano))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|column| Ok(cast(&column.to_array(args.number_rows)?, &TIME)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let [later, earlier] = columns.as_slice() else { return exec_err!("age takes two times") };
        let times = |column| ArrayRef::as_primitive::<TimestampMicrosecondType>(column);
        let ages = times(later).iter().zip(times(earlier)).map(|pair| match pair {
            (Some(later), Some(earlier)) => age(calendar(later)?, calendar(earlier)?).map(Some),
            _ => Ok(None),
        });
        Ok(ColumnarValue::Array(Arc::new(ages.collect::<Result<IntervalMonthDayNanoArray>>()?)))
    }
}

fn calendar(micros: i64) -> Result<NaiveDateTime> {
    let time = DateTime::from_timestamp_micros(micros).map(|time| time.naive_utc());
    time.ok_or_else(|| exec_datafusion_err!("age takes times that a calendar has"))
}

/// Returns the age in whole months, days and time. A month that is begun has as many days as the month of the earlier time
/// (`timestamp_age` of PostgreSQL).
fn age(later: NaiveDateTime, earlier: NaiveDateTime) -> Result<IntervalMonthDayNano> {
    if later < earlier {
        let age = age(earlier, later)?;
        return Ok(IntervalMonthDayNano::new(-age.months, -age.days, -age.nanoseconds));
    }
    let month_of = |time: NaiveDateTime| time.year() * 12 + time.month0() as i32;
    let mut months = month_of(later) - month_of(earlier);
    let mut days = later.day() as i32 - earlier.day() as i32;
    let mut time = later.time() - earlier.time();
    if time < chrono::TimeDelta::zero() {
        time += chrono::TimeDelta::days(1);
        days -= 1;
    }
    if days < 0 {
        days += days_of_month(earlier.date());
        months -= 1;
    }
    let nanos = time.num_nanoseconds().unwrap_or_default();
    Ok(IntervalMonthDayNano::new(months, days, nanos))
}

fn days_of_month(date: NaiveDate) -> i32 {
    let first = date.with_day(1).unwrap_or(date);
    let next = first.checked_add_months(Months::new(1)).and_then(|next| next.checked_sub_days(Days::new(1)));
    next.map_or(31, |last| last.day() as i32)
}

/// `make_timestamp(year, month, day, hour, minute, second)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct MakeTimestamp {
    signature: Signature,
}

impl Default for MakeTimestamp {
    fn default() -> Self {
        use DataType::{Float64, Int64};
        let types = vec![Int64, Int64, Int64, Int64, Int64, Float64];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for MakeTimestamp {
    fn name(&self) -> &str {
        "make_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(TIME)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|column| column.to_array(args.number_rows));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let [parts @ .., seconds] = columns.as_slice() else {
            return exec_err!("make_timestamp takes six numbers");
        };
        let seconds = seconds.as_primitive::<Float64Type>();
        let times = (0..args.number_rows).map(|row| {
            if columns.iter().any(|column| column.is_null(row)) {
                return Ok(None);
            }
            let parts: Vec<i64> =
                parts.iter().map(|part| part.as_primitive::<Int64Type>().value(row)).collect();
            made_of(&parts, seconds.value(row)).map(Some)
        });
        Ok(ColumnarValue::Array(Arc::new(times.collect::<Result<TimestampMicrosecondArray>>()?)))
    }
}

/// Microseconds since 1970. As in PostgreSQL, 24:00:00 and a 60th second are those that follow.
fn made_of(parts: &[i64], second: f64) -> Result<i64> {
    let made = || {
        let unsigned = |part: i64| u32::try_from(part).ok();
        let [year, month, day, hour, minute] = *parts else { return None };
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, unsigned(month)?, unsigned(day)?)?;
        let micros = (second * MICROS_PER_SECOND).round_ties_even();
        let is_time = (0..=24).contains(&hour)
            && (0..60).contains(&minute)
            && (0.0..=60.0 * MICROS_PER_SECOND).contains(&micros)
            && (hour < 24 || (minute == 0 && micros == 0.0));
        let in_day = || (hour * 3600 + minute * 60) * 1_000_000 + micros as i64;
        is_time.then(|| date.and_time(NaiveTime::MIN).and_utc().timestamp_micros() + in_day())
    };
    made().ok_or_else(|| {
        exec_datafusion_err!("make_timestamp: date or time field value out of range: {parts:?} {second}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_those_of_postgresql() {
        let rows = [
            ("2001-04-10 00:00:00", "1957-06-13 00:00:00", (525, 27, 0)),
            ("2024-03-31 00:00:00", "2024-02-29 00:00:00", (1, 2, 0)),
            ("2024-03-01 00:00:00", "2024-01-31 12:00:00", (1, 0, 12)),
            ("2024-01-31 12:00:00", "2024-03-01 00:00:00", (-1, 0, -12)),
            ("2024-05-05 10:00:00", "2024-05-05 10:00:00", (0, 0, 0)),
        ];
        for (later, earlier, (months, days, hours)) in rows {
            let found = age(later.parse_time(), earlier.parse_time()).unwrap();
            let expected = IntervalMonthDayNano::new(months, days, hours * 3_600_000_000_000);
            assert_eq!(found, expected, "{later} {earlier}");
        }
    }

    trait ParseTime {
        fn parse_time(&self) -> NaiveDateTime;
    }

    impl ParseTime for str {
        fn parse_time(&self) -> NaiveDateTime {
            NaiveDateTime::parse_from_str(self, "%Y-%m-%d %H:%M:%S").unwrap()
        }
    }

    #[test]
    fn times_are_made_of_parts_that_exist() {
        assert_eq!(made_of(&[1970, 1, 2, 0, 1], 1.5).unwrap(), 86_400_000_000 + 61_500_000);
        assert_eq!(made_of(&[1970, 1, 1, 24, 0], 0.0).unwrap(), 86_400_000_000);
        for (parts, second) in
            [([1970, 2, 30, 0, 0], 0.0), ([1970, 1, 1, 25, 0], 0.0), ([1970, 1, 1, 0, 0], 61.0)]
        {
            assert!(made_of(&parts, second).is_err(), "{parts:?}");
        }
    }
}
