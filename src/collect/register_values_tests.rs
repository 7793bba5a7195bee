//! Words in every type and word order.

use super::*;
use crate::collect::point::DevicePoint;
use crate::collect::registry;
use crate::domain::device::{DeviceSpec, Protocol};

fn address(protocol: Protocol, text: &str) -> DeviceAddress {
    registry::parse_address(&DeviceSpec::new("d", protocol), text).expect(text)
}

/// An answer with these cells from the address on.
fn answer(address: &DeviceAddress, kind: StreamKind, data: RegisterData) -> PointData {
    let Ok(DevicePoint::Register(point)) = address.point(kind, WordOrder::Abcd) else {
        panic!("a register");
    };
    PointData::Registers(point.span, data)
}

fn shown(values: &[TestValue]) -> Vec<(&'static str, Option<&'static str>, &str)> {
    let name = |value: &TestValue| value.kind.map_or("", StreamKind::name);
    values.iter().map(|value| (name(value), value.wordorder, value.value.as_str())).collect()
}

#[test]
fn two_words_are_every_type_of_two_words_and_less() {
    let address = address(Protocol::Modbus, "hr:100");
    let answered = answer(&address, StreamKind::Uint32, RegisterData::Words(vec![0x41BC, 0x0000]));
    let expected = [
        ("uint16", Some("abcd"), "16828"),
        ("uint16", Some("badc"), "48193"),
        ("int16", Some("abcd"), "16828"),
        ("int16", Some("badc"), "-17343"),
        ("int32", Some("abcd"), "1102839808"),
        ("int32", Some("cdab"), "16828"),
        ("int32", Some("badc"), "-1136590848"),
        ("int32", Some("dcba"), "48193"),
        ("uint32", Some("abcd"), "1102839808"),
        ("uint32", Some("cdab"), "16828"),
        ("uint32", Some("badc"), "3158376448"),
        ("uint32", Some("dcba"), "48193"),
    ];
    let values = in_every_form(&address, &answered);
    let values = shown(&values);
    assert_eq!(values[..12], expected);
    assert_eq!(values[12], ("fp32", Some("abcd"), "23.5"));
    assert_eq!(values.len(), 16, "nothing of four words");
}

#[test]
fn a_bit_is_a_bit_alone() {
    let address = address(Protocol::Modbus, "co:3");
    assert_eq!(widest_first(&address), [StreamKind::Bit]);
    let answered = answer(&address, StreamKind::Bit, RegisterData::Bits(vec![true]));
    assert_eq!(shown(&in_every_form(&address, &answered)), [("bit", None, "true")]);
}

#[test]
fn a_register_is_read_as_widely_as_it_may_be() {
    use StreamKind::{Byte, Uint16, Uint32, Uint64};
    for (protocol, text, expected) in [
        (Protocol::Modbus, "hr:0", vec![Uint64, Uint32, Uint16]),
        (Protocol::Melsec, "D100", vec![Uint64, Uint32, Uint16]),
        (Protocol::Fenet, "%DB200", vec![Uint64, Uint32, Uint16, Byte]),
        (Protocol::Fenet, "%DD200", vec![Uint64, Uint32, Uint16]),
    ] {
        assert_eq!(widest_first(&address(protocol, text)), expected, "{text}");
    }
}

#[test]
fn cells_are_shown_as_they_came() {
    for (data, expected) in [
        (RegisterData::Words(vec![0x41BC, 1]), vec!["41bc", "0001"]),
        (RegisterData::Bytes(vec![0xBC, 1]), vec!["bc", "01"]),
        (RegisterData::Bits(vec![true, false]), vec!["1", "0"]),
    ] {
        assert_eq!(in_hexadecimal(&data), expected);
    }
}

#[test]
fn an_address_with_a_type_is_that_type_alone() {
    let address = address(Protocol::Modbus, "hr:0:bcd32");
    assert_eq!(widest_first(&address), [StreamKind::Uint32]);
    let answered = answer(&address, StreamKind::Uint32, RegisterData::Words(vec![0x1234, 0xA678]));
    // In the other orders there is a digit above 9 as well.
    assert!(in_every_form(&address, &answered).is_empty());
    let answered = answer(&address, StreamKind::Uint32, RegisterData::Words(vec![0x1234, 0x5678]));
    let expected = [
        ("uint32", Some("abcd"), "12345678"),
        ("uint32", Some("cdab"), "56781234"),
        ("uint32", Some("badc"), "34127856"),
        ("uint32", Some("dcba"), "78563412"),
    ];
    assert_eq!(shown(&in_every_form(&address, &answered)), expected);
}
