//! Parsers for durations ("5m"), sizes ("256MB") and rates ("60/min") in the configuration.

use std::time::Duration;

use url::Url;

use crate::auth::rate_limiter::AttemptBudget;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// Parses a whole number with a unit `ms`, `s`, `m`, `h` or `d`; `None` for anything else and above a hundred years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 3600 * 1000,
        "d" => 86_400 * 1000,
        _ => return None,
    };
    let longest_ms = 36_525 * 86_400 * 1000;
    number.checked_mul(unit_ms).filter(|ms| *ms <= longest_ms).map(Duration::from_millis)
}

/// Parses bytes, plain or with a unit: `kB`, `MB`, `GB` are powers of 1000, `KiB`, `MiB`, `GiB` of 1024.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit_bytes: u64 = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    // Limited to i64, because file systems and databases count in signed integers.
    number.checked_mul(unit_bytes).filter(|n| i64::try_from(*n).is_ok())
}

/// Reads a URL of the web, without the slash at its end.
pub(super) fn parse_web_url(text: &str) -> Option<String> {
    let url = text.trim().trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let is_plain = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| url.to_owned())
}

/// Reads the URL of a bucket, with or without a prefix.
pub(super) fn parse_bucket_url(text: &str) -> Option<String> {
    let bucket = text.strip_prefix("s3://")?;
    (!bucket.is_empty() && !bucket.starts_with('/')).then(|| text.to_owned())
}

/// Reads the URL of a lake: that of a bucket, with or without a prefix, or of a directory below the root of this machine.
pub(super) fn parse_lake_url(text: &str) -> Option<String> {
    if !text.starts_with("file:") {
        return parse_bucket_url(text);
    }
    let url = Url::parse(text).ok().filter(|_| text.starts_with("file:///"))?;
    let dir = url.to_file_path().ok()?;
    let is_plain = dir.parent().is_some() && url.query().is_none() && url.fragment().is_none();
    is_plain.then(|| text.to_owned())
}

/// Parses a number of attempts and the time they are for, such as `60/min` or `100/10s`: the time is a unit `s`, `min`
/// (or `m`), `h` or `d`, or a whole number of it, and at most a day.
pub(super) fn parse_rate(text: &str) -> Option<AttemptBudget> {
    let (attempts, window) = text.split_once('/')?;
    let attempts = attempts.trim().replace('_', "").parse().ok().filter(|n| *n > 0)?;
    let window = window.trim();
    let (number, unit) = match window.starts_with(|c: char| c.is_ascii_digit()) {
        true => split(window)?,
        false => (1, window),
    };
    let unit_s: i64 = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let window_us = i64::try_from(number).ok()?.checked_mul(unit_s)?.checked_mul(MICROS_PER_SECOND)?;
    let is_sound = (1..=MICROS_PER_DAY).contains(&window_us);
    is_sound.then_some(AttemptBudget { attempts, window_us })
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let number = text[..end].replace('_', "").parse().ok()?;
    Some((number, text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let rows = [
            ("milliseconds", "500ms", Some(500)),
            ("seconds", "2s", Some(2000)),
            ("minutes", "5m", Some(300_000)),
            ("hours_with_a_space", "1 h", Some(3_600_000)),
            ("days", "31d", Some(2_678_400_000)),
            ("no_unit", "60", None),
            ("an_unknown_unit", "2 weeks", None),
            ("no_number", "s", None),
            ("a_fraction", "1.5s", None),
            ("a_sign", "-2s", None),
            ("beyond_counting", "99999999999999999999s", None),
            ("beyond_a_lifetime", "99999d", None),
        ];
        for (name, text, expected_ms) in rows {
            assert_eq!(parse_duration(text), expected_ms.map(Duration::from_millis), "{name}");
        }
    }

    #[test]
    fn lakes() {
        let rows = [
            ("s3://plant/basalt", true),
            ("s3://plant", true),
            ("file:///srv/lake", true),
            ("file:///srv/lake/", true),
            ("file:///srv/a%20lake", true),
            ("s3:///basalt", false),
            ("file:///", false),
            ("file://srv/lake", false),
            ("file:srv/lake", false),
            ("file:///srv/lake?a=b", false),
            ("file:///srv/lake#a", false),
            ("/srv/lake", false),
            ("", false),
        ];
        for (url, is_accepted) in rows {
            assert_eq!(parse_lake_url(url).as_deref(), is_accepted.then_some(url), "{url}");
        }
    }

    #[test]
    fn rates() {
        let rows = [
            ("a_unit", "60/min", Some((60, 60))),
            ("a_number_of_units", "100/10s", Some((100, 10))),
            ("minutes", "5/2m", Some((5, 120))),
            ("blanks", " 1_000 / 1 h ", Some((1000, 3600))),
            ("a_day", "1/d", Some((1, 86_400))),
            ("beyond_a_day", "1/25h", None),
            ("no_time", "60", None),
            ("no_unit", "60/10", None),
            ("an_unknown_unit", "60/week", None),
            ("none", "0/min", None),
            ("no_time_at_all", "60/0s", None),
            ("no_number", "/min", None),
            ("a_sign", "-1/min", None),
            ("beyond_counting", "4294967296/min", None),
            ("a_time_beyond_counting", "1/18446744073709551615d", None),
        ];
        for (name, text, expected) in rows {
            let found = parse_rate(text).map(|rate| (rate.attempts, rate.window_us / MICROS_PER_SECOND));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn sizes() {
        let rows = [
            ("bytes", "1024", Some(1024)),
            ("thousands", "256MB", Some(256_000_000)),
            ("powers_of_two", "64MiB", Some(64 << 20)),
            ("a_space", "1 GB", Some(1_000_000_000)),
            ("grouped_digits", "10_000kB", Some(10_000_000)),
            ("an_unknown_unit", "5 bananas", None),
            ("nothing", "", None),
            ("beyond_counting", "99999999999GB", None),
        ];
        for (name, text, expected) in rows {
            assert_eq!(parse_size(text), expected, "{name}");
        }
    }
}
