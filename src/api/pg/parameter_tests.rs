//! Tests of bound values in text and binary format, and of invalid ones.

use arrow::array::{Array, Decimal256Array};
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;

use super::*;

/// 2024-05-01 12:00:00.5 as PostgreSQL sends it.
const MOMENT: [u8; 8] = 767_880_000_500_000i64.to_be_bytes();

fn shown(declared: &Type, is_binary: bool, bytes: &[u8]) -> Option<String> {
    let bytes = Bytes::copy_from_slice(bytes);
    let array = decode_value(1, declared, is_binary, Some(&bytes)).ok()?;
    Some(array_value_to_string(&array, 0).unwrap())
}

/// Name, declared type, what comes as text or as bytes, and what it is; `None` where it is refused.
type Row<'a> = (&'a str, Type, Result<&'a str, &'a [u8]>, Option<&'a str>);

fn check(rows: &[Row<'_>]) {
    for (name, declared, given, expected) in rows {
        let found = match given {
            Ok(text) => shown(declared, false, text.as_bytes()),
            Err(bytes) => shown(declared, true, bytes),
        };
        assert_eq!(found.as_deref(), *expected, "{name}");
    }
}

#[test]
fn values_come_as_text_and_as_bytes() {
    check(&[
        ("bool", Type::BOOL, Ok("t"), Some("true")),
        ("bool_in_binary", Type::BOOL, Err(&[1]), Some("true")),
        ("int2", Type::INT2, Ok("-7"), Some("-7")),
        ("int4_in_binary", Type::INT4, Err(&[0, 0, 1, 0]), Some("256")),
        ("int8_in_binary", Type::INT8, Err(&[0xff; 8]), Some("-1")),
        ("oid_in_binary", Type::OID, Err(&[0xff; 4]), Some("4294967295")),
        ("a_number_that_is_none", Type::INT4, Ok("7a"), None),
        ("a_number_too_long", Type::INT4, Err(&[0; 8]), None),
        ("a_number_too_large", Type::INT2, Ok("70000"), None),
        ("float8", Type::FLOAT8, Ok("1.5e3"), Some("1500.0")),
        ("float8_in_binary", Type::FLOAT8, Err(&[0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), Some("1.5")),
        ("float4_in_binary", Type::FLOAT4, Err(&[0x3f, 0xc0, 0, 0]), Some("1.5")),
        ("numeric", Type::NUMERIC, Ok("12.25"), Some("12.25")),
        ("a_numeric_with_a_zero_at_its_end", Type::NUMERIC, Ok("-01.50"), Some("-1.50")),
        ("a_numeric_with_an_exponent", Type::NUMERIC, Ok("1e3"), Some("1000.0")),
        ("a_numeric_that_is_none", Type::NUMERIC, Ok("1.2.3"), None),
        ("a_numeric_with_zeros_in_binary", Type::NUMERIC, Err(&[0, 1, 0, 0, 0, 0, 0, 2, 0, 7]), Some("7.00")),
        ("a_large_numeric_in_binary", Type::NUMERIC, Err(&[0, 1, 0, 1, 0, 0, 0, 0, 0, 7]), Some("70000")),
        ("not_a_number", Type::NUMERIC, Err(&[0, 0, 0, 0, 0xc0, 0, 0, 0]), Some("NaN")),
        // 12345678.9: digits 1234, 5678, 9000 at weight 1.
        (
            "numeric_in_binary",
            Type::NUMERIC,
            Err(&[0, 3, 0, 1, 0, 0, 0, 1, 0x04, 0xd2, 0x16, 0x2e, 0x23, 0x28]),
            Some("12345678.9"),
        ),
        ("a_negative_numeric", Type::NUMERIC, Err(&[0, 1, 0, 0, 0x40, 0, 0, 0, 0, 5]), Some("-5")),
        ("a_small_numeric", Type::NUMERIC, Err(&[0, 1, 0xff, 0xff, 0, 0, 0, 2, 0, 100]), Some("0.01")),
        ("a_numeric_of_no_digits", Type::NUMERIC, Err(&[0, 0, 0, 0, 0, 0, 0, 0]), Some("0")),
        ("a_numeric_cut_short", Type::NUMERIC, Err(&[0, 3, 0, 1, 0, 0, 0, 1, 0x04, 0xd2]), None),
        ("a_digit_past_9999", Type::NUMERIC, Err(&[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]), None),
        ("text", Type::TEXT, Ok("motor é"), Some("motor é")),
        ("text_in_binary", Type::VARCHAR, Err("é".as_bytes()), Some("é")),
        ("no_text", Type::TEXT, Err(&[0xff]), None),
        ("bytes", Type::BYTEA, Ok("\\x0aff"), Some("0aff")),
        ("uuid_in_binary", Type::UUID, Err(&[0x11; 16]), Some("11111111-1111-1111-1111-111111111111")),
        (
            "uuid",
            Type::UUID,
            Ok("{A0EEBC999C0B4EF8BB6D6BB9BD380A11}"),
            Some("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        ("no_uuid", Type::UUID, Ok("a0eebc99"), None),
    ]);
    let null = decode_value(1, &Type::TIMESTAMPTZ, true, None).unwrap();
    assert!(null.is_null(0) && null.len() == 1);
}

#[test]
fn times_come_as_text_and_as_bytes() {
    check(&[
        ("date", Type::DATE, Ok("2024-05-01"), Some("2024-05-01")),
        ("a_date_of_another_zone", Type::DATE, Ok("2024-05-01 00:30:00+02"), Some("2024-05-01")),
        (
            "a_time_without_seconds",
            Type::TIMESTAMPTZ,
            Ok("2024-05-01 14:00+02"),
            Some("2024-05-01T12:00:00Z"),
        ),
        ("a_day", Type::TIMESTAMPTZ, Ok("2024-05-01"), Some("2024-05-01T00:00:00Z")),
        ("the_epoch", Type::TIMESTAMPTZ, Ok("epoch"), Some("1970-01-01T00:00:00Z")),
        (
            "a_zone_without_meaning",
            Type::TIMESTAMP,
            Ok("2024-05-01 14:00:00+02"),
            Some("2024-05-01T14:00:00"),
        ),
        ("the_beginning_of_time", Type::TIMESTAMPTZ, Err(&i64::MIN.to_be_bytes()), None),
        ("date_in_binary", Type::DATE, Err(&8887i32.to_be_bytes()), Some("2024-05-01")),
        ("timestamptz", Type::TIMESTAMPTZ, Ok("2024-05-01 14:00:00.5+02"), Some("2024-05-01T12:00:00.500Z")),
        (
            "timestamptz_in_iso",
            Type::TIMESTAMPTZ,
            Ok("2024-05-01T12:00:00.5Z"),
            Some("2024-05-01T12:00:00.500Z"),
        ),
        ("timestamptz_in_binary", Type::TIMESTAMPTZ, Err(&MOMENT), Some("2024-05-01T12:00:00.500Z")),
        ("timestamp_in_binary", Type::TIMESTAMP, Err(&MOMENT), Some("2024-05-01T12:00:00.500")),
        ("the_end_of_time", Type::TIMESTAMPTZ, Err(&i64::MAX.to_be_bytes()), None),
        ("no_time", Type::TIMESTAMPTZ, Ok("noon"), None),
        ("an_interval_past_counting", Type::INTERVAL, Err(&[0x7f; 16]), None),
    ]);
    for named in ["infinity", "Now", " today "] {
        let refused =
            decode_value(1, &Type::TIMESTAMPTZ, false, Some(&Bytes::copy_from_slice(named.as_bytes())));
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, PgError::Protocol("0A000", text) if text.contains(named)), "{refused:?}");
    }
}

proptest! {
    /// Any bytes of any type are a value or are refused.
    #[test]
    fn no_value_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..40), which in 0..18usize, is_binary: bool) {
        let all = [
            Type::BOOL, Type::INT2, Type::INT4, Type::INT8, Type::OID, Type::FLOAT4, Type::FLOAT8, Type::NUMERIC,
            Type::TEXT, Type::BYTEA, Type::UUID, Type::DATE, Type::TIME, Type::TIMESTAMP, Type::TIMESTAMPTZ,
            Type::INTERVAL, Type::JSON, Type::NAME,
        ];
        if let Ok(array) = decode_value(1, &all[which], is_binary, Some(&bytes.into())) {
            prop_assert_eq!(array.len(), 1);
        }
    }

    /// A numeric that encodes an integer decodes to that integer.
    #[test]
    fn whole_numerics_are_exact(number in 0u32..100_000_000) {
        let digits = [(number / 10_000) as u16, (number % 10_000) as u16];
        let mut bytes = vec![0, 2, 0, 1, 0, 0, 0, 0];
        bytes.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
        let array = decode_value(1, &Type::NUMERIC, true, Some(&bytes.into())).unwrap();
        let found = array.as_any().downcast_ref::<Decimal256Array>().unwrap().value(0);
        prop_assert_eq!(found.to_string(), number.to_string());
    }
}
