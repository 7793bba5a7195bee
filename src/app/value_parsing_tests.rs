//! Tests of posted values by the kind of their stream.

use serde_json::{Value, json};

use super::{Raw, parse_reading_value, parse_register_value};
use crate::domain::DeviceId;
use crate::domain::stream::{StreamKind, StreamSpec};

fn outcome(kind: StreamKind, given: &Value) -> String {
    let spec = StreamSpec { kind, ..StreamSpec::new("s", DeviceId(1)) };
    match parse_reading_value(&spec, given) {
        Ok((Some(value), None)) => format!("{value:?}"),
        Ok((value, Some(text))) => format!("{value:?} {text}"),
        Ok((None, None)) => "nothing".into(),
        Err(message) => message,
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn values_are_taken_by_kind() {
    let integer = "A valid integer is required.";
    let number = "A valid number is required.";
    let boolean = "Must be a valid boolean.";
    let place = "Expected [longitude, latitude], two numbers within -180..180 and -90..90.";
    let at_least = |n: i64| format!("Ensure this value is greater than or equal to {n}.");
    let at_most = |n: u64| format!("Ensure this value is less than or equal to {n}.");
    let cases: Vec<(StreamKind, Value, String)> = vec![
        (StreamKind::Bit, json!(true), "1.0".into()),
        (StreamKind::Bit, json!(0), "0.0".into()),
        (StreamKind::Bit, json!(-0.0), "0.0".into()),
        (StreamKind::Bit, json!(2), boolean.into()),
        (StreamKind::Bit, json!("true"), boolean.into()),
        (StreamKind::Byte, json!(255), "255.0".into()),
        (StreamKind::Byte, json!(256), at_most(255)),
        (StreamKind::Byte, json!(-1), "Ensure this value is greater than or equal to 0.".into()),
        (StreamKind::Int16, json!(-32768), "-32768.0".into()),
        (StreamKind::Int16, json!(1.5), integer.into()),
        (StreamKind::Int32, json!(2.0), "2.0".into()),
        (StreamKind::Uint32, json!(true), number.into()),
        (StreamKind::Uint32, json!("7"), number.into()),
        (StreamKind::Int64, json!(1_i64 << 53), "9007199254740992.0".into()),
        (
            StreamKind::Int64,
            json!(9_007_199_254_740_993_i64),
            "Some(9007199254740992.0) 9007199254740993".into(),
        ),
        (StreamKind::Uint64, json!(u64::MAX), "Some(1.8446744073709552e19) 18446744073709551615".into()),
        (StreamKind::Int64, json!(u64::MAX), at_most(i64::MAX as u64)),
        (StreamKind::Uint64, json!(1e20), at_most(u64::MAX)),
        (StreamKind::Uint64, parsed("18446744073709551616"), at_most(u64::MAX)),
        (
            StreamKind::Int64,
            parsed("-9223372036854775808"),
            "Some(-9.223372036854776e18) -9223372036854775808".into(),
        ),
        (StreamKind::Int64, parsed("-9223372036854775809"), at_least(i64::MIN)),
        (StreamKind::Int64, parsed("-9.223372036854775809e18"), at_least(i64::MIN)),
        (StreamKind::Int64, parsed("-9223372036854775808.5"), at_least(i64::MIN)),
        (StreamKind::Int64, parsed("9223372036854775808"), at_most(i64::MAX as u64)),
        (StreamKind::Int64, parsed("9223372036854775807.5"), at_most(i64::MAX as u64)),
        (StreamKind::Int64, parsed("9007199254740993.5"), integer.into()),
        (StreamKind::Int64, json!("-9223372036854775809"), number.into()),
        (StreamKind::Fp64, json!(1200.5), "1200.5".into()),
        (StreamKind::Fp32, json!([1]), number.into()),
        (StreamKind::Fp64, json!(false), number.into()),
        (StreamKind::Text, json!("on"), "None on".into()),
        (StreamKind::Text, json!(1), "Not a valid string.".into()),
        (StreamKind::Enum, json!("auto"), number.into()),
        (StreamKind::Enum, json!(3), "3.0".into()),
        (StreamKind::Enum, json!(1.5), integer.into()),
        (StreamKind::Enum, json!(2_147_483_648_u64), at_most(2_147_483_647)),
        (StreamKind::Json, json!({"a": [1, 2.5]}), "None {\"a\":[1,2.5]}".into()),
        (StreamKind::Location, json!([13.38886, 52.517037]), "None [13.38886,52.517037]".into()),
        (StreamKind::Location, json!([200, 0]), place.into()),
        (StreamKind::Location, json!([1]), place.into()),
        (StreamKind::Location, json!("1,2"), place.into()),
    ];
    for (kind, given, expected) in cases {
        assert_eq!(outcome(kind, &given), expected, "{kind} {given}");
    }
}

/// Rest 18.
#[test]
fn a_float_takes_what_its_type_can_hold() {
    for (kind, given, expected) in [
        (StreamKind::Fp32, json!(1e39), "Ensure this value is less than or equal to 3.4028234663852886e38."),
        (StreamKind::Fp16, json!(-65_520), "Ensure this value is greater than or equal to -65504.0."),
        (StreamKind::Fp16, json!(65_504), "65504.0"),
        (StreamKind::Fp64, json!(1e39), "1e39"),
    ] {
        assert_eq!(outcome(kind, &given), expected, "{kind} {given}");
    }
}

#[test]
fn a_scaled_stream_holds_engineering_values() {
    let spec = StreamSpec { kind: StreamKind::Int16, scale: 0.1, ..StreamSpec::new("s", DeviceId(1)) };
    assert_eq!(parse_reading_value(&spec, &json!(21.5)), Ok((Some(21.5), None)));
    let spec = StreamSpec { kind: StreamKind::Fp16, ..spec };
    assert_eq!(parse_reading_value(&spec, &json!(1e6)), Ok((Some(1e6), None)));
}

#[test]
fn what_a_register_can_hold() {
    let over = |limit: &str| Err(format!("Ensure this value is less than or equal to {limit}."));
    let under = |limit: &str| Err(format!("Ensure this value is greater than or equal to {limit}."));
    for (kind, given, expected) in [
        (StreamKind::Bit, json!(true), Ok(Raw::Bit(true))),
        (StreamKind::Bit, json!(0), Ok(Raw::Bit(false))),
        (StreamKind::Bit, json!(2), Err("Must be a valid boolean.".to_owned())),
        (StreamKind::Uint16, json!(42), Ok(Raw::Uint(42))),
        (StreamKind::Uint16, json!(42.0), Ok(Raw::Uint(42))),
        (StreamKind::Uint16, json!(0.5), Err("A valid integer is required.".to_owned())),
        (StreamKind::Uint16, json!(65_536), over("65535")),
        (StreamKind::Uint16, json!(-1), under("0")),
        (StreamKind::Uint16, json!(true), Err("A valid number is required.".to_owned())),
        (StreamKind::Uint16, json!("42"), Err("A valid number is required.".to_owned())),
        (StreamKind::Byte, json!(256), over("255")),
        (StreamKind::Int16, json!(-32_769), under("-32768")),
        (StreamKind::Int64, json!(i64::MIN), Ok(Raw::Int(i64::MIN))),
        (StreamKind::Int64, parsed("-9223372036854775809"), under("-9223372036854775808")),
        (StreamKind::Int64, parsed("9223372036854775808"), over("9223372036854775807")),
        (StreamKind::Uint64, json!(u64::MAX), Ok(Raw::Uint(u64::MAX))),
        (StreamKind::Uint64, parsed("18446744073709551616"), over("18446744073709551615")),
        (StreamKind::Fp16, json!(65_504), Ok(Raw::Float(65_504.0))),
        (StreamKind::Fp16, json!(65_505), over("65504.0")),
        (StreamKind::Fp32, json!(-1e39), under("-3.4028234663852886e38")),
        (StreamKind::Fp64, json!(1.5), Ok(Raw::Float(1.5))),
    ] {
        assert_eq!(parse_register_value(kind, &given), expected, "{kind} {given}");
    }
}
