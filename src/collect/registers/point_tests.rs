//! Registers that a stream reads, and the values decoded from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::collect::device_value::DeviceValue;
use crate::collect::modbus::space::ModbusSpace as Modbus;
use crate::collect::point::{self, PointData};
use crate::collect::registers::{CellBits, CellId, RegisterSpace};
use crate::collect::registry;
use crate::domain::DeviceId;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamSpec};
use basalt_fuzz::rows;

fn point(
    path: &str,
    kind: StreamKind,
    set: impl FnOnce(&mut DeviceSpec, &mut StreamSpec),
) -> Result<point::DevicePoint, String> {
    let mut device = DeviceSpec::new("plc", Protocol::Modbus);
    let mut stream = StreamSpec::new("x", DeviceId(1));
    (stream.path, stream.kind) = (path.into(), kind);
    set(&mut device, &mut stream);
    registry::stream_point(&device, &stream)
}

/// The number in an answer, if the answer contains the point.
fn value(point: &point::DevicePoint, answered: &PointData) -> Option<NumericValue> {
    match point.decode(answered).ok()?.value {
        DeviceValue::Number(value) => Some(value),
        DeviceValue::Text(_) => None,
    }
}

#[test]
fn values_are_taken_from_their_registers() {
    let block = RegisterRange { space: RegisterSpace::from(Modbus::Holding), start: 10, len: 4 };
    let words = PointData::Registers(block, RegisterData::Words(vec![0x1234, 0x5678, 0x8001, 0xFFFE]));
    for (name, path, kind, expected) in [
        ("first", "hr:10", StreamKind::Uint16, Some(NumericValue::Uint(0x1234))),
        ("two_words_low_first", "hr:10", StreamKind::Uint32, Some(NumericValue::Uint(0x5678_1234))),
        ("last", "hr:13", StreamKind::Int16, Some(NumericValue::Int(-2))),
        ("lowest_bit", "hr:12.0", StreamKind::Bit, Some(NumericValue::Bit(true))),
        ("middle_bit", "hr:12.7", StreamKind::Bit, Some(NumericValue::Bit(false))),
        ("highest_bit_as_a_number", "hr:12.15", StreamKind::Fp64, Some(NumericValue::Bit(true))),
        ("bit_without_a_number_is_bit_0", "hr:12", StreamKind::Bit, Some(NumericValue::Bit(true))),
        ("before_the_block", "hr:9", StreamKind::Uint16, None),
        ("past_the_block", "hr:13", StreamKind::Uint32, None),
    ] {
        let point = point(path, kind, |_, _| ()).unwrap();
        assert_eq!(value(&point, &words), expected, "{name}");
    }
    let coil = point("co:3", StreamKind::Fp64, |_, _| ()).unwrap();
    let coils = RegisterRange { space: RegisterSpace::from(Modbus::Coil), start: 2, len: 2 };
    let bits = PointData::Registers(coils, RegisterData::Bits(vec![false, true]));
    assert_eq!(value(&coil, &bits), Some(NumericValue::Bit(true)));
    assert_eq!(value(&coil, &words), None);
}

