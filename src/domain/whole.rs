//! Whole numbers as people and programs send them: taken exactly, or refused. Pure.

use std::ops::RangeInclusive;

/// Integers below this size have a float of their own. From it on a float stands for several, so what was written is
/// not known any more.
const EXACT: i128 = 1 << 53;

/// Digits of an `i128`, which holds every integer kind with room to spare.
const MAX_DIGITS: usize = 38;

/// A number that should be whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given {
    Integer(i128),
    /// What the parser has made of a number with a fraction or an exponent, or too long for 64 bits.
    Float(f64),
}

/// The integer that was given, when it is one of the range and nothing else was meant.
///
/// # Errors
/// The message for the field it came from.
pub fn within(given: Given, range: &RangeInclusive<i128>) -> Result<i128, String> {
    let (whole, is_exact) = match given {
        Given::Integer(whole) => (whole, true),
        Given::Float(number) if number.fract() == 0.0 => {
            // Saturates, which is beyond every range.
            let whole = number as i128;
            (whole, whole.unsigned_abs() < EXACT.unsigned_abs())
        }
        Given::Float(_) => return Err(INTEGER.to_owned()),
    };
    // A float on a bound may have been written as a number beyond it.
    let beyond = i128::from(!is_exact);
    if whole.saturating_sub(beyond) < *range.start() {
        return Err(format!("Ensure this value is greater than or equal to {}.", range.start()));
    }
    if whole.saturating_add(beyond) > *range.end() {
        return Err(format!("Ensure this value is less than or equal to {}.", range.end()));
    }
    if is_exact { Ok(whole) } else { Err(INTEGER.to_owned()) }
}

const INTEGER: &str = "A valid integer is required.";

/// The integer that a decimal such as `-12`, `3.0` or `1.5e2` is to the last digit; `None` for one with a fraction, one
/// of more than 38 digits, and for what is no decimal.
pub fn of_decimal(text: &str) -> Option<i128> {
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
#[path = "whole_tests.rs"]
mod tests;
