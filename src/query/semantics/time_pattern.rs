//! Patterns of `to_char`, as PostgreSQL has them (PostgreSQL 17, 9.8, tables 9.31 and 9.32).

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND};

/// Maximum length of a pattern in bytes: each may become nine characters.
const MAX_BYTES: usize = 1_000;
const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;

/// The fields, longer ones before those that they begin with.
const FIELDS: [&str; 32] = [
    "HH24", "HH12", "HH", "MI", "SSSSS", "SSSS", "SS", "MS", "US", "AM", "PM", "YYYY", "IYYY", "YY", "MONTH",
    "MON", "MM", "DAY", "DY", "DDD", "DD", "IDDD", "ID", "D", "WW", "W", "IW", "Q", "CC", "TZ", "OF", "J",
];

/// The fields of a length of time.
const FIELDS_OF_SPANS: [&str; 12] =
    ["HH24", "HH12", "HH", "MI", "SSSSS", "SSSS", "SS", "MS", "US", "AM", "PM", "DD"];

/// A time as a clock shows it.
#[derive(Debug, Clone, Copy)]
pub struct LocalTime<'a> {
    /// Microseconds since 1970, as if the clock showed UTC.
    pub micros: i64,
    /// The clock's distance from UTC in microseconds, positive to the east.
    pub offset: i64,
    /// Name of the zone; empty without one.
    pub zone: &'a str,
}

/// A length of time, or a time of day, whose parts have their own signs.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Number of days.
    pub days: i64,
    /// Microseconds besides.
    pub micros: i64,
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { name: &'static str, case: LetterCase, is_padded: bool },
}

/// How the letters of a name are written, which is how the pattern writes its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LetterCase {
    Upper,
    Capitalized,
    Lower,
}

impl Pattern {
    /// Parses a pattern. Text in double quotes and what is no letter stands for itself.
    ///
    /// # Errors
    /// Letters that are no field, with the fields there are.
    pub fn parse(text: &str) -> Result<Pattern> {
        if text.len() > MAX_BYTES {
            return exec_err!("to_char: the pattern is longer than {MAX_BYTES} bytes");
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(first) = rest.chars().next() {
            if first == '"' {
                let inside = &rest[1..];
                let end = inside.find('"').unwrap_or(inside.len());
                parts.push(Part::Text(inside[..end].to_owned()));
                rest = inside.get(end + 1..).unwrap_or_default();
                continue;
            }
            let unpadded = strip(rest, "FM");
            let is_padded = unpadded.is_none();
            let at = unpadded.unwrap_or(rest);
            if let Some((name, after)) = FIELDS.iter().find_map(|name| Some((*name, strip(at, name)?))) {
                parts.push(Part::Field { name, case: letter_case(&at[..name.len()]), is_padded });
                rest = after;
            } else if at.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with('T') {
                let fields = FIELDS.join(", ");
                return exec_err!(
                    "to_char: the pattern has no field at `{at}`; there are {fields}, FM before one of them, text in double \
                     quotes, and patterns with % as of strftime"
                );
            } else {
                parts.push(Part::Text(first.to_string()));
                rest = &rest[first.len_utf8()..];
            }
        }
        Ok(Pattern(parts))
    }

    /// Writes a time.
    pub fn format(&self, time: &LocalTime<'_>) -> String {
        let shown = DateTime::from_timestamp_micros(time.micros).unwrap_or(DateTime::UNIX_EPOCH).naive_utc();
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field { name, case, is_padded } => {
                    out.push_str(&field(name, *case, *is_padded, &shown, time))
                }
            }
        }
        out
    }
}

impl Pattern {
    /// Checks that a length of time has every field of the pattern.
    ///
    /// # Errors
    /// A field of a date, with the fields there are.
    pub fn check_span(&self) -> Result<()> {
        let of_dates = self.0.iter().find_map(|part| match part {
            Part::Field { name, .. } if !FIELDS_OF_SPANS.contains(name) => Some(name),
            _ => None,
        });
        match of_dates {
            Some(name) => {
                let fields = FIELDS_OF_SPANS.join(", ");
                exec_err!("to_char: a time of day or an interval has no field {name}; it has {fields}")
            }
            None => Ok(()),
        }
    }

