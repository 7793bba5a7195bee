//! Parameters of the type `numeric` with all of their digits. The engine reads them as `float8`, but for where they are cast: `$1::text` of
//! 1.50 has two digits after the point.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal256Array};
use arrow::datatypes::{DECIMAL256_MAX_PRECISION, i256};
use bytes::{Buf, Bytes};

/// Digits of a digit to the base 10,000.
const GROUP: usize = 4;
const NEGATIVE: u16 = 0x4000;

/// Decodes a number in the text or binary format as an array of one row; `None` for what is no number, for one with an exponent and for one of more
/// than 76 digits.
pub(super) fn read(bytes: &Bytes, is_binary: bool) -> Option<ArrayRef> {
    if is_binary { from_binary(bytes.clone()) } else { from_text(std::str::from_utf8(bytes).ok()?.trim()) }
}

fn from_text(text: &str) -> Option<ArrayRef> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    one_row(is_negative, &format!("{whole}{fraction}"), fraction.len())
}

/// Digits to the base 10,000 of which the first has a weight, and the number of decimal digits that are shown after the point.
fn from_binary(mut bytes: Bytes) -> Option<ArrayRef> {
    if bytes.len() < 8 {
        return None;
    }
    let (count, weight, sign, scale) = (bytes.get_u16(), bytes.get_i16(), bytes.get_u16(), bytes.get_u16());
    let count = usize::from(count);
    let max_groups = usize::from(DECIMAL256_MAX_PRECISION).div_ceil(GROUP) + 1;
    if bytes.len() != count * 2 || !matches!(sign, 0 | NEGATIVE) || count > max_groups {
        return None;
    }
    let groups = (0..count).map(|_| Some(bytes.get_u16()).filter(|group| *group < 10_000));
    let mut digits: String =
        groups.map(|group| group.map(|group| format!("{group:04}"))).collect::<Option<_>>()?;
    let behind_point = GROUP as i32 * (count as i32 - i32::from(weight) - 1);
    let missing = i32::from(scale) - behind_point;
    match usize::try_from(missing) {
        Ok(missing) if missing <= usize::from(DECIMAL256_MAX_PRECISION) => {
            digits.push_str(&"0".repeat(missing))
        }
        Ok(_) => return None,
        Err(_) => {
            // Digits of the last group that are not shown are zeros.
            let kept = digits.len().saturating_sub(missing.unsigned_abs() as usize);
            if digits.bytes().skip(kept).any(|digit| digit != b'0') {
                return None;
            }
            digits.truncate(kept);
        }
    }
    one_row(sign == NEGATIVE, if digits.is_empty() { "0" } else { &digits }, usize::from(scale))
}

fn one_row(is_negative: bool, digits: &str, scale: usize) -> Option<ArrayRef> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let max_digits = usize::from(DECIMAL256_MAX_PRECISION);
    if significant.len() > max_digits || scale > max_digits {
        return None;
    }
    let number = i256::from_string(if significant.is_empty() { "0" } else { significant })?;
    let number = if is_negative { number.wrapping_neg() } else { number };
    let scale = i8::try_from(scale).ok()?;
    let row = Decimal256Array::from(vec![number]).with_precision_and_scale(DECIMAL256_MAX_PRECISION, scale);
    row.ok().map(|row| Arc::new(row) as ArrayRef)
}
