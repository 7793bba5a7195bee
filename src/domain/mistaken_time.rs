//! Numbers that would be times of 1970 as seconds, but are dates as spreadsheets write them.

use super::time::{MICROS_PER_SECOND, Micros};

/// The day 1970-01-01 in the count of spreadsheets, whose day 1 is 1900-01-01.
const SERIAL_DAY_OF_1970: f64 = 25_569.0;
/// Serial days from 1980 to 2099.
const SERIAL_DAYS: std::ops::Range<f64> = 29_221.0..73_051.0;
/// Years of dates such as 20240331.
const YEARS: std::ops::RangeInclusive<u32> = 1980..=2099;

/// Says what to write in place of a serial day with a time, such as `45382.02`, or of a date without hyphens, such as `20240331`; `None`
/// for any other text. Serial days without a time are left alone: they may be seconds of a measurement.
pub fn hint(text: &str) -> Option<String> {
    let text = text.trim();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) if is_number(whole) && is_number(fraction) => {
            let days: f64 = text.parse().ok().filter(|days| SERIAL_DAYS.contains(days))?;
            let seconds = ((days - SERIAL_DAY_OF_1970) * 86_400.0).round();
            let time = Micros(seconds as i64 * MICROS_PER_SECOND);
            Some(format!("`{text}` is a day of a spreadsheet: write {time}, or seconds since 1970"))
        }
        None if is_number(text) && text.len() == 8 => {
            let (year, rest) = text.split_at(4);
            let (month, day) = rest.split_at(2);
            let date = format!("{year}-{month}-{day}");
            let is_date = YEARS.contains(&year.parse().ok()?) && Micros::parse(&date).is_some();
            is_date
                .then(|| format!("`{text}` is a date without hyphens: write {date}, or seconds since 1970"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_spreadsheets_are_told_from_seconds() {
        for (text, part) in [
            ("45382.02", "write 2024-03-31T00:28:48Z"),
            (" 45382.5 ", "write 2024-03-31T12:00:00Z"),
            ("20240331", "write 2024-03-31"),
        ] {
            let hint = hint(text).unwrap();
            assert!(hint.contains(part), "{hint}");
        }
        for text in
            ["1711843200", "1711843200.5", "45382", "1.5", "20241331", "10240331", "2024", "", "45382.x"]
        {
            assert_eq!(hint(text), None, "{text}");
        }
    }
}
