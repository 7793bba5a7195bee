//! Table of conversions of raw values.

use super::*;

const STREAM: StreamId = StreamId(7);
const NOW: Micros = Micros(1_777_377_600_000_000);

#[test]
fn readings_hold_the_nearest_number_and_the_exact_text() {
    let two_53 = 1i64 << 53;
    for (name, value, number, text) in [
        ("on", NumericValue::Bit(true), 1.0, None),
        ("off", NumericValue::Bit(false), 0.0, None),
        ("small", NumericValue::Int(-2), -2.0, None),
        ("last_exact", NumericValue::Int(two_53), 9_007_199_254_740_992.0, None),
        ("first_inexact", NumericValue::Int(two_53 + 1), 9_007_199_254_740_992.0, Some("9007199254740993")),
        ("lowest", NumericValue::Int(i64::MIN), -9_223_372_036_854_775_808.0, Some("-9223372036854775808")),
        ("highest", NumericValue::Uint(u64::MAX), 18_446_744_073_709_551_616.0, Some("18446744073709551615")),
        ("float_beyond_needs_no_text", NumericValue::Float(1e300), 1e300, None),
    ] {
        let reading = value.to_reading(STREAM, NOW).unwrap();
        assert_eq!((reading.value, reading.text.as_deref()), (Some(number), text), "{name}");
    }
}

#[test]
fn what_is_not_a_number_is_no_reading() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(NumericValue::Float(value).to_reading(STREAM, NOW), None);
    }
}

#[test]
fn scaling_is_f64_unless_it_is_the_identity() {
    for (name, value, scale, offset, expected) in [
        ("identity_keeps_integers", NumericValue::Uint(u64::MAX), 1.0, 0.0, NumericValue::Uint(u64::MAX)),
        ("identity_keeps_bits", NumericValue::Bit(true), 1.0, 0.0, NumericValue::Bit(true)),
        ("scale", NumericValue::Int(-25), 0.5, 0.0, NumericValue::Float(-12.5)),
        ("offset", NumericValue::Uint(3), 1.0, -40.0, NumericValue::Float(-37.0)),
        ("overflow_is_infinite", NumericValue::Float(1e300), 1e300, 0.0, NumericValue::Float(f64::INFINITY)),
    ] {
        assert_eq!(value.scaled(scale, offset), expected, "{name}");
    }
}

#[test]
fn a_decimal_scale_gives_decimal_values() {
    for (raw, scale, offset, expected) in [
        (3, 0.1, 0.0, 0.3),
        (17, 0.1, 0.0, 1.7),
        (-17, -0.1, 0.0, 1.7),
        (1999, 0.001, 0.0, 1.999),
        (7, 1.0 / 3600.0, 0.0, 7.0 / 3600.0),
        (3, 0.1, -40.0, 3.0 / 10.0 - 40.0),
        // 1/0.3 and 1/2.5 are not whole.
        (3, 0.3, 0.0, 3.0 * 0.3),
        (3, 2.5, 0.0, 7.5),
        (3, 0.0, 1.0, 1.0),
        (3, -1.0, 0.0, -3.0),
        (3, 1e-300, 0.0, 3.0 * 1e-300),
    ] {
        assert_eq!(
            NumericValue::Int(raw).scaled(scale, offset),
            NumericValue::Float(expected),
            "{raw} {scale}"
        );
    }
}

#[test]
fn distance_is_exact_where_f64_is_not() {
    for (name, a, b, expected) in [
        ("wide", NumericValue::Uint(u64::MAX), NumericValue::Uint(u64::MAX - 1), 1.0),
        ("extremes", NumericValue::Int(i64::MIN), NumericValue::Int(i64::MAX), 18_446_744_073_709_551_615.0),
        ("mixed", NumericValue::Int(-1), NumericValue::Uint(1), 2.0),
        ("floats", NumericValue::Float(1.5), NumericValue::Float(-1.5), 3.0),
        ("bits", NumericValue::Bit(true), NumericValue::Bit(false), 1.0),
    ] {
        assert_eq!(a.distance(b), expected, "{name}");
    }
    assert!(NumericValue::Float(f64::NAN).distance(NumericValue::Int(1)).is_nan());
}

#[test]
fn only_whole_numbers_are_integers() {
    assert_eq!(NumericValue::Float(42.0).to_integer(), Some(42));
    assert_eq!(NumericValue::Float(0.5).to_integer(), None);
    assert_eq!(NumericValue::Float(f64::INFINITY).to_integer(), None);
    assert_eq!(NumericValue::Float(f64::NAN).to_integer(), None);
    assert_eq!(NumericValue::Float(1e300).to_integer(), None);
}
