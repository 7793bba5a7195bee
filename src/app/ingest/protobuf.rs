//! Reads messages of Protocol Buffers field by field, without a copy and without an allocation. Pure.
//!
//! A generated decoder builds every message of a body before anybody looks at it, and an empty message of two bytes takes
//! a hundred there. Bodies of metrics are read once and in order, so their fields are visited where they lie
//! (<https://protobuf.dev/programming-guides/encoding/>).

use std::borrow::Cow;

/// Why a message cannot be read: a phrase that follows `the body is damaged: `.
pub type MessageError = Cow<'static, str>;

/// A varint has at most ten bytes, of which the last holds one bit.
const MAX_VARINT_BYTES: usize = 10;

/// The value of a field by its wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldValue<'a> {
    /// `int32`, `int64`, `uint32`, `uint64`, `bool`, enums: the bits as they were sent.
    Varint(u64),
    /// `fixed64`, `sfixed64`, `double`.
    Fixed64(u64),
    /// Strings, bytes, messages and packed lists.
    Bytes(&'a [u8]),
    /// `fixed32`, `sfixed32`, `float`.
    Fixed32(u32),
}

impl<'a> FieldValue<'a> {
    /// Returns the content of a message, a string or a packed list.
    ///
    /// # Errors
    /// Another wire type.
    pub fn bytes(self) -> Result<&'a [u8], MessageError> {
        match self {
            FieldValue::Bytes(bytes) => Ok(bytes),
            _ => Err("a field that holds a message or a text is a number".into()),
        }
    }

    /// Returns an integer of variable length.
    ///
    /// # Errors
    /// Another wire type.
    pub fn varint(self) -> Result<u64, MessageError> {
        match self {
            FieldValue::Varint(number) => Ok(number),
            _ => Err("a field that holds an integer has another type".into()),
        }
    }

    /// Returns an integer of 64 bits as they were sent.
    ///
    /// # Errors
    /// Another wire type.
    pub fn fixed64(self) -> Result<u64, MessageError> {
        match self {
            FieldValue::Fixed64(bits) => Ok(bits),
            _ => Err("a field that holds 64 bits has another type".into()),
        }
    }

    /// Returns a number of type `double`.
    ///
    /// # Errors
    /// Another wire type.
    pub fn double(self) -> Result<f64, MessageError> {
        self.fixed64().map(f64::from_bits)
    }

    /// Returns a text.
    ///
    /// # Errors
    /// Another wire type, and bytes that are not UTF-8.
    pub fn text(self) -> Result<&'a str, MessageError> {
        text(self.bytes()?)
    }
}

/// Iterates over the fields of a message: their numbers and values in the order of the body. It ends after the first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Starts at the first field of a message.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Iterates over the contents of one field of a message: of those that repeat, or of one that is a message.
    pub fn of(message: &'a [u8], wanted: u32) -> impl Iterator<Item = Result<&'a [u8], MessageError>> {
        Fields::new(message).filter_map(move |field| match field {
            Ok((number, value)) => (number == wanted).then(|| value.bytes()),
            Err(problem) => Some(Err(problem)),
        })
    }

    fn read(&mut self) -> Result<(u32, FieldValue<'a>), MessageError> {
        let tag = read_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number != 0);
        let number = number.ok_or("a field has no valid number")?;
        let value = match tag & 7 {
            0 => FieldValue::Varint(read_varint(&mut self.rest)?),
            1 => FieldValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(read_varint(&mut self.rest)?).unwrap_or(usize::MAX);
                FieldValue::Bytes(self.take(length)?)
            }
            5 => FieldValue::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(format!("a field has the unknown wire type {other}").into()),
        };
        Ok((number, value))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], MessageError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("a field is longer than its message")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or("a field is longer than its message")?;
        self.rest = rest;
        Ok(*taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, FieldValue<'a>), MessageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Returns the content of a field as text.
///
/// # Errors
/// Bytes that are not UTF-8.
pub fn text(content: &[u8]) -> Result<&str, MessageError> {
    std::str::from_utf8(content).map_err(|_| "a text is not UTF-8".into())
}

/// Reads an integer of variable length from the start of `rest`.
///
/// # Errors
/// An integer that does not end, or that has more than 64 bits.
pub fn read_varint(rest: &mut &[u8]) -> Result<u64, MessageError> {
    let mut number = 0_u64;
    for (index, byte) in rest.iter().take(MAX_VARINT_BYTES).enumerate() {
        if index == MAX_VARINT_BYTES - 1 && *byte > 1 {
            break;
        }
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *rest = &rest[index + 1..];
            return Ok(number);
        }
    }
    Err("an integer has no end".into())
}

#[cfg(test)]
#[path = "protobuf_tests.rs"]
mod tests;
