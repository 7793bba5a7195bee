//! Cases of writes under an allowlist, by protocol.

use serde_json::{Value as Json, json};

use super::*;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind::{self, Bit, Byte, Fp32, Fp64, Int16, Int32, Text, Uint16, Uint32};

fn device(protocol: Protocol, writable: Json) -> DeviceSpec {
    let mut device = DeviceSpec::new("plc", protocol);
    device.metadata.insert("writable".to_owned(), writable);
    device
}

fn is_allowed(device: &DeviceSpec, register: &str, kind: StreamKind, order: WordOrder) -> bool {
    let point =
        registry::parse_address(device, register).unwrap().point_or_default(Some(kind), order).unwrap();
    WriteAllowlist::from_spec(device).unwrap().is_none_or(|writable| writable.allows(&point))
}

/// Case name, list, register and kind to write, and whether that is allowed.
type Row = (&'static str, Json, &'static str, StreamKind, bool);

fn modbus() -> Vec<Row> {
    vec![
        ("no_list", Json::Null, "hr:9", Fp64, true),
        ("an_empty_list", json!([]), "hr:9", Uint16, false),
        ("listed", json!(["hr:9"]), "hr:9", Uint16, true),
        ("under_another_name", json!(["40010"]), "%MW9", Int16, true),
        ("elsewhere", json!(["hr:9"]), "hr:10", Uint16, false),
        ("another_space", json!(["hr:9"]), "co:9", Bit, false),
        ("a_number_reaches_beyond", json!(["hr:9"]), "hr:9", Fp32, false),
        ("all_of_its_words", json!(["hr:10", "hr:9"]), "hr:9", Fp32, true),
        ("a_hole_in_the_middle", json!(["hr:0", "hr:1", "hr:3"]), "hr:0", Fp64, false),
        ("it_begins_before", json!(["hr:9"]), "hr:8", Uint32, false),
        ("a_bit_of_a_listed_word", json!(["hr:9"]), "hr:9.3", Bit, true),
        ("the_listed_bit", json!(["hr:9.3"]), "hr:9.3", Bit, true),
        ("another_bit", json!(["hr:9.3"]), "hr:9.4", Bit, false),
        ("the_word_around_a_bit", json!(["hr:9.3"]), "hr:9", Uint16, false),
        ("the_byte_around_a_bit", json!(["hr:9.3"]), "hr:9", Byte, false),
        ("a_byte_of_a_listed_word", json!(["hr:9"]), "hr:9", Byte, true),
        ("a_coil", json!(["co:1"]), "co:1", Bit, true),
        ("the_last_of_a_listed_array", json!(["hr:9[3]"]), "hr:11", Uint16, true),
        ("after_a_listed_array", json!(["hr:9[3]"]), "hr:12", Uint16, false),
        ("a_coil_of_a_listed_array", json!(["co:0[8]"]), "co:7", Bit, true),
    ]
}

fn melsec() -> Vec<Row> {
    vec![
        ("listed", json!(["D100"]), "d0100", Int16, true),
        ("a_number_reaches_beyond", json!(["D100"]), "D100", Int32, false),
        ("all_of_its_words", json!(["D100", "D101"]), "D100", Int32, true),
        ("sixteen_bits", json!(["M0"]), "M0", Uint16, false),
        ("a_bit", json!(["M0"]), "M0", Bit, true),
        ("a_bit_of_a_listed_word", json!(["D100"]), "D100.A", Bit, true),
        ("a_wide_cell", json!(["LZ0"]), "LZ0", Int32, true),
    ]
}

fn fenet() -> Vec<Row> {
    vec![
        ("listed", json!(["%DW10"]), "%DW10", Uint16, true),
        ("a_byte_of_it", json!(["%DW10"]), "%DB21", Byte, true),
        ("the_byte_after_it", json!(["%DW10"]), "%DB22", Byte, false),
        ("its_double_word", json!(["%DW10"]), "%DD5", Uint32, false),
        ("of_a_listed_array", json!(["%DW10[2]"]), "%DW11", Uint16, true),
        ("what_a_double_word_covers", json!(["%DD5"]), "%DW11", Uint16, true),
        ("wider_than_its_letter", json!(["%DW10"]), "%DW10", Uint32, false),
        ("a_bit_by_its_own_name", json!(["%MW1"]), "%MX16", Bit, true),
        ("a_bit_of_the_next_word", json!(["%MW1"]), "%MX32", Bit, false),
        ("the_word_around_a_bit", json!(["%MX16"]), "%MW1", Uint16, false),
        ("a_bit_of_a_word", json!(["%MX28"]), "%MW1.C", Bit, true),
        ("of_a_module", json!(["%QW0.1.2"]), "%QW0.1.2", Uint16, true),
    ]
}

