//! Parses one cell of an import file into a time, a number or a quality, or says why it is wrong.

use crate::domain::reading::Quality;
use crate::domain::{Micros, mistaken_time};

/// Largest magnitude up to which every integer is exact as f64.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Why a cell is wrong: its column, and what to write instead.
pub type CellError = String;

/// A number, and its exact decimal text where f64 is not exact.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedNumber {
    pub value: f64,
    pub exact: Option<String>,
}

/// Parses a time; without a zone it is UTC.
pub fn parse_time(text: &str) -> Result<Micros, CellError> {
    Micros::parse(text).ok_or_else(|| {
        format!("ts: `{text}` is not a time of 1970 to 2261: use ISO-8601 or seconds since 1970")
    })
}

/// Parses a time of a CSV file, in which spreadsheets write numbers for days.
pub fn parse_csv_time(text: &str) -> Result<Micros, CellError> {
    match mistaken_time::hint(text) {
        Some(hint) => Err(format!("ts: {hint}")),
        None => parse_time(text),
    }
}

/// Parses a finite number; `true` and `false` are 1 and 0.
pub fn parse_number(text: &str) -> Result<ParsedNumber, CellError> {
    let plain = |value| Ok(ParsedNumber { value, exact: None });
    match text {
        "true" | "True" | "TRUE" => return plain(1.0),
        "false" | "False" | "FALSE" => return plain(0.0),
        _ => {}
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(ParsedNumber { value, exact: exact_decimal(text) }),
        Ok(_) => Err(format!("value: `{text}` is not finite")),
        Err(_) => Err(format!("value: `{text}` is not a number; words belong in a column text")),
    }
}

/// Parses a quality given by name or by its stored number.
pub fn parse_quality(text: &str) -> Result<&'static str, CellError> {
    let numbered = text.parse().ok().and_then(Quality::from_byte);
    let quality = numbered.map_or_else(|| text.parse::<Quality>(), Ok);
    quality.map(Quality::name).map_err(|_| format!("quality: `{text}` is not one of good, uncertain, bad"))
}

/// Parses a positive id.
pub fn parse_stream_id(text: &str) -> Result<i32, CellError> {
    let id = text.parse().ok().filter(|id| *id > 0);
    id.ok_or_else(|| format!("stream_id: `{text}` is not the id of a stream"))
}

/// Returns the decimal text of a 64-bit integer that f64 would round.
fn exact_decimal(text: &str) -> Option<String> {
    let signed = text.parse::<i64>().ok().map(|n| (n.unsigned_abs(), n.to_string()));
    let (size, decimal) = signed.or_else(|| text.parse::<u64>().ok().map(|n| (n, n.to_string())))?;
    (size > MAX_EXACT_INTEGER).then_some(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let rows = [
            ("a_decimal", "69.88083514", Some((69.88083514, None))),
            ("an_exponent", "-1e3", Some((-1000.0, None))),
            ("a_truth", "true", Some((1.0, None))),
            ("the_last_exact_integer", "9007199254740992", Some((9_007_199_254_740_992.0, None))),
            ("the_next", "9007199254740993", Some((9_007_199_254_740_992.0, Some("9007199254740993")))),
            (
                "the_least",
                "-9223372036854775808",
                Some((-9.223_372_036_854_776e18, Some("-9223372036854775808"))),
            ),
            (
                "the_greatest",
                "18446744073709551615",
                Some((1.844_674_407_370_955_2e19, Some("18446744073709551615"))),
            ),
            ("beyond_64_bits", "28446744073709551615", Some((28_446_744_073_709_551_615.0, None))),
            ("no_number", "NaN", None),
            ("infinite", "inf", None),
            ("beyond_f64", "1e999", None),
            ("a_word", "RUN", None),
            ("a_decimal_comma", "1,5", None),
        ];
        for (name, text, expected) in rows {
            let expected =
                expected.map(|(value, exact)| ParsedNumber { value, exact: exact.map(str::to_owned) });
            assert_eq!(parse_number(text).ok(), expected, "{name}");
        }
    }

    #[test]
    fn qualities_go_by_name_or_number() {
        let rows = [("good", Some("good")), ("2", Some("bad")), ("3", None), ("fine", None), ("", None)];
        for (text, expected) in rows {
            assert_eq!(parse_quality(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_cell_names_its_column_and_itself() {
        let rows = [
            (parse_time("yesterday").expect_err("no time"), "ts: `yesterday`"),
            (parse_time("9999-01-01").expect_err("too late"), "ts: `9999-01-01`"),
            (parse_number("RUN").expect_err("no number"), "value: `RUN`"),
            (parse_quality("fine").expect_err("no quality"), "quality: `fine`"),
            (parse_stream_id("-1").expect_err("no id"), "stream_id: `-1`"),
        ];
        for (message, part) in rows {
            assert!(message.starts_with(part), "`{part}` is missing in: {message}");
        }
    }
}
