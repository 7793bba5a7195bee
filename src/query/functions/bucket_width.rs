//! Width of a time bucket: a fixed duration or whole months, parsed from an interval or its text.

use arrow::compute::kernels::cast_utils::parse_interval_month_day_nano;
use arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::scalar::ScalarValue;

use crate::domain::time::MICROS_PER_DAY;

/// Ten thousand years: far below overflow of times, and wider than any data.
const MAX_MONTHS: i32 = 120_000;
const MAX_MICROS: i64 = 3_652_425 * MICROS_PER_DAY;

/// The width of a bucket; always positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketWidth {
    Micros(i64),
    Months(i32),
}

impl BucketWidth {
    /// Parses an interval, a duration, or text in PostgreSQL's form (`1 hour 30 minutes`) or ISO-8601's (`PT1H30M`).
    /// Returns `None` for NULL. Errors name `function`.
    pub fn from_scalar(function: &str, value: &ScalarValue) -> Result<Option<BucketWidth>> {
        let parts = match value {
            ScalarValue::Utf8(Some(text)) => parse_interval(text).ok_or_else(|| {
                exec_datafusion_err!("{function}: the interval `{text}` cannot be read; write it as `1 hour`")
            })?,
            ScalarValue::IntervalMonthDayNano(Some(interval)) => CalendarInterval::from(*interval),
            ScalarValue::DurationMicrosecond(Some(micros)) => {
                CalendarInterval { nanos: i128::from(*micros) * 1000, ..CalendarInterval::default() }
            }
            other if other.is_null() => return Ok(None),
            other => return exec_err!("{function}: the interval must not be of type {}", other.data_type()),
        };
        Self::new(parts).map(Some).map_err(|why| exec_datafusion_err!("{function}: the interval {why}"))
    }

    /// Creates a width from the parts of an interval.
    ///
    /// # Errors
    /// The message continues a sentence that begins with "the interval".
    pub fn new(parts: CalendarInterval) -> std::result::Result<BucketWidth, &'static str> {
        let CalendarInterval { months, days, nanos } = parts;
        if months != 0 && (days != 0 || nanos != 0) {
            return Err("mixes months or years with days or times; a bucket is one or the other");
        }
        let micros = i128::from(days) * i128::from(MICROS_PER_DAY) + nanos.div_euclid(1000);
        match (months, micros) {
            _ if nanos % 1000 != 0 => Err("is finer than a microsecond"),
            (1..=MAX_MONTHS, _) => Ok(BucketWidth::Months(months)),
            (0, 1..) if micros <= i128::from(MAX_MICROS) => Ok(BucketWidth::Micros(micros as i64)),
            (1.., _) | (0, 1..) => Err("is longer than ten thousand years"),
            _ => Err("must be longer than zero"),
        }
    }

    /// Whether a bucket spans a day or more, and so follows the local calendar instead of the clock.
    pub fn is_calendar(self) -> bool {
        match self {
            BucketWidth::Months(_) => true,
            BucketWidth::Micros(micros) => micros >= MICROS_PER_DAY,
        }
    }
}

/// Marks that may stand before a decimal fraction (ISO 8601-1, 4.2.2.4 of 2004).
const FRACTION_MARKS: [char; 2] = ['.', ','];

/// The parts of an interval, which differ in length by calendar and time zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CalendarInterval {
    pub months: i32,
    pub days: i32,
    pub nanos: i128,
}

impl From<IntervalMonthDayNano> for CalendarInterval {
    fn from(interval: IntervalMonthDayNano) -> Self {
        let nanos = i128::from(interval.nanoseconds);
        Self { months: interval.months, days: interval.days, nanos }
    }
}

/// Parses an interval; `None` if the text is invalid.
pub fn parse_interval(text: &str) -> Option<CalendarInterval> {
    let text = text.trim();
    if text.starts_with(['P', 'p']) {
        return parse_iso(text);
    }
    // A bare number would be parsed as seconds: as a bucket width it is more likely a mistake.
    if text.parse::<f64>().is_ok() {
        return None;
    }
    parse_interval_month_day_nano(text).ok().map(CalendarInterval::from)
}

/// Parses `P[nY][nM][nW][nD][T[nH][nM][nS]]`. The last of hours, minutes and seconds may have a decimal fraction after a
/// point or a comma; a fraction of a day has no exact length.
pub fn parse_iso(text: &str) -> Option<CalendarInterval> {
    let upper = text.to_ascii_uppercase();
    let (date, time) = match upper[1..].split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (&upper[1..], ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let CalendarInterval { mut months, mut days, mut nanos } = CalendarInterval::default();
    for (number, unit) in parts(date, "YMWD")? {
        let number: i32 = number.parse().ok()?;
        match unit {
            'Y' => months = months.checked_add(number.checked_mul(12)?)?,
            'M' => months = months.checked_add(number)?,
            'W' => days = days.checked_add(number.checked_mul(7)?)?,
            _ => days = days.checked_add(number)?,
        }
    }
    let times = parts(time, "HMS")?;
    for (at, (number, unit)) in times.iter().enumerate() {
        let nanos_each = match unit {
            'H' => 3_600_000_000_000,
            'M' => 60_000_000_000,
            _ => 1_000_000_000,
        };
        nanos += if at + 1 == times.len() {
            parse_decimal(number, nanos_each)?
        } else {
            i128::from(number.parse::<u32>().ok()?) * nanos_each
        };
    }
    Some(CalendarInterval { months, days, nanos })
}

/// Splits `1H30M` into (1, H), (30, M); units must come in the order of `units`, each at most once.
fn parts<'a>(mut text: &'a str, units: &str) -> Option<Vec<(&'a str, char)>> {
    let (mut found, mut left) = (Vec::new(), units);
    while !text.is_empty() {
        let at = text.find(|c: char| !c.is_ascii_digit() && !FRACTION_MARKS.contains(&c))?;
        let unit = text[at..].chars().next()?;
        left = &left[left.find(unit)? + 1..];
        found.push((&text[..at], unit));
        text = &text[at + 1..];
    }
    Some(found)
}

/// Parses `n`, `n.n` or `n,n` of a unit into nanoseconds.
fn parse_decimal(number: &str, nanos_each: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once(FRACTION_MARKS).unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let billionths: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(i128::from(whole) * nanos_each + billionths * nanos_each / 1_000_000_000)
}

#[cfg(test)]
#[path = "bucket_width_tests.rs"]
mod tests;