    /// Writes a length of time, whose hours may be more than 24.
    pub fn format_span(&self, span: Span) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field { name, case, is_padded } => span_field(name, *case, *is_padded, span),
        };
        self.0.iter().map(text).collect()
    }
}

/// The pattern of a call of `to_timestamp` or `to_date` as `strftime` has it; `None` if it is no text, is one of strftime already,
/// or has fields by which no time is read.
pub(super) fn strftime_literal(pattern: &Expr) -> Option<Expr> {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = pattern else {
        return None;
    };
    let parts = if text.contains('%') { return None } else { Pattern::parse(text).ok()?.0 };
    let fields = parts.into_iter().map(|part| match part {
        Part::Text(text) => Some(text),
        Part::Field { name, .. } => strftime(name).map(str::to_owned),
    });
    Some(Expr::value(Value::SingleQuotedString(fields.collect::<Option<String>>()?)))
}

fn strftime(field: &str) -> Option<&'static str> {
    Some(match field {
        "YYYY" => "%Y",
        "YY" => "%y",
        "MM" => "%m",
        "MON" => "%b",
        "MONTH" => "%B",
        "DD" => "%d",
        "DDD" => "%j",
        "HH24" => "%H",
        "HH" | "HH12" => "%I",
        "MI" => "%M",
        "SS" => "%S",
        "MS" => "%3f",
        "US" => "%6f",
        "AM" | "PM" => "%p",
        _ => return None,
    })
}

/// The rest after a word, whatever its case.
fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.get(..word.len()).filter(|begin| begin.eq_ignore_ascii_case(word)).map(|_| &text[word.len()..])
}

fn letter_case(written: &str) -> LetterCase {
    let mut letters = written.chars();
    match (letters.next().is_some_and(char::is_uppercase), letters.any(char::is_uppercase)) {
        (true, true) => LetterCase::Upper,
        (true, false) if written.len() > 1 => LetterCase::Capitalized,
        (true, false) => LetterCase::Upper,
        (false, _) => LetterCase::Lower,
    }
}

fn field(name: &str, case: LetterCase, is_padded: bool, at: &NaiveDateTime, time: &LocalTime<'_>) -> String {
    let number = |value: i64, width: usize| match is_padded {
        true => format!("{value:0width$}"),
        false => value.to_string(),
    };
    let word = |pattern: &str, width: usize| {
        let word = at.format(pattern).to_string();
        let word = match case {
            LetterCase::Upper => word.to_uppercase(),
            LetterCase::Capitalized => word,
            LetterCase::Lower => word.to_lowercase(),
        };
        if is_padded { format!("{word:width$}") } else { word }
    };
    let seconds = i64::from(at.num_seconds_from_midnight());
    match name {
        "YYYY" => number(i64::from(at.year()), 4),
        "YY" => number(i64::from(at.year().rem_euclid(100)), 2),
        "IYYY" => number(i64::from(at.iso_week().year()), 4),
        "MM" => number(i64::from(at.month()), 2),
        "MON" => word("%b", 0),
        "MONTH" => word("%B", 9),
        "DD" => number(i64::from(at.day()), 2),
        "DDD" => number(i64::from(at.ordinal()), 3),
        "DAY" => word("%A", 9),
        "DY" => word("%a", 0),
        "D" => number(i64::from(at.weekday().num_days_from_sunday()) + 1, 1),
        "IDDD" => number(i64::from(at.iso_week().week0() * 7 + at.weekday().number_from_monday()), 3),
        "ID" => number(i64::from(at.weekday().number_from_monday()), 1),
        "HH24" => number(i64::from(at.hour()), 2),
        "HH" | "HH12" => number(i64::from(at.hour12().1), 2),
        "MI" => number(i64::from(at.minute()), 2),
        "SS" => number(i64::from(at.second()), 2),
        "SSSS" | "SSSSS" => number(seconds, 1),
        "MS" => number(i64::from(at.nanosecond() / 1_000_000), 3),
        "US" => number(i64::from(at.nanosecond() / 1_000), 6),
        "AM" | "PM" => half_of_day(at.hour12().0, case).to_owned(),
        "WW" => number(i64::from((at.ordinal() - 1) / 7) + 1, 2),
        "W" => number(i64::from((at.day() - 1) / 7) + 1, 1),
        "IW" => number(i64::from(at.iso_week().week()), 2),
        "Q" => number(i64::from((at.month() - 1) / 3) + 1, 1),
        "CC" => number(i64::from((at.year() - 1).div_euclid(100)) + 1, 2),
        "J" => number(i64::from(at.num_days_from_ce()) + 1_721_425, 1),
        "OF" => offset(time.offset),
        _ if case == LetterCase::Lower => time.zone.to_lowercase(),
        _ => time.zone.to_owned(),
    }
}

