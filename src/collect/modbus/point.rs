//! One stream as Modbus sees it: which registers hold its value and how they are read.

use super::address::Address;
use super::client::{Change, Data};
use super::plan::Span;
use crate::collect::codec::{self, WordOrder};
use crate::collect::value::Value;
use crate::domain::StreamId;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{StreamKind, StreamSpec};

/// Where a value lies and what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub span: Span,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// A coil or discrete input; as a number 0 or 1.
    Bit,
    /// A bit of a register, counted after the word order's byte swap.
    BitOfWord(WordOrder, u8),
    Number(StreamKind, WordOrder),
}

impl Point {
    /// The error says what is wrong with the address or with kind and address together.
    pub fn new(address: Address, kind: StreamKind, order: WordOrder) -> Result<Point, String> {
        let words =
            codec::word_count(kind).ok_or_else(|| format!("a register holds no value of type {kind}"))?;
        let (form, len) = match address.bit {
            _ if address.space.is_bits() => (Form::Bit, 1),
            Some(bit) => (Form::BitOfWord(order, bit), 1),
            None => (Form::Number(kind, order), words),
        };
        let len = u16::try_from(len).map_err(|_| format!("{kind} is too wide"))?;
        let span = Span { space: address.space, start: address.offset, len };
        if span.end() > 1 << 16 {
            return Err(format!("{kind} at {address} reaches past the last register"));
        }
        Ok(Point { span, form })
    }

    /// A stream's point: its own byte order, else its device's; `metadata.wordorder` before both.
    pub fn of(device: &DeviceSpec, stream: &StreamSpec) -> Result<Point, String> {
        let address: Address =
            stream.path.parse().map_err(|error: super::address::InvalidAddress| error.to_string())?;
        let order = match stream.metadata.get("wordorder").filter(|setting| !setting.is_null()) {
            None => stream.byteorder.unwrap_or(device.byteorder).into(),
            Some(setting) => {
                let name = setting.as_str().ok_or_else(|| format!("wordorder {setting} is not a text"))?;
                name.parse().map_err(|error: crate::domain::Error| error.to_string())?
            }
        };
        Point::new(address, stream.kind, order)
    }

    /// The value in what was read of `block`; `None` when the block does not hold the point.
    pub fn decode(&self, block: Span, data: &Data) -> Option<Value> {
        let from = usize::from(self.span.start.checked_sub(block.start)?);
        match (self.form, data) {
            (Form::Bit, Data::Bits(bits)) => bits.get(from).copied().map(Value::Bit),
            (Form::BitOfWord(order, bit), Data::Words(words)) => {
                let Value::Uint(word) = codec::decode(StreamKind::Uint16, order, words.get(from..)?)? else {
                    return None;
                };
                Some(Value::Bit(word >> bit & 1 == 1))
            }
            (Form::Number(kind, order), Data::Words(words)) => codec::decode(kind, order, words.get(from..)?),
            (Form::Bit, Data::Words(_)) | (Form::BitOfWord(..) | Form::Number(..), Data::Bits(_)) => None,
        }
    }

    /// Whether it holds nothing but on and off, whatever kind was asked for.
    pub fn is_bit(&self) -> bool {
        matches!(self.form, Form::Bit | Form::BitOfWord(..) | Form::Number(StreamKind::Bit, _))
    }

    /// What to write so that it holds `value`; `None` when it cannot hold that. A bit or byte of a register leaves
    /// the rest of the register alone.
    pub fn encode(&self, value: Value) -> Option<Change> {
        let register = self.span.start;
        let part_of_word = |order, mask: u64, bits: u64| {
            let word = |raw| codec::encode(StreamKind::Uint16, order, Value::Uint(raw))?.first().copied();
            Some(Change::Bits { register, mask: word(mask)?, bits: word(bits)? })
        };
        match self.form {
            Form::Bit => Some(Change::Coil(register, to_bit(value)? == 1)),
            Form::BitOfWord(order, bit) => part_of_word(order, 1 << bit, to_bit(value)? << bit),
            Form::Number(StreamKind::Bit, order) => part_of_word(order, 1, to_bit(value)?),
            Form::Number(StreamKind::Byte, order) => {
                let byte = value.to_integer().and_then(|i| u8::try_from(i).ok())?;
                part_of_word(order, 0xFF, byte.into())
            }
            Form::Number(kind, order) => Some(Change::Words(register, codec::encode(kind, order, value)?)),
        }
    }
}

fn to_bit(value: Value) -> Option<u64> {
    value.to_integer().and_then(|i| u64::try_from(i).ok()).filter(|bit| *bit <= 1)
}

/// A stream and its point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    pub stream: StreamId,
    pub point: Point,
}

#[cfg(test)]
#[path = "point_tests.rs"]
mod tests;
