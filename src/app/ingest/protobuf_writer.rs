//! Writes messages of Protocol Buffers, field by field
//! (<https://protobuf.dev/programming-guides/encoding/>).

/// Wire type of messages, texts and packed lists.
const BYTES: u64 = 2;

/// Adds a field with a message, a text or a packed list.
pub fn write_bytes(message: &mut Vec<u8>, number: u64, content: &[u8]) {
    write_varint(message, number << 3 | BYTES);
    write_varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

/// Adds an integer of variable length: a key, a length, or the value of an integer field after its key.
pub fn write_varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}
