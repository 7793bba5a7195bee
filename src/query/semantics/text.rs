//! Texts of numbers with a fraction, times and intervals, as PostgreSQL shows them and casts them: arrow writes `2.0` for `2` and
//! `2024-03-30T00:00:00Z`.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, FieldRef, Float32Type, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, Timelike};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::date_part::as_spans;
use super::return_field::as_nullable_as_arguments;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Numbers from 10 to this power on are shown with an exponent (`float8out`, `float4out`).
const MAX_FLOAT8_EXPONENT: i32 = 15;
const MAX_FLOAT4_EXPONENT: i32 = 6;
/// So are those below 10 to this power.
const MIN_EXPONENT: i32 = -4;

/// Whether values of this type have texts of ours.
pub fn has_own_text(data_type: &DataType) -> bool {
    use DataType::{Duration, Float32, Float64, Interval, Time64, Timestamp};
    matches!(data_type, Float32 | Float64 | Timestamp(..) | Time64(_) | Interval(_) | Duration(_))
}

/// Returns the texts of such a column.
///
/// # Errors
/// A time that does not fit in microseconds, or a span of more days than an interval has.
pub fn texts(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Float64 => {
            let numbers = column.as_primitive::<Float64Type>();
            written(numbers.iter(), |out, number| {
                write_number(out, number, &number.to_string(), MAX_FLOAT8_EXPONENT)
            })
        }
        DataType::Float32 => {
            let numbers = column.as_primitive::<Float32Type>();
            written(numbers.iter(), |out, number| {
                write_number(out, number.into(), &number.to_string(), MAX_FLOAT4_EXPONENT);
            })
        }
        DataType::Time64(_) => {
            let times = cast(column, &DataType::Time64(TimeUnit::Microsecond))?;
            written(times.as_primitive::<Time64MicrosecondType>().iter(), write_time)
        }
        DataType::Timestamp(_, zone) => {
            let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let has_zone = zone.is_some();
            written(micros.as_primitive::<TimestampMicrosecondType>().iter(), |out, at| {
                write_timestamp(out, at, has_zone);
            })
        }
        DataType::Interval(_) | DataType::Duration(_) => {
            let spans = as_spans(column)?;
            written(spans.as_primitive::<IntervalMonthDayNanoType>().iter(), write_interval)
        }
        _ => Arc::clone(column),
    })
}

/// `text_of(x)`: a value as text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TextOf {
    signature: Signature,
}

impl Default for TextOf {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TextOf {
    fn name(&self) -> &str {
        "text_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [values] => Ok(ColumnarValue::Array(texts(&values.to_array(args.number_rows)?)?)),
            _ => exec_err!("text_of takes one value"),
        }
    }
}

/// The function for a cast to text of an expression of this type; `None` where DataFusion's own is right.
pub(super) fn cast_to_text(source: &DataType, target: &DataType) -> Option<ScalarUDF> {
    let is_text = *target == DataType::Utf8;
    (is_text && has_own_text(source)).then(|| ScalarUDF::from(TextOf::default()))
}

fn written<T>(values: impl Iterator<Item = Option<T>>, write: impl Fn(&mut String, T)) -> ArrayRef {
    let (mut texts, mut text) = (StringBuilder::new(), String::new());
    for value in values {
        let Some(value) = value else {
            texts.append_null();
            continue;
        };
        text.clear();
        write(&mut text, value);
        texts.append_value(&text);
    }
    let texts: StringArray = texts.finish();
    Arc::new(texts)
}