#[test]
fn the_nearest_setting_of_word_order_counts() {
    let span = RegisterRange { space: RegisterSpace::from(Modbus::Holding), start: 0, len: 2 };
    let words = PointData::Registers(span, RegisterData::Words(vec![0x1234, 0x5678]));
    let read = |device_order, stream_order, wordorder: Json| {
        let point = point("hr:0", StreamKind::Uint32, |device, stream| {
            device.byteorder = device_order;
            stream.byteorder = stream_order;
            stream.metadata.insert("wordorder".into(), wordorder);
        });
        point.map(|p| value(&p, &words))
    };
    let (big, little) = (ByteOrder::Big, ByteOrder::Little);
    assert_eq!(read(big, None, Json::Null), Ok(Some(NumericValue::Uint(0x1234_5678))));
    assert_eq!(read(big, Some(little), Json::Null), Ok(Some(NumericValue::Uint(0x5678_1234))));
    assert_eq!(read(big, Some(little), json!("BADC")), Ok(Some(NumericValue::Uint(0x3412_7856))));
    // A protocol whose devices have one order takes no notice of byte orders.
    for order in [big, little] {
        let mut device = DeviceSpec::new("plc", Protocol::S7);
        device.byteorder = order;
        let mut stream = StreamSpec::new("x", DeviceId(1));
        (stream.path, stream.kind) = ("DB1.DBD0".into(), StreamKind::Uint32);
        let point = registry::stream_point(&device, &stream).unwrap();
        assert_eq!(
            point,
            point::DevicePoint::Register(at(Protocol::S7, "DB1.DBD0", stream.kind, WordOrder::Abcd))
        );
        stream.metadata.insert("wordorder".into(), json!("cdab"));
        let point = registry::stream_point(&device, &stream).unwrap();
        let register =
            point::DevicePoint::Register(at(Protocol::S7, "DB1.DBD0", stream.kind, WordOrder::Cdab));
        assert_eq!(point, register);
    }
    assert!(read(big, None, json!("acbd")).unwrap_err().contains("not one of abcd"));
    assert!(read(big, None, json!(1)).is_err());
}

#[test]
fn what_cannot_be_read_says_why() {
    for (path, kind, why) in [
        ("D100", StreamKind::Int16, "Invalid register \"D100\""),
        ("hr:0", StreamKind::Text, "a register holds no value of type text"),
        ("hr:65533", StreamKind::Int64, "int64 at hr:65533 reaches past the last register"),
    ] {
        let error = point(path, kind, |_, _| ()).unwrap_err();
        assert!(error.starts_with(why), "{error}");
    }
    assert!(point("hr:65532", StreamKind::Int64, |_, _| ()).is_ok());
    assert!(point("co:65535", StreamKind::Int64, |_, _| ()).is_ok());
}

#[test]
fn a_value_is_written_where_it_is_read() {
    let (one, swapped) = (WordOrder::Cdab, WordOrder::Dcba);
    let at = |space| RegisterAddress { space: RegisterSpace::from(space), offset: 7 };
    let bits = |mask, bits| Some(RegisterWrite::Masked { cell: at(Modbus::Holding), mask, bits });
    let coil = |on| Some(RegisterWrite::Bits(at(Modbus::Coil), vec![on]));
    let words = |words| Some(RegisterWrite::Words(at(Modbus::Holding), words));
    for (name, path, kind, order, value, expected) in rows![
        "coil", "co:7", StreamKind::Bit, one, NumericValue::Bit(true), coil(true);
        "coil_as_a_number", "co:7", StreamKind::Uint16, one, NumericValue::Uint(0), coil(false);
        "coil_of_two", "co:7", StreamKind::Uint16, one, NumericValue::Uint(2), None;
        "one_word", "hr:7", StreamKind::Int16, one, NumericValue::Int(-2), words(vec![0xFFFE]);
        "two_words", "hr:7", StreamKind::Uint32, one, NumericValue::Uint(0x1234_5678),
            words(vec![0x5678, 0x1234]);
        "too_large", "hr:7", StreamKind::Uint16, one, NumericValue::Uint(65_536), None;
        "with_a_fraction", "hr:7", StreamKind::Uint16, one, NumericValue::Float(0.5), None;
        "bit_of_a_register", "hr:7.5", StreamKind::Bit, one, NumericValue::Bit(true), bits(0x20, 0x20);
        "bit_off", "hr:7.5", StreamKind::Bit, one, NumericValue::Bit(false), bits(0x20, 0);
        "bit_of_swapped_bytes", "hr:7.5", StreamKind::Bit, swapped, NumericValue::Bit(true),
            bits(0x2000, 0x2000);
        "lowest_bit", "hr:7", StreamKind::Bit, one, NumericValue::Bit(true), bits(1, 1);
        "byte", "hr:7", StreamKind::Byte, one, NumericValue::Uint(0xAB), bits(0xFF, 0xAB);
        "byte_of_swapped_bytes", "hr:7", StreamKind::Byte, swapped, NumericValue::Uint(0xAB),
            bits(0xFF00, 0xAB00);
        "byte_of_256", "hr:7", StreamKind::Byte, one, NumericValue::Uint(256), None;
    ] {
        let address = registry::parse_address(&DeviceSpec::new("plc", Protocol::Modbus), path).unwrap();
        let point = address.point(kind, order).unwrap();
        assert_eq!(point.encode(value), expected.map(point::PointWrite::Registers), "{name}");
    }
}

