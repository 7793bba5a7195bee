//! Exact integer parsing of user input: a number is accepted as exactly the integer that was written, or refused.
//! Pure.

use std::ops::RangeInclusive;

/// Integers up to this magnitude (2^53) are exact as floats, and those below it have a float of their own. From here on one
/// float stands for several integers, so the written value is no longer known.
pub const MAX_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// Decimal digits that always fit an `i128`, which holds every integer kind with room to spare.
const MAX_DIGITS: usize = 38;

/// A parsed number that is expected to be an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumericInput {
    /// A number written without fraction and exponent.
    Integer(i128),
    /// A number with a fraction or an exponent, or too long for 64 bits, as the parser rounded it.
    Float(f64),
}

/// Returns the integer that a float is; `None` when it has a fraction or is larger than [`MAX_EXACT_FLOAT`].
pub fn exact_integer(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= MAX_EXACT_FLOAT).then_some(value as i64)
}

/// Returns the given integer if it is within the range and unambiguous.
///
/// # Errors
/// A message for the field it came from.
pub fn integer_in_range(input: NumericInput, range: &RangeInclusive<i128>) -> Result<i128, String> {
    let (whole, is_exact) = match input {
        NumericInput::Integer(whole) => (whole, true),
        NumericInput::Float(number) if number.fract() == 0.0 => {
            // Saturates, which lies beyond every range.
            (number as i128, number.abs() < MAX_EXACT_FLOAT)
        }
        NumericInput::Float(_) => return Err(INVALID_INTEGER.to_owned()),
    };
    // A float at a bound may have been written as a number beyond it.
    let beyond = i128::from(!is_exact);
    if whole.saturating_sub(beyond) < *range.start() {
        return Err(format!("Ensure this value is greater than or equal to {}.", range.start()));
    }
    if whole.saturating_add(beyond) > *range.end() {
        return Err(format!("Ensure this value is less than or equal to {}.", range.end()));
    }
    if is_exact { Ok(whole) } else { Err(INVALID_INTEGER.to_owned()) }
}

const INVALID_INTEGER: &str = "A valid integer is required.";

/// Parses a decimal such as `-12`, `3.0` or `1.5e2` exactly. `None` if it has a fractional part or more than 38
/// digits, or is not a decimal.
pub fn parse_decimal_integer(text: &str) -> Option<i128> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let plain = significant.trim_end_matches('0');
    if plain.is_empty() {
        return Some(0);
    }
    let dropped = i64::try_from(significant.len() - plain.len()).ok()?;
    let shift = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    let zeros =
        usize::try_from(shift).ok().filter(|zeros| zeros.saturating_add(plain.len()) <= MAX_DIGITS)?;
    let size: i128 = format!("{plain}{}", "0".repeat(zeros)).parse().ok()?;
    Some(if is_negative { -size } else { size })
}

#[cfg(test)]
#[path = "integer_tests.rs"]
mod tests;
