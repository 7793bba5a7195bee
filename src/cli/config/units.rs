//! Parsers for durations ("5m"), sizes ("256MB") and rates ("100/10s") in the configuration.

use std::time::Duration;

use crate::auth::rate_limiter::AttemptBudget;

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

/// Parses a rate such as `100/10s`, `60/min` or `100/s`: so many in that time.
pub(super) fn parse_rate(text: &str) -> Option<AttemptBudget> {
    let (attempts, window) = text.split_once('/')?;
    let attempts = attempts.trim().replace('_', "").parse::<u32>().ok().filter(|n| *n > 0)?;
    let window = match window.trim() {
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        "d" => Duration::from_secs(86_400),
        window => parse_duration(window)?,
    };
    let window_us = i64::try_from(window.as_micros()).ok().filter(|us| *us > 0)?;
    Some(AttemptBudget { attempts, window_us })
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
    fn rates() {
        let rows = [
            ("so_many_seconds", "100/10s", Some((100, 10_000_000))),
            ("a_minute", "60/min", Some((60, 60_000_000))),
            ("another_minute", "60 / m", Some((60, 60_000_000))),
            ("a_second", "1_000/s", Some((1000, 1_000_000))),
            ("an_hour", "1/h", Some((1, 3_600_000_000))),
            ("milliseconds", "1/5ms", Some((1, 5000))),
            ("none", "0/s", None),
            ("no_time", "5/0s", None),
            ("no_window", "5", None),
            ("a_fraction", "1.5/s", None),
            ("an_unknown_unit", "5/week", None),
            ("beyond_counting", "99999999999/s", None),
        ];
        for (name, text, expected) in rows {
            let expected = expected.map(|(attempts, window_us)| AttemptBudget { attempts, window_us });
            assert_eq!(parse_rate(text), expected, "{name}");
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
