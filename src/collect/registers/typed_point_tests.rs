//! Values of the types that an address names, in the cells of each protocol.

use super::*;
use crate::collect::point::DevicePoint;
use crate::collect::registry;
use crate::domain::device::{DeviceSpec, Protocol};

fn at(protocol: Protocol, path: &str, kind: Option<StreamKind>, order: WordOrder) -> RegisterPoint {
    let address = registry::parse_address(&DeviceSpec::new("plc", protocol), path).expect(path);
    match address.point_or_default(kind, order).expect(path) {
        DevicePoint::Register(point) => point,
        other => panic!("{other:?}"),
    }
}

fn words(words: &[u16]) -> RegisterData {
    RegisterData::Words(words.to_vec())
}

fn bytes(bytes: &[u8]) -> RegisterData {
    RegisterData::Bytes(bytes.to_vec())
}

/// Cells from the point's first one on, as a write of the value changes them.
fn written(point: &RegisterPoint, value: &DeviceValue) -> Option<RegisterData> {
    match point.encode(value)? {
        RegisterWrite::Words(cell, words) if cell == point.span.first() => Some(RegisterData::Words(words)),
        RegisterWrite::Bytes(cell, bytes) if cell == point.span.first() => Some(RegisterData::Bytes(bytes)),
        RegisterWrite::Masked { cell, mask: 0xFF, bits } if cell == point.span.first() => {
            Some(RegisterData::Words(vec![bits]))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_read_and_written_as_their_types_say() {
    use Protocol::{Fenet, Melsec, Modbus, S7};
    let (little, big, swapped) = (WordOrder::Cdab, WordOrder::Abcd, WordOrder::Badc);
    let text = |text: &str| DeviceValue::Text(text.into());
    let uint = |number| DeviceValue::Number(NumericValue::Uint(number));
    let int = |number| DeviceValue::Number(NumericValue::Int(number));
    for (protocol, path, order, data, value) in [
        (Modbus, "hr:0:text4", little, words(&[0x5342, 0x3700]), text("SB7")),
        (Modbus, "hr:0:text4", big, words(&[0x5342, 0x3700]), text("SB7")),
        (Modbus, "hr:0:text4", swapped, words(&[0x4253, 0x0037]), text("SB7")),
        (Melsec, "D100:text4", little, words(&[0x4253, 0x0037]), text("SB7")),
        (Fenet, "%DB201:text3", little, bytes(b"SB7"), text("SB7")),
        (S7, "DB1,C10.4", big, bytes(b"SB7\0"), text("SB7")),
        (Modbus, "hr:0:bcd16", little, words(&[0x1234]), uint(1234)),
        (Modbus, "hr:0:bcd32", little, words(&[0x5678, 0x1234]), uint(12_345_678)),
        (Modbus, "hr:0:bcd32", big, words(&[0x1234, 0x5678]), uint(12_345_678)),
        (Melsec, "D100:bcd32", little, words(&[0x5678, 0x1234]), uint(12_345_678)),
        (S7, "DB1.DBW3:bcd16", big, bytes(&[0x12, 0x34]), uint(1234)),
        (Modbus, "hr:0:int8", little, words(&[0x00FE]), int(-2)),
        (S7, "MB3:int8", big, bytes(&[0xFE]), int(-2)),
        (S7, "DB1.DBW0:S5TIME", big, bytes(&[0x21, 0x27]), uint(127_000)),
        (S7, "DB1.DBD0:TIME_OF_DAY", big, bytes(&[0x05, 0x26, 0x5B, 0xFF]), uint(86_399_999)),
        (Modbus, "hr:0:INT", little, words(&[0xFFFE]), int(-2)),
        (Modbus, "hr:0:uint24", little, words(&[0x3456, 0x0012]), uint(0x12_3456)),
        (Modbus, "hr:0:uint24", big, words(&[0x0012, 0x3456]), uint(0x12_3456)),
        (Modbus, "hr:0:uint24", swapped, words(&[0x1200, 0x5634]), uint(0x12_3456)),
        (Modbus, "hr:0:int24", big, words(&[0xFFFF, 0xFFFE]), int(-2)),
        (Melsec, "D100:int24", little, words(&[0x3456, 0x0012]), int(0x12_3456)),
        (Fenet, "%DW100:uint24", little, bytes(&[0x56, 0x34, 0x12, 0]), uint(0x12_3456)),
        (S7, "DB1.DBB3:uint24", big, bytes(&[0x12, 0x34, 0x56]), uint(0x12_3456)),
        (S7, "DB1.DBW3:int24", little, bytes(&[0xFF, 0xFF, 0xFE]), int(-2)),
        (Modbus, "hr:0:uint48", little, words(&[0x9ABC, 0x5678, 0x1234]), uint(0x1234_5678_9ABC)),
        (Modbus, "hr:0:uint48", big, words(&[0x1234, 0x5678, 0x9ABC]), uint(0x1234_5678_9ABC)),
        (Modbus, "hr:0:int48", swapped, words(&[0xFFFF, 0xFFFF, 0xFEFF]), int(-2)),
        (Melsec, "D100:int48", little, words(&[0, 0, 0x8000]), int(-(1 << 47))),
        (
            Fenet,
            "%DB201:uint48",
            little,
            bytes(&[0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12]),
            uint(0x1234_5678_9ABC),
        ),
        (S7, "DB1.DBB3:int48", big, bytes(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]), int(-2)),
        (S7, "DB1,REAL0", big, bytes(&[0x42, 0xF6, 0, 0]), DeviceValue::Number(NumericValue::Float(123.0))),
    ] {
        let point = at(protocol, path, None, order);
        assert_eq!(point.value(point.span, &data), Ok(value.clone()), "{protocol} {path} {order}");
        assert_eq!(written(&point, &value), Some(data), "{protocol} {path} {order}");
    }
}

#[test]
fn the_fourth_byte_of_24_bits_is_not_read_and_becomes_the_sign() {
    let point = at(Protocol::Modbus, "hr:0:int24", None, WordOrder::Abcd);
    let int = |number| DeviceValue::Number(NumericValue::Int(number));
    assert_eq!(point.value(point.span, &words(&[0x8001, 0x0002])), Ok(int(0x1_0002)));
    assert_eq!(written(&point, &int(0x1_0002)), Some(words(&[0x0001, 0x0002])));
    assert_eq!(written(&point, &int(-1)), Some(words(&[0xFFFF, 0xFFFF])));
    let on = RegisterData::Bits((0..32).map(|bit| bit % 8 == 0).collect());
    let bits = at(Protocol::Melsec, "M0:uint24", None, WordOrder::Cdab);
    assert_eq!(bits.value(bits.span, &on), Ok(DeviceValue::Number(NumericValue::Uint(0x01_0101))));
    for (protocol, path, cells) in [
        (Protocol::Modbus, "hr:0:uint24", 2),
        (Protocol::Modbus, "hr:0:uint48", 3),
        (Protocol::Melsec, "M0:int48", 48),
        (Protocol::Melsec, "LTN5:int24", 1),
        (Protocol::Fenet, "%DB201:int24", 4),
        (Protocol::S7, "DB1.DBB1:int24", 3),
        (Protocol::S7, "DB1.DBD0:int48", 6),
    ] {
        assert_eq!(at(protocol, path, None, WordOrder::Cdab).span.len, cells, "{path}");
    }
}

#[test]
fn times_are_texts_or_seconds_and_never_written() {
    let dtl = bytes(&hex::decode("07d80c1003141e140ee6b280").unwrap());
    let dt = bytes(&hex::decode("9312250812345677").unwrap());
    let ldt = bytes(&1_229_459_420_250_000_000_u64.to_be_bytes());
    let number = |number| DeviceValue::Number(NumericValue::Float(number));
    for (protocol, path, data, text, seconds) in [
        (Protocol::S7, "DB1,DTL0", dtl, "2008-12-16T20:30:20.250000", number(1_229_459_420.25)),
        (Protocol::S7, "DB1.DT0", dt, "1993-12-25T08:12:34.567000", number(756_807_154.567)),
        (Protocol::S7, "DB1,LDT0", ldt, "2008-12-16T20:30:20.250000", number(1_229_459_420.25)),
        (
            Protocol::S7,
            "DB1,DATE0",
            bytes(&[0x1C, 0x88]),
            "2009-12-31",
            DeviceValue::Number(NumericValue::Int(1_262_217_600)),
        ),
        (
            Protocol::Modbus,
            "hr:0:epoch_s",
            words(&[0xF100, 0x6553]),
            "2023-11-14T22:13:20Z",
            DeviceValue::Number(NumericValue::Int(1_700_000_000)),
        ),
    ] {
        for (kind, value) in [(None, DeviceValue::Text(text.into())), (Some(StreamKind::Fp64), seconds)] {
            let order = registry::default_word_order(protocol);
            let point = at(protocol, path, kind, order);
            assert_eq!(point.value(point.span, &data), Ok(value.clone()), "{path}");
            assert!(!point.is_writable() && point.encode(&value).is_none(), "{path}");
        }
    }
}

#[test]
fn cells_without_a_value_of_the_type_say_so() {
    for (protocol, path, data, why) in [
        (Protocol::Modbus, "hr:0:bcd16", words(&[0x1A2F]), "1A2F holds digits above 9"),
        (Protocol::Modbus, "hr:0:bcd32", words(&[0x0001, 0xF000]), "F0000001 holds digits above 9"),
        (Protocol::S7, "DB1.DBW0:s5time", bytes(&[0x2A, 0]), "2A00 holds digits above 9"),
        (
            Protocol::S7,
            "DB1.DBD0:tod",
            bytes(&[0x05, 0x26, 0x5C, 0x00]),
            "86400000 milliseconds are more than a day and no tod",
        ),
        (Protocol::S7, "DB1.DT0", bytes(&[0; 8]), "0000000000000000 is no dt"),
        (Protocol::S7, "DB1.S0.4", bytes(b"\x02\x03abc\0"), "its first bytes 02 03 begin no STRING"),
        (Protocol::Modbus, "hr:0:text4", words(&[0x5342]), "the answer does not hold the value"),
    ] {
        let order = if protocol == Protocol::S7 { WordOrder::Abcd } else { WordOrder::Cdab };
        let point = at(protocol, path, None, order);
        let error = point.value(point.span, &data).unwrap_err();
        assert!(error.starts_with(why), "{path}: {error}");
    }
}

#[test]
fn an_s7_string_keeps_the_length_that_it_was_declared_with() {
    let point = at(Protocol::S7, "DB1.S10.20", None, WordOrder::Abcd);
    assert_eq!((point.span.start, point.span.len), (10, 22));
    let cells = bytes(b"\x14\x02Hi..................");
    assert_eq!(point.value(point.span, &cells), Ok(DeviceValue::Text("Hi".into())));
    let change = point.encode(&DeviceValue::Text("Hey".into()));
    let RegisterAddress { space, offset } = point.span.first();
    let expected = RegisterWrite::Bytes(RegisterAddress { space, offset: offset + 1 }, b"\x03Hey".to_vec());
    assert_eq!(change, Some(expected));
    assert_eq!(point.encode(&DeviceValue::Text("a text of twenty-one.".into())), None);
    let wide = at(Protocol::S7, "DB1.WSTRING10.20", None, WordOrder::Abcd);
    assert_eq!((wide.span.start, wide.span.len), (10, 44));
    let cells = [&b"\0\x14\0\x02\x20\xAC\x005"[..], &[b'.'; 36]].concat();
    assert_eq!(wide.value(wide.span, &bytes(&cells)), Ok(DeviceValue::Text("€5".into())));
    let expected =
        RegisterWrite::Bytes(RegisterAddress { space, offset: offset + 2 }, b"\0\x02\x20\xAC\x005".to_vec());
    assert_eq!(wide.encode(&DeviceValue::Text("€5".into())), Some(expected));
    assert_eq!(wide.encode(&DeviceValue::Text("a text of twenty-one.".into())), None);
    assert_eq!(wide.widest_write().map(|write| write.changed_bits().len()), Some(42));
    assert_eq!(at(Protocol::S7, "DB1.DBB0:wstring254", None, WordOrder::Abcd).span.len, 222);
    // Its beginning is read where one request does not read all of it.
    assert_eq!(at(Protocol::S7, "DB1.S10.254", None, WordOrder::Abcd).span.len, 222);
}

#[test]
fn an_array_is_a_list_of_the_values_that_follow_each_other() {
    use Protocol::{Fenet, Melsec, Modbus, S7};
    let (little, big) = (WordOrder::Cdab, WordOrder::Abcd);
    for (protocol, path, order, data, list) in [
        (Modbus, "hr:0[3]", little, words(&[1, 2, 0xFFFF]), "[1,2,65535]"),
        (Modbus, "hr:0:INT[2]", little, words(&[1, 0xFFFE]), "[1,-2]"),
        (Modbus, "hr:0:real[2]", big, words(&[0x3FC0, 0, 0xC000, 0]), "[1.5,-2.0]"),
        (Modbus, "hr:0:real[2]", little, words(&[0, 0x3FC0, 0, 0xC000]), "[1.5,-2.0]"),
        (Modbus, "hr:0:bcd16[2]", big, words(&[0x1234, 0x0007]), "[1234,7]"),
        (Modbus, "hr:0:int8[2]", big, words(&[0x12FE, 0x0001]), "[-2,1]"),
        (Modbus, "co:0[3]", little, RegisterData::Bits(vec![true, false, true]), "[true,false,true]"),
        (Melsec, "D100:dint[2]", little, words(&[0xFFFF, 0xFFFF, 1, 0]), "[-1,1]"),
        (Melsec, "M0[2]", little, RegisterData::Bits(vec![false, true]), "[false,true]"),
        (Fenet, "%DB201[3]", little, bytes(&[1, 2, 3]), "[1,2,3]"),
        (S7, "DB1.DBW3[2]", big, bytes(&[1, 0, 0, 2]), "[256,2]"),
        (S7, "DB1,INT3[2]", big, bytes(&[0xFF, 0xFF, 0, 2]), "[-1,2]"),
        (S7, "DB1.DBB0:uint24[2]", big, bytes(&[0, 1, 0, 0, 0, 2]), "[256,2]"),
        (S7, "DB1.DBW0:date[2]", big, bytes(&[0, 0, 0x1C, 0x88]), "[\"1990-01-01\",\"2009-12-31\"]"),
    ] {
        for kind in [None, Some(StreamKind::Text), Some(StreamKind::Json)] {
            let point = at(protocol, path, kind, order);
            let value = point.value(point.span, &data);
            assert_eq!(value, Ok(DeviceValue::Text(list.into())), "{protocol} {path} {order}");
            assert_eq!(point.kind(), kind.unwrap_or(StreamKind::Json), "{path}");
            assert!(!point.is_bit(), "{path}");
            assert_eq!(point.encode(&DeviceValue::Number(NumericValue::Uint(1))), None, "{path}");
            let listed = point.widest_write().map(|write| write.changed_bits().len());
            assert_eq!(listed, Some(point.span.len.into()), "{path}: every cell may be listed as writable");
        }
    }
    // Of a longer block only its own cells.
    let point = at(Modbus, "hr:5:uint32[2]", None, big);
    let block = RegisterRange { start: 4, len: 6, ..point.span };
    let value = point.value(block, &words(&[9, 0, 1, 0, 2, 9]));
    assert_eq!(value, Ok(DeviceValue::Text("[1,2]".into())));
    let point = at(Modbus, "hr:0:bcd16[2]", None, big);
    let error = point.value(point.span, &words(&[1, 0x1A2F])).unwrap_err();
    assert!(error.starts_with("element 1: 1A2F holds digits above 9"), "{error}");
    let canonical = |path: &str| registry::parse_address(&DeviceSpec::new("plc", Modbus), path).unwrap();
    assert_eq!(canonical("HR40[10]").to_string(), "hr:40:uint16[10]");
    assert_eq!(canonical("4x0041:INT[10]"), canonical("hr:40:int16[10]"));
}

#[test]
fn an_array_is_written_as_it_is_read() {
    use Protocol::{Fenet, Melsec, Modbus, S7};
    let (little, big, swapped) = (WordOrder::Cdab, WordOrder::Abcd, WordOrder::Badc);
    let bits = |bits: &[bool]| Some(RegisterData::Bits(bits.to_vec()));
    let (words, bytes) = (|cells: &[u16]| Some(words(cells)), |cells: &[u8]| Some(bytes(cells)));
    for (protocol, path, order, list, expected) in [
        (Modbus, "hr:0:INT[3]", little, "[1,-2,3]", words(&[1, 0xFFFE, 3])),
        (Modbus, "hr:0:INT[2]", swapped, "[1,-2]", words(&[0x0100, 0xFEFF])),
        (Modbus, "hr:0:real[2]", big, "[1.5,-2]", words(&[0x3FC0, 0, 0xC000, 0])),
        (Modbus, "hr:0:real[2]", little, "[1.5,-2]", words(&[0, 0x3FC0, 0, 0xC000])),
        (Modbus, "hr:0:bcd16[2]", big, "[1234,7]", words(&[0x1234, 7])),
        (Modbus, "hr:0:uint48[2]", big, "[1,2]", words(&[0, 0, 1, 0, 0, 2])),
        (Modbus, "hr:0:fp64[1]", big, "[-1234.5678]", words(&[0xC093, 0x4A45, 0x6D5C, 0xFAAD])),
        (Melsec, "D100:dint[2]", little, "[-1,1]", words(&[0xFFFF, 0xFFFF, 1, 0])),
        (Fenet, "%DB201[3]", little, "[1,2,3]", bytes(&[1, 2, 3])),
        (Fenet, "%DW100:INT[2]", little, "[1,-2]", bytes(&[1, 0, 0xFE, 0xFF])),
        (S7, "DB1,INT3[2]", big, "[-1,2]", bytes(&[0xFF, 0xFF, 0, 2])),
        (S7, "DB1.DBB0:uint24[2]", big, "[256,2]", bytes(&[0, 1, 0, 0, 0, 2])),
        (S7, "DB1.DBW0:S5TIME[2]", big, "[127000,10]", bytes(&[0x21, 0x27, 0, 1])),
        (Modbus, "co:0[3]", little, "[true,false,true]", bits(&[true, false, true])),
        (Melsec, "M0[2]", little, "[false,true]", bits(&[false, true])),
        // The number of members, a member of another type or beyond its range, and no list.
        (Modbus, "hr:0:INT[3]", little, "[1,-2]", None),
        (Modbus, "hr:0:INT[3]", little, "[1,-2,3,4]", None),
        (Modbus, "hr:0:INT[2]", little, "[1,40000]", None),
        (Modbus, "hr:0:INT[2]", little, "[1,null]", None),
        (Modbus, "hr:0:INT[2]", little, "[1,\"2\"]", None),
        (Modbus, "hr:0:bcd16[2]", big, "[1,10000]", None),
        (Modbus, "co:0[2]", little, "[true,2]", None),
        (Modbus, "hr:0:INT[2]", little, "1", None),
        (Modbus, "hr:0:INT[2]", little, "[1,2", None),
        // Other halves of the words would be changed too.
        (Modbus, "hr:0:int8[2]", little, "[1,2]", None),
        (Melsec, "M0:byte[2]", little, "[1,2]", None),
        (S7, "DB1.DBW0:date[1]", big, "[\"2009-12-31\"]", None),
    ] {
        let point = at(protocol, path, None, order);
        let found = point.encode(&DeviceValue::Text(list.into())).map(|write| match write {
            RegisterWrite::Bits(cell, bits) => (cell, RegisterData::Bits(bits)),
            RegisterWrite::Words(cell, words) => (cell, RegisterData::Words(words)),
            RegisterWrite::Bytes(cell, bytes) => (cell, RegisterData::Bytes(bytes)),
            masked @ RegisterWrite::Masked { .. } => panic!("{path}: {masked:?}"),
        });
        assert_eq!(found, expected.map(|cells| (point.span.first(), cells)), "{protocol} {path} {list}");
    }
}

#[test]
fn an_array_that_one_request_does_not_write_says_its_limit() {
    use Protocol::{Fenet, Melsec, Modbus, S7};
    let partial = |name: &str| {
        Some(format!(
            "{name} is a part of a register, and one request writes whole ones: write each element."
        ))
    };
    let longer = |len: &str, most: &str| {
        Some(format!("The array has {len}, and one request writes at most {most} elements."))
    };
    for (protocol, path, is_writable, expected) in [
        (S7, "DB1.DBW0[106]", true, None),
        (S7, "DB1.DBW0[107]", true, longer("214 bytes", "212: name at most 106")),
        (S7, "DB1.DBW0:date[2]", false, None),
        (Modbus, "hr:0", true, None),
        (Modbus, "hr:0[123]", true, None),
        (Modbus, "hr:0:fp32[62]", true, longer("124 words", "123: name at most 61")),
        (Modbus, "co:0[1968]", true, None),
        (Modbus, "co:0[1969]", true, longer("1969 bits", "1968: name at most 1968")),
        (Modbus, "ir:0[2]", false, None),
        (Modbus, "hr:0:int8[1]", true, None),
        (Modbus, "hr:0:int8[2]", true, partial("int8")),
        (Melsec, "M0:byte[2]", true, partial("byte")),
        (Melsec, "D0[960]", true, None),
        (Fenet, "%DB0[1400]", true, None),
    ] {
        let point = at(protocol, path, None, WordOrder::Abcd);
        assert_eq!((point.is_writable(), point.write_limit()), (is_writable, expected), "{protocol} {path}");
        let zeros = vec!["0"; usize::from(point.first_element().map_or(0, |(_, count)| count))];
        let write = point.encode(&DeviceValue::Text(format!("[{}]", zeros.join(",")).into()));
        let is_written = !zeros.is_empty() && point.is_writable() && point.write_limit().is_none();
        assert_eq!(write.filter(|_| point.is_writable()).is_some(), is_written, "{protocol} {path}");
    }
}

#[test]
fn what_a_register_cannot_hold_is_refused() {
    for (protocol, text, why) in [
        (
            Protocol::Modbus,
            "hr:0:text5",
            "hr:0:text5: a text in whole words has an even number of characters",
        ),
        (Protocol::Modbus, "hr:0:text252", "hr:0:text252 is longer than one request reads"),
        (Protocol::Modbus, "hr:65535:bcd32", "uint32 at hr:65535:bcd32 reaches past the last register"),
        (Protocol::Modbus, "hr:65535:INT", ""),
        (Protocol::Modbus, "hr:65535:DINT", "int32 at hr:65535:int32 reaches past the last register"),
        (Protocol::Modbus, "hr:65534:int48", "int64 at hr:65534:int48 reaches past the last register"),
        (Protocol::Melsec, "LTN5:uint48", "LTN5:uint48 has another width than uint64"),
        (Protocol::Fenet, "%MX0:int24", "%MX0 is a single bit and holds no int24"),
        (Protocol::S7, "T5:int24", "int32 at T5:int24 is wider than a single timer or counter of 16 bits"),
        (Protocol::Modbus, "co:0:bcd16", "co:0 is a single bit and holds no bcd16"),
        (Protocol::Melsec, "M0:text4", "M0:text4 has another width than text"),
        (Protocol::Melsec, "LTN5:bcd16", "LTN5:bcd16 has another width than uint16"),
        (Protocol::S7, "DB1,DTL65530", "text at DB1.DBB65530:dtl reaches past the last register"),
        (Protocol::Modbus, "hr:0[125]", ""),
        (Protocol::Modbus, "hr:0[126]", "hr:0:uint16[126] is longer than one request reads"),
        (Protocol::Modbus, "hr:65535[2]", "json at hr:65535:uint16[2] reaches past the last register"),
        (Protocol::Modbus, "hr:0.5[2]", "hr:0.5 is a single bit and begins no array"),
        (Protocol::Modbus, "hr:0:text4[2]", "hr:0:text4 holds text4, of which there is no array"),
        (
            Protocol::Modbus,
            "hr:0:bit[2]",
            "hr:0:bit[2]: an array has whole registers as its elements, such as uint16",
        ),
        (Protocol::Modbus, "hr:0[0]", "In brackets is the number of values that follow each other: hr:0[10]"),
        (
            Protocol::Modbus,
            "hr:0[+2]",
            "In brackets is the number of values that follow each other: hr:0[10]",
        ),
        (Protocol::S7, "T5[2]", "json at T5:uint16[2] is wider than a single timer or counter of 16 bits"),
    ] {
        let parsed = registry::parse_address(&DeviceSpec::new("plc", protocol), text).map(drop);
        let expected =
            if why.is_empty() { Ok(()) } else { Err(format!("Invalid register \"{text}\". {why}.")) };
        assert_eq!(parsed, expected);
    }
}

#[test]
fn a_kind_or_a_value_that_a_register_cannot_hold_is_refused() {
    let address = registry::parse_address(&DeviceSpec::new("plc", Protocol::Modbus), "hr:0:bcd16").unwrap();
    assert_eq!(
        address.point(StreamKind::Text, WordOrder::Cdab),
        Err("hr:0:bcd16 holds bcd16, which is no text".to_owned())
    );
    let timer = registry::parse_address(&DeviceSpec::new("plc", Protocol::S7), "T5").unwrap();
    assert!(timer.point(StreamKind::Int16, WordOrder::Abcd).is_ok());
    let refused = timer.point(StreamKind::Uint32, WordOrder::Abcd);
    assert_eq!(refused, Err("uint32 at T5 is wider than a single timer or counter of 16 bits".to_owned()));
    for (path, value) in [
        ("hr:0:bcd16", DeviceValue::Number(NumericValue::Uint(10_000))),
        ("hr:0:int8", DeviceValue::Number(NumericValue::Int(128))),
        ("hr:0:int24", DeviceValue::Number(NumericValue::Int(1 << 23))),
        ("hr:0:uint24", DeviceValue::Number(NumericValue::Int(-1))),
        ("hr:0:int48", DeviceValue::Number(NumericValue::Int(-(1 << 47) - 1))),
        ("hr:0:uint48", DeviceValue::Number(NumericValue::Float(0.5))),
        ("hr:0:text4", DeviceValue::Text("five!".into())),
        ("hr:0:text4", DeviceValue::Number(NumericValue::Uint(1))),
        ("hr:0:bcd16", DeviceValue::Text("1".into())),
    ] {
        assert_eq!(at(Protocol::Modbus, path, None, WordOrder::Cdab).encode(&value), None, "{path} {value}");
    }
}
