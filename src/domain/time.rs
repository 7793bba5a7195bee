//! Time: microseconds since 1970-01-01 UTC, ISO-8601 parsing and formatting, and the injectable clock.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// Microseconds since the epoch, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// 1970-01-01T00:00:00Z, the earliest time accepted on a wire.
pub const MIN_TIME: Micros = Micros(0);
/// 2262-01-01T00:00:00Z, the first time no longer accepted (nanosecond clients overflow in 2262).
pub const END_TIME: Micros = Micros(9_214_646_400_000_000);

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const MICROS_PER_HOUR: i64 = 3600 * MICROS_PER_SECOND;
/// Microseconds in a UTC day.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A UTC day as days since 1970-01-01; one partition of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// Midnight at the start of the day.
    #[inline]
    pub fn start(self) -> Micros {
        Micros(i64::from(self.0) * MICROS_PER_DAY)
    }

    /// Parses `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Day> {
        let ts = Micros::parse(text)?;
        (text.len() == 10).then(|| ts.day())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.start().to_iso();
        f.write_str(&iso[..10])
    }
}

impl Micros {
    /// The UTC day that contains this time.
    #[inline]
    pub fn day(self) -> Day {
        // Wire times are below year 2262, so the day number always fits.
        Day(self.0.div_euclid(MICROS_PER_DAY) as i32)
    }

    /// Whether this time may be stored: year 1970 to 2261.
    #[inline]
    pub fn is_storable(self) -> bool {
        (MIN_TIME..END_TIME).contains(&self)
    }

    /// Parses ISO-8601 (offset, `Z`, or none for UTC; a date alone is its midnight; a space may stand for `T`)
    /// or epoch seconds, whole or decimal. Digits below a microsecond are cut. `None` for anything else or
    /// outside years 1970 to 2261.
    pub fn parse(text: &str) -> Option<Micros> {
        let text = text.trim();
        let parsed = parse_iso(text).or_else(|| parse_epoch_seconds(text))?;
        parsed.is_storable().then_some(parsed)
    }

    /// ISO-8601 with `Z`, in seconds, with six fraction digits unless they are all zero.
    pub fn to_iso(self) -> String {
        let Ok(t) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000) else {
            return format!("{}us", self.0);
        };
        let (y, mo, d) = (t.year(), u8::from(t.month()), t.day());
        let (h, mi, s) = t.to_hms();
        let frac = self.0.rem_euclid(MICROS_PER_SECOND);
        if frac == 0 {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}Z")
        } else {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{frac:06}Z")
        }
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso())
    }
}

fn digits(text: &str, from: usize, len: usize) -> Option<u32> {
    let part = text.get(from..from + len)?;
    if !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    part.parse().ok()
}

fn parse_iso(text: &str) -> Option<Micros> {
    let bytes = text.as_bytes();
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let month = Month::try_from(u8::try_from(digits(text, 5, 2)?).ok()?).ok()?;
    let date =
        Date::from_calendar_date(digits(text, 0, 4)? as i32, month, u8::try_from(digits(text, 8, 2)?).ok()?)
            .ok()?;
    if bytes.len() == 10 {
        return to_micros(OffsetDateTime::new_utc(date, Time::MIDNIGHT));
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let (clock, offset) = split_offset(&text[11..])?;
    let time = parse_clock(clock)?;
    to_micros(OffsetDateTime::new_in_offset(date, time, offset))
}

/// `hh:mm[:ss[.fraction]]`
fn parse_clock(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (hour, minute) = (digits(text, 0, 2)? as u8, digits(text, 3, 2)? as u8);
    if bytes.len() == 5 {
        return Time::from_hms(hour, minute, 0).ok();
    }
    if bytes.len() < 8 || bytes[5] != b':' {
        return None;
    }
    let second = digits(text, 6, 2)? as u8;
    let micro = match text.get(8..)? {
        "" => 0,
        rest => {
            let frac = rest.strip_prefix(['.', ','])?;
            if frac.is_empty() || frac.len() > 9 || !frac.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            format!("{frac:0<6}")[..6].parse().ok()?
        }
    };
    Time::from_hms_micro(hour, minute, second, micro).ok()
}

/// Splits `Z`, `+hh:mm`, `+hhmm` or `+hh` off the end; none means UTC.
fn split_offset(text: &str) -> Option<(&str, UtcOffset)> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock, UtcOffset::UTC));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, UtcOffset::UTC)) };
    let sign = if text.as_bytes()[at] == b'-' { -1 } else { 1 };
    let (clock, zone) = (&text[..at], &text[at + 1..]);
    let (hours, minutes) = match zone.len() {
        2 => (digits(zone, 0, 2)?, 0),
        4 => (digits(zone, 0, 2)?, digits(zone, 2, 2)?),
        5 if zone.as_bytes()[2] == b':' => (digits(zone, 0, 2)?, digits(zone, 3, 2)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = UtcOffset::from_hms(sign * i8::try_from(hours).ok()?, sign * minutes as i8, 0).ok()?;
    Some((clock, offset))
}

fn to_micros(t: OffsetDateTime) -> Option<Micros> {
    i64::try_from(t.unix_timestamp_nanos().div_euclid(1000)).ok().map(Micros)
}

fn parse_epoch_seconds(text: &str) -> Option<Micros> {
    let (whole, frac) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(frac) || frac.len() > 18 {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let micros: i64 = format!("{frac:0<6}")[..6].parse().ok()?;
    seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(micros).map(Micros)
}

/// Source of the current time; injected so that tests control it.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Micros;

    /// The time since some moment in the life of this process. It goes on when somebody sets the clock.
    fn monotonic(&self) -> Micros {
        static START: OnceLock<Instant> = OnceLock::new();
        let passed = START.get_or_init(Instant::now).elapsed();
        Micros(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Micros {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
