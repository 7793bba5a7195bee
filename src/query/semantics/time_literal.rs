//! Texts of times and dates as PostgreSQL reads them (15, appendix B.1), rewritten to the one form that arrow reads the same.
//!
//! Arrow reads no time without seconds, applies the zone in the text of a time that has none (PostgreSQL leaves it out), and
//! cuts what is finer than a microsecond (PostgreSQL rounds).

use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use arrow::datatypes::Date32Type;
use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::domain::time::MICROS_PER_SECOND;
use crate::query::functions::zone::Zone;

const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Offsets of zones are less, as in PostgreSQL.
const MAX_OFFSET_SECONDS: i64 = 16 * 3600;

/// Type that a text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// `timestamptz`: without a zone it is of UTC.
    Instant,
    /// `timestamp`: a zone has no meaning.
    Local,
    /// `date`: neither zone nor time of day have a meaning.
    Date,
}

/// Returns a text of the same meaning that arrow reads; `None` when arrow reads this one the same, and for texts that have none
/// of these forms.
pub fn readable(text: &str, kind: TimeKind) -> Option<String> {
    let (date, micros, zone) = read(text.trim())?;
    let (shown, is_read) = match kind {
        TimeKind::Date => (date.to_string(), Date32Type::parse(text) == Some(days_of(date))),
        TimeKind::Instant | TimeKind::Local => {
            let local = i64::from(days_of(date)) * MICROS_PER_DAY + micros;
            let time = match zone {
                Some(zone) if kind == TimeKind::Instant => zone.instant(local),
                _ => local,
            };
            let shown = DateTime::from_timestamp_micros(time)?;
            if !(0..=9999).contains(&shown.year()) {
                return None;
            }
            let end = if kind == TimeKind::Instant { "Z" } else { "" };
            let known = string_to_datetime(&Utc, text).map(|known| known.timestamp_micros()).ok();
            (format!("{}{end}", shown.format("%Y-%m-%dT%H:%M:%S%.6f")), known == Some(time))
        }
    };
    (!is_read).then_some(shown)
}

/// Whether arrow reads a text that has none of these forms, perhaps as another time than PostgreSQL: one with an abbreviation such as
/// `CET`, which is the winter time there and the zone of Brussels here, or with an offset of 16 hours and more.
pub fn is_misread(text: &str) -> bool {
    let text = text.trim();
    read(text).is_none() && string_to_datetime(&Utc, text).is_ok()
}

fn days_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

/// The zone that a text names.
#[derive(Debug, Clone, Copy)]
enum TextZone {
    /// Microseconds east of Greenwich.
    Offset(i64),
    Named(Zone),
}

impl TextZone {
    fn instant(self, local: i64) -> i64 {
        match self {
            TextZone::Offset(offset) => local - offset,
            TextZone::Named(zone) => zone.instant(local),
        }
    }
}

/// Reads a date, the microseconds of the day, and a zone.
fn read(text: &str) -> Option<(NaiveDate, i64, Option<TextZone>)> {
    if text.eq_ignore_ascii_case("epoch") {
        return Some((NaiveDate::default(), 0, None));
    }
    let (date, rest) = read_date(text)?;
    if rest.is_empty() {
        return Some((date, 0, None));
    }
    // `2024-03-31 +02` or `2024-03-31Z`: the midnight of that zone, as JDBC sends a date.
    let zone = rest.trim_start();
    if zone.starts_with('+') || (zone.starts_with('-') && zone.len() < rest.len()) {
        return Some((date, 0, read_zone(zone)?));
    }
    if zone.starts_with(|first: char| first.is_ascii_alphabetic())
        && let Some(named) = read_zone(zone)
    {
        return Some((date, 0, named));
    }
    let clock = rest.strip_prefix(['T', 't']).or_else(|| {
        let clock = rest.trim_start();
        (clock.len() < rest.len()).then_some(clock)
    })?;
    let (micros, rest) = read_clock(clock)?;
    Some((date, micros, read_zone(rest.trim_start())?))
}

/// `2024-03-31`, `2024/3/31` or `20240331`, and what follows.
fn read_date(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = digits(text, 8)?;
    if year.len() == 8 {
        let date = NaiveDate::from_ymd_opt(number(&year[..4]), number(&year[4..6]), number(&year[6..]))?;
        return Some((date, rest));
    }
    let separator = rest.chars().next().filter(|c| year.len() == 4 && matches!(c, '-' | '/'))?;
    let (month, rest) = digits(&rest[1..], 2)?;
    let (day, rest) = digits(rest.strip_prefix(separator)?, 2)?;
    Some((NaiveDate::from_ymd_opt(number(year), number(month), number(day))?, rest))
}

/// `10:00`, `9:05:06.25` or `100000`, and what follows.
fn read_clock(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = digits(text, 6)?;
    let (hour, minute, second, rest) = match (hour.len(), rest.strip_prefix(':')) {
        (6, _) => (&hour[..2], &hour[2..4], &hour[4..], rest),
        (1 | 2, Some(rest)) => {
            let (minute, rest) = digits(rest, 2).filter(|(minute, _)| minute.len() == 2)?;
            let (second, rest) = match rest.strip_prefix(':') {
                Some(rest) => digits(rest, 2).filter(|(second, _)| second.len() == 2)?,
                None => ("0", rest),
            };
            (hour, minute, second, rest)
        }
        _ => return None,
    };
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest, usize::MAX)?,
        None => ("", rest),
    };
    let (hour, minute, second): (i64, i64, i64) = (number(hour), number(minute), number(second));
    let micros = (format!("0.{fraction}0").parse::<f64>().ok()? * 1e6).round_ties_even() as i64;
    let of_day = ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros;
    let is_clock = minute < 60 && second <= 60 && of_day <= MICROS_PER_DAY;
    is_clock.then_some((of_day, rest))
}

/// `Z`, `UTC`, `+02`, `-0330`, `+05:30` or `Europe/Berlin`. Abbreviations such as `CET` are not read: they mean different things
/// in PostgreSQL and in the database of zones.
fn read_zone(text: &str) -> Option<Option<TextZone>> {
    if text.is_empty() {
        return Some(None);
    }
    if ["z", "utc", "gmt"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Some(Some(TextZone::Offset(0)));
    }
    let Some(rest) = text.strip_prefix(['+', '-']) else {
        let zone = text.contains('/').then(|| Zone::parse("time", text).ok())??;
        return Some(Some(TextZone::Named(zone)));
    };
    let parts: Vec<&str> = match rest.len() {
        4 if !rest.contains(':') => vec![rest.get(..2)?, rest.get(2..)?],
        _ => rest.split(':').collect(),
    };
    let is_part = |part: &&str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_part) {
        return None;
    }
    let part = |at: usize| parts.get(at).map_or(0, |part| number::<i64>(part));
    let seconds = part(0) * 3600 + part(1) * 60 + part(2);
    let is_offset = part(1) < 60 && part(2) < 60 && seconds < MAX_OFFSET_SECONDS;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    is_offset.then_some(Some(TextZone::Offset(sign * seconds * MICROS_PER_SECOND)))
}

/// Splits off at least one and at most so many digits; `None` where more follow.
fn digits(text: &str, most: usize) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=most).contains(&length).then(|| text.split_at(length))
}

/// Returns the number that some digits are; 0 for one that is too large.
fn number<T: std::str::FromStr + Default>(digits: &str) -> T {
    digits.parse().unwrap_or_default()
}

#[cfg(test)]
#[path = "time_literal_tests.rs"]
mod tests;