fn span_field(name: &str, case: LetterCase, is_padded: bool, span: Span) -> String {
    let Span { days, micros } = span;
    let number = |value: i64, digits: usize| match is_padded {
        true => format!("{value:0width$}", width = digits + usize::from(value < 0)),
        false => value.to_string(),
    };
    let hours = micros / MICROS_PER_HOUR;
    match name {
        // Its sign takes the place of a digit.
        "DD" if is_padded => format!("{days:02}"),
        "DD" => days.to_string(),
        "HH24" => number(hours, 2),
        "HH" | "HH12" => number(if hours % 12 == 0 { 12 } else { hours % 12 }, 2),
        "MI" => number(micros / MICROS_PER_MINUTE % 60, 2),
        "SS" => number(micros / MICROS_PER_SECOND % 60, 2),
        "SSSS" | "SSSSS" => (micros / MICROS_PER_SECOND).to_string(),
        "MS" => number(micros % MICROS_PER_SECOND / 1_000, 3),
        "US" => number(micros % MICROS_PER_SECOND, 6),
        _ => half_of_day(hours % 24 >= 12, case).to_owned(),
    }
}

/// Half of the day that a time is in, whichever of them the pattern names.
fn half_of_day(is_second: bool, case: LetterCase) -> &'static str {
    match (is_second, case) {
        (true, LetterCase::Lower) => "pm",
        (false, LetterCase::Lower) => "am",
        (true, _) => "PM",
        (false, _) => "AM",
    }
}

fn offset(micros: i64) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    let minutes = micros.abs() / MICROS_PER_MINUTE;
    match minutes % 60 {
        0 => format!("{sign}{:02}", minutes / 60),
        rest => format!("{sign}{:02}:{rest:02}", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-03-05T15:04:09.075003 in Berlin.
    const AT: LocalTime<'static> =
        LocalTime { micros: 1_709_651_049_075_003, offset: 3_600_000_000, zone: "Europe/Berlin" };

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn times_are_written_as_postgresql_writes_them() {
        for (pattern, expected) in [
            ("YYYY-MM", "2024-03"),
            ("YYYY-MM-DD HH24:MI:SS", "2024-03-05 15:04:09"),
            ("YYYY-MM-DD\"T\"HH24:MI:SS.MS", "2024-03-05T15:04:09.075"),
            ("HH12:MI am, US", "03:04 pm, 075003"),
            ("FMDD.FMMM.YY", "5.3.24"),
            ("Day|FMDay|DY|dy|Mon|MONTH|", "Tuesday  |Tuesday|TUE|tue|Mar|MARCH    |"),
            ("IYYY-IW ID D DDD Q WW CC", "2024-10 2 3 065 1 10 21"),
            ("SSSS J OF", "54249 2460375 +01"),
            ("YYYY-MM-DDTHH24", "2024-03-05T15"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().format(&AT), expected, "{pattern}");
        }
        assert!(Pattern::parse("HH24x").unwrap_err().to_string().contains("no field at `x`"));
    }

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn lengths_of_time_are_written_as_postgresql_writes_intervals() {
        let span = |days, seconds: f64| Span { days, micros: (seconds * 1e6) as i64 };
        for (pattern, span, expected) in [
            ("HH24:MI:SS.MS", span(0, 108_309.5), "30:05:09.500"),
            ("DD HH12 am SSSS US", span(2, 46_800.000_25), "02 01 pm 46800 000250"),
            ("DD HH24:MI|FMDD FMMI", span(-1, -7_500.0), "-1 -02:-05|-1 -5"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert!(pattern.check_span().is_ok());
            assert_eq!(pattern.format_span(span), expected);
        }
        let refused = Pattern::parse("HH24 Day").unwrap().check_span().unwrap_err();
        assert!(refused.to_string().contains("no field DAY; it has HH24"), "{refused}");
    }
}
