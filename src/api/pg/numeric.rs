//! Decimals in PostgreSQL's binary format of `numeric`: digits to the base 10,000, of which the first has a weight.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// Decimal digits of a digit of the format.
const GROUP: usize = 4;
const NEGATIVE: u16 = 0x4000;

/// Returns the binary format of decimals.
///
/// # Errors
/// Values that are no decimals.
pub fn binary(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let texts = cast(column, &DataType::Utf8)?;
    let values: BinaryArray = texts.as_string::<i32>().iter().map(|text| text.map(of_text)).collect();
    Ok(Arc::new(values))
}

/// Encodes a decimal such as `-12345.678`.
fn of_text(text: &str) -> Vec<u8> {
    let plain = text.trim_start_matches('-');
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let whole_groups = whole.len().div_ceil(GROUP);
    let mut digits = "0".repeat(whole_groups * GROUP - whole.len()) + whole + fraction;
    digits.push_str(&"0".repeat(digits.len().next_multiple_of(GROUP) - digits.len()));
    let number = |group: &[u8]| group.iter().fold(0, |sum: u16, digit| sum * 10 + u16::from(digit - b'0'));
    let groups: Vec<u16> = digits.as_bytes().chunks(GROUP).map(number).collect();
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    let end = groups.iter().rposition(|group| *group != 0).map_or(zeros, |last| last + 1);
    let groups = &groups[zeros..end];
    // A decimal has at most 76 digits.
    let weight = if groups.is_empty() { 0 } else { whole_groups as i16 - 1 - zeros as i16 };
    let sign = if text.starts_with('-') && !groups.is_empty() { NEGATIVE } else { 0 };
    let mut bytes = Vec::with_capacity(8 + 2 * groups.len());
    bytes.extend((groups.len() as u16).to_be_bytes());
    bytes.extend(weight.to_be_bytes());
    bytes.extend(sign.to_be_bytes());
    bytes.extend((fraction.len() as u16).to_be_bytes());
    groups.iter().for_each(|group| bytes.extend(group.to_be_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes as `numeric_send` of PostgreSQL 15 sends them: count, weight, sign, scale, digits.
    #[test]
    fn decimals_are_sent_as_postgresql_sends_them() {
        for (text, expected) in [
            ("0", vec![0, 0, 0, 0]),
            ("0.00", vec![0, 0, 0, 2]),
            ("1", vec![1, 0, 0, 0, 1]),
            ("-1.5", vec![2, 0, 0x4000, 1, 1, 5000]),
            ("12345.678", vec![3, 1, 0, 3, 1, 2345, 6780]),
            ("10000", vec![1, 1, 0, 0, 1]),
            ("0.0001", vec![1, -1, 0, 4, 1]),
            ("0.00001", vec![1, -2, 0, 5, 1000]),
            (
                "12345678901234567890123456789012345678",
                vec![10, 9, 0, 0, 12, 3456, 7890, 1234, 5678, 9012, 3456, 7890, 1234, 5678],
            ),
        ] {
            let expected: Vec<u8> = expected.into_iter().flat_map(i16::to_be_bytes).collect();
            assert_eq!(of_text(text), expected, "{text}");
        }
    }
}
