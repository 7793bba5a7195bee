//! Encoding and decoding of values of every type.

use opcua::types::{Array, BinaryDecodable, BinaryEncodable, ContextOwned, DataValue, NodeId, XmlElement};
use proptest::prelude::*;

use super::*;
use crate::collect::opcua::{memory_size, status};
use crate::domain::stream::StreamKind;

fn number(value: NumericValue) -> DeviceValue {
    DeviceValue::Number(value)
}

fn words(text: &str) -> DeviceValue {
    DeviceValue::Text(text.into())
}

#[test]
fn every_type_goes_both_ways() {
    let guid = "72962b91-fa75-4ae6-8d28-b404dc7daf63";
    for (kind, to, value, variant) in [
        (StreamKind::Bit, Type::Boolean, number(NumericValue::Bit(true)), Variant::Boolean(true)),
        (StreamKind::Byte, Type::Byte, number(NumericValue::Uint(255)), Variant::Byte(255)),
        (StreamKind::Int16, Type::SByte, number(NumericValue::Int(-128)), Variant::SByte(-128)),
        (StreamKind::Int16, Type::Int16, number(NumericValue::Int(-32768)), Variant::Int16(-32768)),
        (StreamKind::Uint16, Type::UInt16, number(NumericValue::Uint(65535)), Variant::UInt16(65535)),
        (
            StreamKind::Int32,
            Type::Int32,
            number(NumericValue::Int(i32::MIN.into())),
            Variant::Int32(i32::MIN),
        ),
        (
            StreamKind::Uint32,
            Type::UInt32,
            number(NumericValue::Uint(u32::MAX.into())),
            Variant::UInt32(u32::MAX),
        ),
        (StreamKind::Int64, Type::Int64, number(NumericValue::Int(i64::MIN)), Variant::Int64(i64::MIN)),
        (StreamKind::Uint64, Type::UInt64, number(NumericValue::Uint(u64::MAX)), Variant::UInt64(u64::MAX)),
        (StreamKind::Fp16, Type::Float, number(NumericValue::Float(1.5)), Variant::Float(1.5)),
        (StreamKind::Fp32, Type::Float, number(NumericValue::Float(-0.25)), Variant::Float(-0.25)),
        (StreamKind::Fp64, Type::Double, number(NumericValue::Float(0.1)), Variant::Double(0.1)),
        (StreamKind::Text, Type::String, words("Läuft"), Variant::from("Läuft")),
        (StreamKind::Text, Type::Guid, words(guid), Variant::Guid(Box::new(guid.parse().unwrap()))),
        (StreamKind::Text, Type::ByteString, words("AQI="), Variant::ByteString(vec![1, 2].into())),
        (
            StreamKind::Text,
            Type::DateTime,
            words("2026-04-28T12:00:00.250Z"),
            Variant::DateTime(Box::new("2026-04-28T12:00:00.25Z".parse().unwrap())),
        ),
        (
            StreamKind::Text,
            Type::LocalizedText,
            words("Ofen"),
            Variant::LocalizedText(Box::new(LocalizedText::from("Ofen"))),
        ),
    ] {
        let read = decode(&variant).and_then(|content| content.convert_to(kind));
        assert_eq!(read, Ok(value.clone()), "{variant:?} as {kind}");
        assert_eq!(encode(&value, to), Ok(variant), "{value:?} to {to}");
    }
}

#[test]
fn a_value_that_the_node_cannot_hold_is_refused_in_words() {
    for (given, to, why) in [
        (number(NumericValue::Int(2)), Type::Boolean, "Must be a valid boolean."),
        (words("true"), Type::Boolean, "Must be a valid boolean."),
        (number(NumericValue::Int(256)), Type::Byte, "Ensure this value is less than or equal to 255."),
        (number(NumericValue::Int(-1)), Type::UInt64, "Ensure this value is greater than or equal to 0."),
        (number(NumericValue::Float(0.5)), Type::Int32, "A valid integer is required."),
        (
            number(NumericValue::Float(1e300)),
            Type::UInt64,
            "Ensure this value is less than or equal to 18446744073709551615.",
        ),
        (
            number(NumericValue::Float(-9_223_372_036_854_775_809.0)),
            Type::Int64,
            "Ensure this value is greater than or equal to -9223372036854775808.",
        ),
        (number(NumericValue::Float(9_007_199_254_740_993.0)), Type::Int64, "A valid integer is required."),
        (words("5"), Type::Int32, "A valid integer is required."),
        (
            number(NumericValue::Float(1e39)),
            Type::Float,
            "Ensure this value is less than or equal to 3.4028234663852886e38.",
        ),
        (words("5"), Type::Double, "A valid number is required."),
        (number(NumericValue::Int(5)), Type::String, "Not a valid string."),
        (words("gestern"), Type::DateTime, "Write a time as 2026-04-28T12:00:00Z."),
        (words("x"), Type::Guid, "Must be a valid GUID."),
        (words("?"), Type::ByteString, "Write bytes as base64."),
        (words("i=1"), Type::NodeId, "Nodes of type NodeId are not written."),
    ] {
        assert_eq!(encode(&given, to), Err(why.to_owned()), "{given:?} to {to}");
    }
}