fn at(protocol: Protocol, path: &str, kind: StreamKind, order: WordOrder) -> RegisterPoint {
    let device = DeviceSpec::new("plc", protocol);
    match registry::parse_address(&device, path).unwrap().point(kind, order).unwrap() {
        point::DevicePoint::Register(point) => point,
        point::DevicePoint::Node(..)
        | point::DevicePoint::Tag(..)
        | point::DevicePoint::Topic(..)
        | point::DevicePoint::Metric(..) => {
            panic!("{path}")
        }
    }
}

/// The bits of words, lowest first.
fn bits(words: &[u16]) -> Vec<bool> {
    words.iter().flat_map(|word| (0..16).map(move |bit| word >> bit & 1 == 1)).collect()
}

#[test]
fn values_lie_in_bits_bytes_and_wide_cells_too() {
    use Protocol::{Fenet, Melsec, S7};
    use StreamKind::{Bit, Byte, Int32, Uint16, Uint32};
    let (little, big, swapped) = (WordOrder::Cdab, WordOrder::Abcd, WordOrder::Dcba);
    let (words, bytes) = (
        |words: &[u16]| RegisterData::Words(words.to_vec()),
        |bytes: &[u8]| RegisterData::Bytes(bytes.to_vec()),
    );
    let wide = NumericValue::Uint(0x1234_5678);
    for (protocol, path, kind, order, data, value) in [
        (Melsec, "M5", Uint32, little, RegisterData::Bits(bits(&[0x5678, 0x1234])), wide),
        (Melsec, "M5", Uint32, big, RegisterData::Bits(bits(&[0x1234, 0x5678])), wide),
        (Melsec, "X1F", Bit, little, RegisterData::Bits(vec![true]), NumericValue::Bit(true)),
        (Melsec, "LTN5", Int32, little, words(&[0xFFFE, 0xFFFF]), NumericValue::Int(-2)),
        (Fenet, "%DB201", Int32, little, bytes(&[0xFE, 0xFF, 0xFF, 0xFF]), NumericValue::Int(-2)),
        (Fenet, "%DW1", Uint16, swapped, bytes(&[0x12, 0x34]), NumericValue::Uint(0x1234)),
        (Fenet, "%DB201", Byte, swapped, bytes(&[7]), NumericValue::Uint(7)),
        (S7, "DB1.DBW3", Uint16, big, bytes(&[0x12, 0x34]), NumericValue::Uint(0x1234)),
        (S7, "DB1.DBD3", Uint32, big, bytes(&[0x12, 0x34, 0x56, 0x78]), wide),
        (S7, "DB1.DBD3", Uint32, little, bytes(&[0x56, 0x78, 0x12, 0x34]), wide),
        (S7, "DB1.DBD3", Uint32, swapped, bytes(&[0x78, 0x56, 0x34, 0x12]), wide),
        (S7, "MB3", Byte, big, bytes(&[7]), NumericValue::Uint(7)),
        (S7, "T3", Uint16, big, words(&[0x1234]), NumericValue::Uint(0x1234)),
    ] {
        let name = format!("{path} {kind} {order:?}");
        let point = at(protocol, path, kind, order);
        assert_eq!(point.decode(point.span, &data), Some(value), "{name}");
        let written = match (point.encode(&value.into()).unwrap(), data) {
            (RegisterWrite::Bits(cell, bits), RegisterData::Bits(current)) => (cell, bits == current),
            (RegisterWrite::Words(cell, words), RegisterData::Words(current)) => (cell, words == current),
            (RegisterWrite::Bytes(cell, bytes), RegisterData::Bytes(current)) => (cell, bytes == current),
            (change, _) => panic!("{name}: {change:?}"),
        };
        assert_eq!(written, (point.span.first(), true), "{name}");
    }
}