fn s7() -> Vec<Row> {
    vec![
        ("listed", json!(["DB1.DBW4"]), "DB1.DBW4", Uint16, true),
        ("another_block", json!(["DB1.DBW4"]), "DB2.DBW4", Uint16, false),
        ("a_byte_of_it", json!(["DB1.DBW4"]), "DB1.DBB5", Byte, true),
        ("the_byte_after_it", json!(["DB1.DBW4"]), "DB1.DBB6", Byte, false),
        ("a_word_that_begins_in_its_middle", json!(["DB1.DBW4"]), "DB1.DBW5", Uint16, false),
        ("wider_than_its_letter", json!(["DB1.DBW4"]), "DB1.DBW4", Fp32, false),
        ("what_a_double_word_covers", json!(["MD8"]), "MW10", Int16, true),
        ("a_bit_of_it", json!(["DB1.DBW4"]), "DB1.DBX5.7", Bit, true),
        ("the_listed_bit", json!(["M0.3"]), "M0.3", Bit, true),
        ("another_bit", json!(["M0.3"]), "M0.4", Bit, false),
        ("the_same_bit_of_the_next_byte", json!(["M0.3"]), "M1.3", Bit, false),
        ("the_byte_around_a_bit", json!(["M0.3"]), "MB0", Byte, false),
        ("under_another_name", json!(["A0.3"]), "Q0.3", Bit, true),
        ("a_string", json!(["DB1.S10.20"]), "DB1.DBB10:STRING20", Text, true),
        ("its_declared_length", json!(["DB1.S10.20"]), "DB1.DBB10", Byte, false),
        ("its_current_length", json!(["DB1.S10.20"]), "DB1.DBB11", Byte, true),
        ("its_last_character", json!(["DB1.S10.20"]), "DB1.DBB31", Byte, true),
        ("the_byte_behind_it", json!(["DB1.S10.20"]), "DB1.DBB32", Byte, false),
    ]
}

fn opcua() -> Vec<Row> {
    vec![
        ("listed", json!(["ns=2;s=Speed"]), "ns=2;s=Speed", Fp64, true),
        ("another_node", json!(["ns=2;s=Speed"]), "ns=2;s=Torque", Fp64, false),
    ]
}

#[test]
fn every_register_that_a_write_touches_is_listed() {
    for (protocol, rows) in [
        (Protocol::Modbus, modbus()),
        (Protocol::Melsec, melsec()),
        (Protocol::Fenet, fenet()),
        (Protocol::S7, s7()),
        (Protocol::Opcua, opcua()),
    ] {
        for (name, list, register, kind, expected) in rows {
            let got = is_allowed(&device(protocol, list), register, kind, WordOrder::Cdab);
            assert_eq!(got, expected, "{protocol}: {name}");
        }
    }
}

#[test]
fn a_bit_is_where_the_word_order_puts_it() {
    let device = device(Protocol::Modbus, json!(["hr:9.3"]));
    assert!(is_allowed(&device, "hr:9.3", Bit, WordOrder::Abcd));
    assert!(!is_allowed(&device, "hr:9.3", Bit, WordOrder::Badc), "its bytes swapped, bit 3 is bit 11");
    assert!(is_allowed(&device, "hr:9.11", Bit, WordOrder::Badc));
}

#[test]
fn a_list_is_of_registers() {
    for (name, list, message) in [
        ("no_list", json!("hr:9"), "must be a list"),
        ("no_text", json!(["hr:9", 9]), "9 is not a text"),
        ("no_register", json!(["D100"]), "Invalid register \"D100\". Use hr:0"),
    ] {
        let error = WriteAllowlist::from_spec(&device(Protocol::Modbus, list)).unwrap_err();
        assert_eq!(error.fields[0].field, "writable", "{name}");
        assert!(error.fields[0].message.starts_with(message), "{name}: {error}");
    }
}
