//! Decimal digits in the bits of a register: BCD numbers, and the durations of S7 that are made of them. Pure.

/// Longest duration: 999 times the longest time base.
pub const MAX_S5TIME_MS: u32 = 9_990_000;
/// Milliseconds of the time bases, by their numbers (STEP 7, format of S5TIME).
const S5TIME_BASES_MS: [u64; 4] = [10, 100, 1_000, 10_000];
/// Digits of a duration.
const S5TIME_DIGITS: u64 = 0xFFF;

/// Decodes a number of decimal digits, four bits each.
///
/// # Errors
/// A message, when four bits are no decimal digit.
pub fn decode_bcd(raw: u64) -> Result<u64, String> {
    let mut digits = (0..16).rev().map(|at| raw >> (4 * at) & 0xF);
    digits
        .try_fold(0_u64, |number, digit| (digit <= 9).then(|| number * 10 + digit))
        .ok_or_else(|| format!("{raw:X} holds digits above 9: it is no BCD number"))
}

/// Encodes a number as decimal digits; `None` when it has more than 16.
pub fn encode_bcd(number: u64) -> Option<u64> {
    let (mut rest, mut raw) = (number, 0);
    for at in 0..16 {
        raw |= (rest % 10) << (4 * at);
        rest /= 10;
    }
    (rest == 0).then_some(raw)
}

/// Decodes a duration of S7 in milliseconds: bits 12 and 13 are the time base, the lower ones three digits.
///
/// # Errors
/// A message, when four bits are no decimal digit.
pub fn decode_s5time(raw: u64) -> Result<u64, String> {
    let base = S5TIME_BASES_MS[(raw >> 12 & 3) as usize];
    let number = decode_bcd(raw & S5TIME_DIGITS);
    number.map(|number| number * base).map_err(|_| format!("{raw:04X} holds digits above 9: it is no S5TIME"))
}

/// Encodes milliseconds with the finest time base that holds them exactly; `None` when none does.
pub fn encode_s5time(milliseconds: u64) -> Option<u64> {
    let mut bases = (0_u64..).zip(S5TIME_BASES_MS);
    let (number, base) =
        bases.find(|(_, base)| milliseconds.is_multiple_of(*base) && milliseconds / base <= 999)?;
    encode_bcd(milliseconds / base).map(|digits| number << 12 | digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_read_and_anything_else_is_refused() {
        for (raw, number) in [
            (0, Some(0)),
            (0x1234, Some(1234)),
            (0x9999, Some(9999)),
            (0x1234_5678, Some(12_345_678)),
            (0x000A, None),
            (0xFFFF, None),
            (0xA234_5678, None),
        ] {
            assert_eq!(decode_bcd(raw).ok(), number, "{raw:X}");
        }
        assert_eq!(decode_bcd(0x1A2F), Err("1A2F holds digits above 9: it is no BCD number".to_owned()));
    }

    /// STEP 7, format of S5TIME: `W#16#2127` is 127 s.
    #[test]
    fn durations_have_a_time_base() {
        for (raw, milliseconds) in [
            (0x0000, 0),
            (0x0001, 10),
            (0x0999, 9_990),
            (0x1100, 10_000),
            (0x2127, 127_000),
            (0x3999, 9_990_000),
        ] {
            assert_eq!(decode_s5time(raw), Ok(milliseconds), "{raw:04X}");
            assert_eq!(encode_s5time(milliseconds).map(decode_s5time), Some(Ok(milliseconds)), "{raw:04X}");
        }
        // The two highest bits have no meaning; a timer may have them set.
        assert_eq!(decode_s5time(0xE127), Ok(127_000));
        assert_eq!(encode_s5time(10_000), Some(0x1100), "the finest base");
        assert!(decode_s5time(0x20A0).is_err());
        for inexact in [5, 10_001, 9_990_010, 9_995_000, 10_000_000] {
            assert_eq!(encode_s5time(inexact), None, "{inexact}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0_u64..100_000_000) {
            prop_assert_eq!(encode_bcd(number).map(decode_bcd), Some(Ok(number)));
        }

        #[test]
        fn any_digits_are_a_number_or_refused(
            digits in prop::collection::vec(prop_oneof![19 => 0_u64..10, 1 => 10_u64..16], 0..=16),
        ) {
            let raw = digits.iter().fold(0_u64, |raw, digit| (raw << 4) | digit);
            let number = digits.iter().fold(0_u64, |number, digit| number * 10 + digit);
            let is_decimal = digits.iter().all(|digit| *digit < 10);
            prop_assert_eq!(decode_bcd(raw).ok(), is_decimal.then_some(number));
            if is_decimal {
                prop_assert_eq!(encode_bcd(number), Some(raw));
            }
            if let Ok(milliseconds) = decode_s5time(raw & 0xFFFF) {
                prop_assert_eq!(encode_s5time(milliseconds).map(decode_s5time), Some(Ok(milliseconds)));
            }
        }
    }
}