#[test]
fn parts_of_words_leave_the_rest_alone() {
    let (little, swapped) = (WordOrder::Cdab, WordOrder::Dcba);
    let low = at(Protocol::Melsec, "M8", StreamKind::Byte, little);
    let cell =
        |point: &RegisterPoint, on| RegisterAddress { offset: point.span.start + on, ..point.span.first() };
    let one = bits(&[1])[..8].to_vec();
    let write = low.encode(&NumericValue::Uint(1).into());
    assert_eq!(write, Some(RegisterWrite::Bits(cell(&low, 0), one.clone())));
    let high = at(Protocol::Melsec, "M8", StreamKind::Byte, swapped);
    assert_eq!(high.encode(&NumericValue::Uint(1).into()), Some(RegisterWrite::Bits(cell(&high, 8), one)));
    let bit = at(Protocol::Fenet, "%DX1605", StreamKind::Bit, little);
    let masked = RegisterWrite::Masked { cell: bit.span.first(), mask: 0x20, bits: 0x20 };
    assert_eq!((bit.span.len, bit.encode(&NumericValue::Bit(true).into())), (2, Some(masked)));
}

#[test]
fn a_bit_of_a_byte_is_one_byte() {
    for (path, kind, mask) in [
        ("DB1.DBX5.3", StreamKind::Bit, 8),
        ("DB1.DBX5.7", StreamKind::Uint16, 0x80),
        ("DB1.DBB5", StreamKind::Bit, 1),
        ("DB1.DBW5", StreamKind::Bit, 1),
    ] {
        let point = at(Protocol::S7, path, kind, WordOrder::Abcd);
        assert_eq!((point.span.start, point.span.len, point.is_bit()), (5, 1, true), "{path}");
        // In a block of neighbours it is found in its own byte.
        let block = RegisterRange { start: 4, len: 3, ..point.span };
        let low = u8::try_from(mask).unwrap();
        for (byte, on) in [(low, true), (!low, false)] {
            let data = RegisterData::Bytes(vec![0xFF, byte, 0xFF]);
            assert_eq!(point.decode(block, &data), Some(NumericValue::Bit(on)), "{path}");
            let write =
                RegisterWrite::Masked { cell: point.span.first(), mask, bits: if on { mask } else { 0 } };
            assert_eq!(
                write.changed_bits(),
                [CellBits { cell: CellId { space: point.span.space.id, offset: 5 }, mask }]
            );
            assert_eq!(point.encode(&NumericValue::Bit(on).into()), Some(write), "{path}");
        }
        assert_eq!(point.encode(&NumericValue::Uint(2).into()), None, "{path}");
    }
}

#[test]
fn cells_of_a_fixed_width_hold_nothing_else() {
    for (protocol, path, kind) in [
        (Protocol::Melsec, "LTN5", StreamKind::Uint16),
        (Protocol::Melsec, "LTN5", StreamKind::Fp64),
        (Protocol::Fenet, "%IW0.2.1", StreamKind::Uint32),
        (Protocol::Fenet, "%ID0.2.1", StreamKind::Uint16),
    ] {
        let device = DeviceSpec::new("plc", protocol);
        let address = registry::parse_address(&device, path).unwrap();
        let why = address.point(kind, WordOrder::Cdab).unwrap_err();
        assert_eq!(why, format!("{path} has another width than {kind}"));
    }
}