/// Writes a number whose shortest digits are `plain`.
fn write_number(out: &mut String, number: f64, plain: &str, max_exponent: i32) {
    if number.is_nan() {
        return out.push_str("NaN");
    }
    if number.is_infinite() {
        return out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let digits = plain.bytes().filter(u8::is_ascii_digit).map(char::from).collect::<String>();
    let leading_zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
    let before_point = plain.trim_start_matches('-').find('.').unwrap_or(digits.len());
    let exponent = before_point as i32 - leading_zeros as i32 - 1;
    if number == 0.0 || (MIN_EXPONENT..max_exponent).contains(&exponent) {
        return out.push_str(plain);
    }
    let significant = digits.trim_matches('0');
    let (first, rest) = significant.split_at(1);
    let sign = if number < 0.0 { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    let exponent = exponent.unsigned_abs();
    // Writing to a string does not fail.
    let _ = write!(out, "{sign}{first}{point}{rest}e{exponent_sign}{exponent:02}");
}

/// Writes an interval (`EncodeInterval` of PostgreSQL, style `postgres`). A sign is shown where the one before is another.
fn write_interval(out: &mut String, span: IntervalMonthDayNano) {
    let (years, months) = (span.months / 12, span.months % 12);
    let mut is_after_negative = false;
    for (count, unit) in [(years, "year"), (months, "mon"), (span.days, "day")] {
        if count != 0 {
            let gap = if out.is_empty() { "" } else { " " };
            let plus = if is_after_negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            let _ = write!(out, "{gap}{plus}{count} {unit}{plural}");
            is_after_negative = count < 0;
        }
    }
    let micros = span.nanoseconds / 1000;
    if micros != 0 || out.is_empty() {
        let gap = if out.is_empty() { "" } else { " " };
        let sign = match micros {
            ..0 => "-",
            _ if is_after_negative => "+",
            _ => "",
        };
        let _ = write!(out, "{gap}{sign}");
        let micros = micros.saturating_abs();
        write_clock(out, micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    }
}

fn write_time(out: &mut String, micros: i64) {
    write_clock(out, micros.div_euclid(MICROS_PER_SECOND), micros.rem_euclid(MICROS_PER_SECOND));
}

fn write_clock(out: &mut String, seconds: i64, micros: i64) {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}");
    write_fraction(out, micros);
}

/// Writes the digits of a fraction of a second that are not zeros at its end.
fn write_fraction(out: &mut String, micros: i64) {
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
        out.truncate(out.trim_end_matches('0').len());
    }
}

fn write_timestamp(out: &mut String, micros: i64, has_zone: bool) {
    let Some(at) = DateTime::from_timestamp_micros(micros) else {
        // Beyond the year 262,000, where PostgreSQL has an end too.
        return out.push_str(if micros > 0 { "infinity" } else { "-infinity" });
    };
    let (is_before_christ, year) = (at.year() <= 0, if at.year() <= 0 { 1 - at.year() } else { at.year() });
    let (month, day) = (at.month(), at.day());
    let _ = write!(out, "{year:04}-{month:02}-{day:02} ");
    let seconds = i64::from(at.num_seconds_from_midnight());
    write_time(out, seconds * MICROS_PER_SECOND + micros.rem_euclid(MICROS_PER_SECOND));
    if has_zone {
        out.push_str("+00");
    }
    if is_before_christ {
        out.push_str(" BC");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    /// Texts that `SELECT x::float8` of PostgreSQL 15 shows.
    #[test]
    fn numbers_are_shown_as_postgresql_shows_them() {
        for (number, expected) in [
            (2.0, "2"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-0.0000123, "-1.23e-05"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1e+15"),
            (123_456_789_012_345_678.0, "1.2345678901234568e+17"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let text = shown(|out| write_number(out, number, &number.to_string(), MAX_FLOAT8_EXPONENT));
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn times_are_shown_as_postgresql_shows_them() {
        for (micros, expected) in [
            (0, "1970-01-01 00:00:00+00"),
            (1_711_756_800_500_000, "2024-03-30 00:00:00.5+00"),
            (-1, "1969-12-31 23:59:59.999999+00"),
            (253_402_300_800_000_000, "10000-01-01 00:00:00+00"),
            (-62_167_219_200_000_000, "0001-01-01 00:00:00+00 BC"),
        ] {
            assert_eq!(shown(|out| write_timestamp(out, micros, true)), expected);
        }
        assert_eq!(shown(|out| write_timestamp(out, 1_000_000, false)), "1970-01-01 00:00:01");
        assert_eq!(shown(|out| write_time(out, 45_296_000_010)), "12:34:56.00001");
    }

    #[test]
    fn intervals_are_shown_as_postgresql_shows_them() {
        let second = 1_000_000_000;
        for ((months, days, nanos), expected) in [
            ((0, 0, 0), "00:00:00"),
            ((14, 1, 5 * second), "1 year 2 mons 1 day 00:00:05"),
            ((-1, 2, -3 * second), "-1 mons +2 days -00:00:03"),
            ((0, -1, 7_200 * second), "-1 days +02:00:00"),
            ((0, 1, -7_200 * second), "1 day -02:00:00"),
            ((0, 0, 360_000 * second + 5_678_000_000), "100:00:05.678"),
            ((-12, 0, 0), "-1 years"),
        ] {
            let span = IntervalMonthDayNano::new(months, days, nanos);
            assert_eq!(shown(|out| write_interval(out, span)), expected);
        }
    }
}
