//! Tests of the reader of messages, on bytes of the encoding guide and on damaged ones.

use super::{FieldValue, Fields, MessageError};

fn read(message: &[u8]) -> Result<Vec<(u32, FieldValue<'_>)>, MessageError> {
    Fields::new(message).collect()
}

#[test]
fn every_wire_type_is_read() {
    type NumberedFields<'a> = &'a [(u32, FieldValue<'a>)];
    let rows: [(&[u8], NumberedFields); 6] = [
        (b"", &[]),
        (b"\x08\x96\x01", &[(1, FieldValue::Varint(150))]),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &[(1, FieldValue::Varint(u64::MAX))]),
        (b"\x12\x07testing", &[(2, FieldValue::Bytes(b"testing"))]),
        (b"\x19\0\0\0\0\0\0\xf8\x3f", &[(3, FieldValue::Fixed64(1.5_f64.to_bits()))]),
        (b"\x25\x01\0\0\0\x08\x01", &[(4, FieldValue::Fixed32(1)), (1, FieldValue::Varint(1))]),
    ];
    for (message, expected) in rows {
        assert_eq!(read(message).as_deref(), Ok(expected), "{message:?}");
    }
}

#[test]
fn damage_is_found() {
    let rows: [(&[u8], &str); 9] = [
        (b"\x08", "no end"),
        (b"\x08\x80", "no end"),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "no end"),
        (b"\x12\x07test", "longer than its message"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "longer than its message"),
        (b"\x19\0\0", "longer than its message"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "no valid number"),
        (b"\x0f", "wire type 7"),
    ];
    for (message, expected) in rows {
        let error = read(message).unwrap_err();
        assert!(error.contains(expected), "{message:?}: {error}");
    }
}

#[test]
fn a_value_of_another_type_is_refused() {
    let bytes = FieldValue::Bytes(b"\xff");
    assert!(bytes.varint().is_err() && bytes.double().is_err() && bytes.text().is_err());
    assert!(FieldValue::Varint(1).bytes().is_err() && FieldValue::Fixed32(1).fixed64().is_err());
    assert_eq!(FieldValue::Bytes("é".as_bytes()).text(), Ok("é"));
}