#[test]
fn a_matrix_keeps_its_dimensions() {
    let numbers = |count: i32| (1..=count).map(Variant::Int32).collect::<Vec<_>>();
    for (dimensions, count, expected) in [
        (vec![2, 3], 6, "[[1,2,3],[4,5,6]]"),
        (vec![3, 2], 6, "[[1,2],[3,4],[5,6]]"),
        (vec![2, 2, 2], 8, "[[[1,2],[3,4]],[[5,6],[7,8]]]"),
        (vec![1, 1, 1], 1, "[[[1]]]"),
        (vec![4], 4, "[1,2,3,4]"),
        (vec![], 0, "[]"),
        (vec![1; 40], 1, "[1]"),
    ] {
        let matrix = Array { value_type: Type::Int32, values: numbers(count), dimensions: Some(dimensions) };
        let sent = Variant::Array(Box::new(matrix));
        let bytes = sent.encode_to_vec(&ContextOwned::default().context());
        let received = Variant::decode(&mut &bytes[..], &ContextOwned::default().context()).unwrap();
        assert_eq!(decode(&received), Ok(words(expected)), "{sent:?}");
    }
    let wrong = Array { value_type: Type::Int32, values: numbers(5), dimensions: Some(vec![2, 3]) };
    assert_eq!(decode(&Variant::Array(Box::new(wrong))), Ok(words("[1,2,3,4,5]")), "no value is left out");
}

#[test]
fn a_time_keeps_its_digits() {
    for (written, expected) in [
        ("2026-04-28T12:00:00Z", "2026-04-28T12:00:00.000Z"),
        ("2026-04-28T12:00:00.25Z", "2026-04-28T12:00:00.250Z"),
        ("2026-04-28T12:00:00.678901Z", "2026-04-28T12:00:00.678901Z"),
        ("2026-04-28T12:00:00.0000007Z", "2026-04-28T12:00:00.0000007Z"),
        ("2026-04-28T14:00:00.00001+02:00", "2026-04-28T12:00:00.000010Z"),
        ("1601-01-01T00:00:00Z", "1601-01-01T00:00:00.000Z"),
    ] {
        let sent = encode(&words(written), Type::DateTime).unwrap();
        assert_eq!(decode(&sent), Ok(words(expected)), "{written}");
    }
}

#[test]
fn a_null_array_is_an_empty_list() {
    // An array of Int32 with the length -1.
    let bytes = [&[0x86][..], &(-1_i32).to_le_bytes()].concat();
    let received = Variant::decode(&mut &bytes[..], &ContextOwned::default().context()).unwrap();
    assert_eq!(decode(&received), Ok(words("[]")));
}

#[test]
fn what_is_no_scalar_is_a_text_or_an_error() {
    let list = |values: Vec<Variant>, of| Variant::Array(Box::new(Array::new(of, values).unwrap()));
    for (variant, expected) in [
        (list(vec![Variant::Int32(1), Variant::Int32(-2)], Type::Int32), Ok(words("[1,-2]"))),
        (list(vec![Variant::from("a")], Type::String), Ok(words("[\"a\"]"))),
        (list(Vec::new(), Type::Double), Ok(words("[]"))),
        (Variant::NodeId(Box::new(NodeId::new(2, "a"))), Ok(words("ns=2;s=a"))),
        (Variant::XmlElement(XmlElement::from("<a/>")), Ok(words("<a/>"))),
        (Variant::Variant(Box::new(Variant::UInt64(7))), Ok(number(NumericValue::Uint(7)))),
        (Variant::Empty, Err("the node holds no value".to_owned())),
        (Variant::String(UAString::null()), Ok(words(""))),
        (Variant::from(DataValue::null()), Err("values of type DataValue are not read".to_owned())),
    ] {
        assert_eq!(decode(&variant), expected, "{variant:?}");
    }
    let infinite = decode(&Variant::Float(f32::INFINITY));
    assert_eq!(infinite, Ok(number(NumericValue::Float(f64::INFINITY))));
}

/// Every value from a server is decoded, or refused with a message, and its memory size is at least its size on the
/// wire.
fn check_sent(bytes: &[u8]) {
    let context = ContextOwned::default();
    let Ok(sent) = DataValue::decode(&mut &*bytes, &context.context()) else { return };
    let wire = sent.byte_len(&context.context());
    assert!(memory_size::value_bytes(&sent) + 64 >= wire, "{sent:?}");
    if let Ok(sample) = status::sample(&sent) {
        let _ = sample.value.to_json().to_string();
        for kind in StreamKind::ALL {
            let _ = sample.value.clone().convert_to(kind);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_of_a_value_are_too_strange(
        mask in any::<u8>(),
        kind in prop_oneof![0u8..26, Just(0x80u8 | 1), Just(0xC0 | 6), Just(0x80 | 24), any::<u8>()],
        rest in prop::collection::vec(any::<u8>(), 0..40),
        length in prop_oneof![Just(None), (0u32..20).prop_map(Some), any::<u32>().prop_map(Some)],
    ) {
        let mut bytes = vec![mask | 1, kind];
        bytes.extend(length.into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(rest);
        check_sent(&bytes);
    }

    #[test]
    fn integers_are_exact(whole: i64, wide: u64) {
        prop_assert_eq!(decode(&Variant::Int64(whole)), Ok(number(NumericValue::Int(whole))));
        prop_assert_eq!(encode(&number(NumericValue::Int(whole)), Type::Int64), Ok(Variant::Int64(whole)));
        prop_assert_eq!(decode(&Variant::UInt64(wide)), Ok(number(NumericValue::Uint(wide))));
        prop_assert_eq!(encode(&number(NumericValue::Uint(wide)), Type::UInt64), Ok(Variant::UInt64(wide)));
    }

    #[test]
    fn an_integer_is_written_or_refused_but_never_another(whole: i64) {
        for to in [Type::SByte, Type::Byte, Type::Int16, Type::UInt16, Type::Int32, Type::UInt32, Type::UInt64] {
            if let Ok(written) = encode(&number(NumericValue::Int(whole)), to) {
                let read = decode(&written).map(|content| match content {
                    DeviceValue::Number(value) => value.to_integer(),
                    DeviceValue::Text(_) => None,
                });
                prop_assert_eq!(read, Ok(Some(i128::from(whole))));
            }
        }
    }
}
