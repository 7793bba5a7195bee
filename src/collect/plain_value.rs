//! Numbers and switches as devices write them in texts. Pure.
//!
//! Besides what JSON has: a plus sign, a missing digit before or after the point, leading zeros, `ON` and `OFF`, and `true`
//! and `false` in letters of any size. Hexadecimal numbers, commas, units, `NaN` and infinity are no numbers here.

use crate::collect::numeric_value::NumericValue;

/// Character that some programs write before a text.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A text without what is no part of it: space around it, a byte order mark before it, and the NULs after it that
/// programs in C send.
fn trimmed(text: &str) -> &str {
    let is_ending = |c: char| c == '\0' || c.is_whitespace();
    text.trim_start_matches(BYTE_ORDER_MARK).trim_start().trim_end_matches(is_ending)
}

/// The number or switch that a text is; `None` when it is neither.
pub fn parse(text: &str) -> Option<NumericValue> {
    let text = trimmed(text);
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("on") || is("true") {
        return Some(NumericValue::Bit(true));
    }
    if is("off") || is("false") {
        return Some(NumericValue::Bit(false));
    }
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_of_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if !has_digit || !text.bytes().all(is_of_number) {
        return None;
    }
    // Integers stay exact.
    let whole = text.parse().map(NumericValue::Uint).or_else(|_| text.parse().map(NumericValue::Int));
    whole.ok().or_else(|| {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        Some(NumericValue::Float(number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_switches_are_read_as_devices_write_them() {
        use NumericValue::{Bit, Float, Int, Uint};
        for (text, expected) in [
            ("21.5", Some(Float(21.5))),
            ("+21.5", Some(Float(21.5))),
            (".5", Some(Float(0.5))),
            ("-.5", Some(Float(-0.5))),
            ("5.", Some(Float(5.0))),
            ("1e3", Some(Float(1000.0))),
            ("007", Some(Uint(7))),
            ("+7", Some(Uint(7))),
            ("-7", Some(Int(-7))),
            ("18446744073709551615", Some(Uint(u64::MAX))),
            ("\u{FEFF}21.5", Some(Float(21.5))),
            ("21.5\0", Some(Float(21.5))),
            (" 21.5\r\n\0\0", Some(Float(21.5))),
            ("21.5\0\n", Some(Float(21.5))),
            ("ON", Some(Bit(true))),
            ("on", Some(Bit(true))),
            ("Off", Some(Bit(false))),
            ("TRUE", Some(Bit(true))),
            ("False", Some(Bit(false))),
            ("", None),
            (".", None),
            ("-", None),
            ("e", None),
            ("hot", None),
            ("21,5", None),
            ("21.5 C", None),
            ("0x10", None),
            ("NaN", None),
            ("inf", None),
            ("1e999", None),
            ("1.2.3", None),
            ("2026-04-28", None),
            ("yes", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }
}
