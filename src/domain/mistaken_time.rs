//! Numbers that would be times of 1970 as seconds, but are dates as spreadsheets write them.

use super::time::{MICROS_PER_SECOND, Micros};

/// The day 1970-01-01 in the count of spreadsheets, whose day 1 is 1900-01-01.
const SERIAL_DAY_OF_1970: f64 = 25_569.0;
/// Serial days with a time, from 1980 to 2099.
const SERIAL_DAYS: std::ops::Range<f64> = 29_221.0..73_051.0;
/// Serial days without a time, from 2000 to 2099.
const WHOLE_SERIAL_DAYS: std::ops::Range<f64> = 36_526.0..73_051.0;
/// Years alone, such as 2024.
const LONE_YEARS: std::ops::RangeInclusive<u32> = 1970..=2100;
/// Years of dates such as 20240331.
const YEARS: std::ops::RangeInclusive<u32> = 1980..=2099;

/// Says what to write in place of a serial day, such as `45382` or `45382.02`, of a year alone, such as `2024`, or of a date without
/// hyphens, such as `20240331`; `None` for any other text.
pub fn hint(text: &str) -> Option<String> {
    let text = text.trim();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) if is_number(whole) && is_number(fraction) => {
            let days: f64 = text.parse().ok().filter(|days| SERIAL_DAYS.contains(days))?;
            let time = time_of(days);
            Some(format!("`{text}` is a day of a spreadsheet: write {time}, or seconds since 1970"))
        }
        None if is_number(text) => of_digits(text),
        _ => None,
    }
}

/// The hint for a number without a fraction: a year, a serial day or a date by the number of its digits.
fn of_digits(text: &str) -> Option<String> {
    let (what, date) = match text.len() {
        4 => {
            let year: u32 = text.parse().ok().filter(|year| LONE_YEARS.contains(year))?;
            ("a year", format!("a date such as {year}-01-01"))
        }
        5 => {
            let days: f64 = text.parse().ok().filter(|days| WHOLE_SERIAL_DAYS.contains(days))?;
            ("a day of a spreadsheet", time_of(days).to_string())
        }
        8 => {
            let (year, rest) = text.split_at(4);
            let (month, day) = rest.split_at(2);
            let date = format!("{year}-{month}-{day}");
            let is_date = YEARS.contains(&year.parse().ok()?) && Micros::parse(&date).is_some();
            is_date.then_some(("a date without hyphens", date))?
        }
        _ => return None,
    };
    let second = Micros(text.parse::<i64>().ok()? * MICROS_PER_SECOND);
    Some(format!("`{text}` is {what}: write {date}, or {second} for that second of 1970"))
}

/// The time of a serial day.
fn time_of(days: f64) -> Micros {
    let seconds = ((days - SERIAL_DAY_OF_1970) * 86_400.0).round();
    Micros(seconds as i64 * MICROS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_spreadsheets_are_told_from_seconds() {
        for (text, part) in [
            ("45382.02", "write 2024-03-31T00:28:48Z"),
            (" 45382.5 ", "write 2024-03-31T12:00:00Z"),
            ("45382", "write 2024-03-31T00:00:00Z, or 1970-01-01T12:36:22Z for that second"),
            ("36526", "write 2000-01-01T00:00:00Z"),
            ("2024", "write a date such as 2024-01-01, or 1970-01-01T00:33:44Z for that second"),
            ("20240331", "write 2024-03-31, or 1970-08-23T"),
        ] {
            let hint = hint(text).unwrap();
            assert!(hint.contains(part), "{hint}");
        }
        for text in [
            "1711843200",
            "1711843200.5",
            "1969",
            "2101",
            "36525",
            "73051",
            "1.5",
            "2024.5",
            "20241331",
            "10240331",
            "120240331",
            "",
            "45382.x",
        ] {
            assert_eq!(hint(text), None, "{text}");
        }
    }
}
