//! Tests of integers at the bounds of their kinds, in every accepted notation.

use proptest::prelude::*;

use super::*;
use crate::domain::stream::StreamKind;

#[test]
fn floats_that_are_integers_are_told_from_those_that_may_be_rounded() {
    for (value, expected) in [
        (-7.0, Some(-7)),
        (-0.0, Some(0)),
        (0.5, None),
        (MAX_EXACT_FLOAT, Some(1 << 53)),
        (-MAX_EXACT_FLOAT - 2.0, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ] {
        assert_eq!(exact_integer(value), expected, "{value}");
    }
}

#[test]
fn decimals_are_integers_to_the_last_digit_or_none() {
    for (text, expected) in [
        ("0", Some(0)),
        ("-0.000e5", Some(0)),
        ("12", Some(12)),
        ("+12", Some(12)),
        ("-12.0", Some(-12)),
        ("1.5e2", Some(150)),
        ("1.5E+1", Some(15)),
        ("1500e-2", Some(15)),
        ("0.00015e5", Some(15)),
        ("1.5", None),
        ("15e-2", None),
        ("1e-400", None),
        ("-9223372036854775809", Some(-9_223_372_036_854_775_809)),
        ("-9.223372036854775809e18", Some(-9_223_372_036_854_775_809)),
        ("9007199254740993.0", Some(9_007_199_254_740_993)),
        ("9007199254740993.5", None),
        ("18446744073709551616.000", Some(18_446_744_073_709_551_616)),
        ("1e37", Some(10_i128.pow(37))),
        ("1e38", None),
        ("1e999999999999", None),
        ("1e99999999999999999999", None),
        ("0e99999999999", Some(0)),
        ("1e-9223372036854775808", None),
        ("", None),
        ("-", None),
        (".5", None),
        ("1.2.3", None),
        ("1e", None),
        ("0x10", None),
        ("NaN", None),
    ] {
        assert_eq!(parse_decimal_integer(text), expected, "{text}");
    }
    assert_eq!(parse_decimal_integer(&"9".repeat(1_000_000)), None);
    assert_eq!(parse_decimal_integer(&format!("1.{}", "0".repeat(1_000_000))), Some(1));
}

#[test]
fn both_edges_of_every_kind_hold() {
    for kind in StreamKind::ALL {
        let Some(range) = kind.integer_range() else { continue };
        let (start, end) = (*range.start(), *range.end());
        let under = Err(format!("Ensure this value is greater than or equal to {start}."));
        let over = Err(format!("Ensure this value is less than or equal to {end}."));
        for (given, expected) in [(start, Ok(start)), (end, Ok(end)), (start - 1, under), (end + 1, over)] {
            assert_eq!(integer_in_range(NumericInput::Integer(given), &range), expected, "{kind} {given}");
            let float = integer_in_range(NumericInput::Float(given as f64), &range);
            if given.unsigned_abs() < 1 << 53 {
                assert_eq!(float, expected, "{kind} {given}");
            } else {
                assert!(float.is_err(), "{kind} {given}: nobody knows which integer this float was");
            }
        }
    }
}

#[test]
fn a_float_is_an_integer_only_where_it_stands_for_one() {
    let range = i128::from(i64::MIN)..=i128::from(i64::MAX);
    for (given, expected) in [
        (3.0, Ok(3)),
        (-0.0, Ok(0)),
        (9_007_199_254_740_991.0, Ok(9_007_199_254_740_991)),
        (9_007_199_254_740_992.0, Err(INVALID_INTEGER.to_owned())),
        (0.5, Err(INVALID_INTEGER.to_owned())),
        (f64::NAN, Err(INVALID_INTEGER.to_owned())),
        (f64::INFINITY, Err(INVALID_INTEGER.to_owned())),
        (1e300, Err("Ensure this value is less than or equal to 9223372036854775807.".to_owned())),
        (-1e300, Err("Ensure this value is greater than or equal to -9223372036854775808.".to_owned())),
    ] {
        assert_eq!(integer_in_range(NumericInput::Float(given), &range), expected, "{given}");
    }
}

proptest! {
    #[test]
    fn every_integer_is_read_back_however_it_is_written(whole in any::<i64>(), zeros in 0usize..5) {
        let zeros = "0".repeat(zeros);
        for text in [format!("{whole}"), format!("{whole}.{zeros}"), format!("{whole}{zeros}e-{}", zeros.len())] {
            prop_assert_eq!(parse_decimal_integer(&text), Some(i128::from(whole)), "{}", text);
        }
    }

    #[test]
    fn no_text_panics(text in "[-+0-9.eE]{0,12}|\\PC{0,12}") {
        parse_decimal_integer(&text);
    }
}
