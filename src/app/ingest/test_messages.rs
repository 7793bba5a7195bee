//! Fields of Protocol Buffers, for tests of their readers.

use super::protobuf_writer::write_varint;

/// A field with a message, a text or a packed list.
pub fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(content.len() as u64), content].concat()
}

/// A field with 64 bits.
pub fn fixed(number: u8, bits: u64) -> Vec<u8> {
    [&[number << 3 | 1][..], &bits.to_le_bytes()].concat()
}

/// A field of type `double`.
pub fn double(number: u8, value: f64) -> Vec<u8> {
    fixed(number, value.to_bits())
}

/// A field with an integer of variable length.
pub fn integer(number: u8, value: u64) -> Vec<u8> {
    [&[number << 3][..], &varint(value)].concat()
}

fn varint(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_varint(&mut bytes, number);
    bytes
}
