//! Texts of intervals in the forms that PostgreSQL reads and arrow does not, rewritten to forms that arrow reads.

use crate::query::functions::bucket_width::{CalendarInterval, parse_iso};

const DAYS_PER_WEEK: f64 = 7.0;
/// Number of parts of a day to which a fraction of days is rounded.
const NANOS: f64 = 1e9;

/// An interval with a part like `02:30` or `-00:00:01.5` (hours, minutes, seconds), with parts of weeks, with seconds at its end without their
/// unit, or in ISO-8601's form; `None` for other texts, which arrow reads or refuses.
pub fn interval(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with('P') {
        let CalendarInterval { months, days, nanos } = parse_iso(text)?;
        return Some(format!("{months} months {days} days {nanos} nanoseconds"));
    }
    // A cast of arrow's takes them for months.
    if text.rsplit(char::is_whitespace).next().is_some_and(is_number) {
        return interval(&format!("{text} seconds")).or_else(|| Some(format!("{text} seconds")));
    }
    if !text.contains(':') {
        return without_parts_of_weeks(text);
    }
    let readable = |part: &str| if part.contains(':') { clock(part) } else { Some(part.to_owned()) };
    let parts = text.split_whitespace().map(readable);
    Some(parts.collect::<Option<Vec<_>>>()?.join(" "))
}

fn is_number(part: &str) -> bool {
    part.bytes().any(|byte| byte.is_ascii_digit()) && part.parse::<f64>().is_ok()
}

/// An interval with parts of weeks, such as `1.5 weeks`, as one of days: arrow makes hours of them.
fn without_parts_of_weeks(text: &str) -> Option<String> {
    let is_week = |unit: &&str| ["week", "weeks"].iter().any(|known| unit.eq_ignore_ascii_case(known));
    let (mut parts, mut readable) = (text.split_whitespace().peekable(), Vec::new());
    let mut is_changed = false;
    while let Some(part) = parts.next() {
        if part.contains('.') && parts.next_if(is_week).is_some() {
            let days = part.parse::<f64>().ok()? * DAYS_PER_WEEK;
            readable.push(format!("{} days", (days * NANOS).round() / NANOS));
            is_changed = true;
        } else {
            readable.push(part.to_owned());
        }
    }
    is_changed.then(|| readable.join(" "))
}

/// `[+-]HH:MM[:SS[.f]]` as hours, minutes and seconds. The sign is that of all of them.
fn clock(part: &str) -> Option<String> {
    let (sign, digits) = match part.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", part.strip_prefix('+').unwrap_or(part)),
    };
    let mut fields = digits.split(':');
    let (hours, minutes) = (fields.next()?, fields.next()?);
    let seconds = fields.next().unwrap_or("0");
    let is_number = |field: &str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let is_clock = [hours, minutes, whole, fraction].into_iter().all(is_number) && fields.next().is_none();
    let is_below_60 = |field: &str| field.parse::<u32>().is_ok_and(|number| number < 60);
    if !is_clock || !is_below_60(minutes) || !is_below_60(whole) {
        return None;
    }
    Some(format!("{sign}{hours} hours {sign}{minutes} minutes {sign}{seconds} seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_in_intervals_become_hours_minutes_and_seconds() {
        assert_eq!(interval("00:30:00").as_deref(), Some("00 hours 30 minutes 00 seconds"));
        assert_eq!(
            interval("1 day -02:30:01.5").as_deref(),
            Some("1 day -02 hours -30 minutes -01.5 seconds")
        );
        assert_eq!(interval("P1DT1S").as_deref(), Some("0 months 1 days 1000000000 nanoseconds"));
        assert_eq!(interval("1.5 weeks 2 hours").as_deref(), Some("10.5 days 2 hours"));
        assert_eq!(interval("90").as_deref(), Some("90 seconds"));
        assert_eq!(interval("1.5 weeks -30").as_deref(), Some("10.5 days -30 seconds"));
        for other in ["1 hour", "2 weeks", "1-2", "1:2:3:4", "00:60", "a:b", "-:10", "00:10:"] {
            assert_eq!(interval(other), None, "{other}");
        }
    }
}
