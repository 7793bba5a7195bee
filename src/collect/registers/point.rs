//! One value as registers hold it: which cells, and what they mean. Pure.

use std::fmt;

use super::{Cell, Change, Data, Span, Unit};
use crate::collect::codec::{self, WordOrder};
use crate::collect::value::Value;
use crate::domain::stream::StreamKind;

/// Where a value lies and what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub span: Span,
    kind: StreamKind,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// A cell of one bit; as a number 0 or 1.
    Bit,
    /// A bit of a word, counted after the word order's byte swap.
    BitOfWord(WordOrder, u8),
    Number(WordOrder),
}

/// Why a value of this kind cannot lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    NotANumber,
    PastTheEnd,
}

impl Misfit {
    pub fn of(self, kind: StreamKind, register: impl fmt::Display) -> String {
        match self {
            Misfit::NotANumber => format!("a register holds no value of type {kind}"),
            Misfit::PastTheEnd => format!("{kind} at {register} reaches past the last register"),
        }
    }
}

impl Point {
    /// The value of a kind at a cell, or one bit of the word there.
    pub fn new(cell: Cell, bit: Option<u8>, kind: StreamKind, order: WordOrder) -> Result<Point, Misfit> {
        let words = codec::word_count(kind).ok_or(Misfit::NotANumber)?;
        let (form, len) = match (cell.space.unit(), bit) {
            (Unit::Bit, _) => (Form::Bit, 1),
            (Unit::Word, Some(bit)) => (Form::BitOfWord(order, bit), 1),
            (Unit::Word, None) => (Form::Number(order), words),
        };
        let len = u16::try_from(len).map_err(|_| Misfit::PastTheEnd)?;
        let is_inside = cell.offset.checked_add(len.into()).is_some_and(|end| end <= cell.space.end());
        let span = Span { space: cell.space, start: cell.offset, len };
        is_inside.then_some(Point { span, kind, form }).ok_or(Misfit::PastTheEnd)
    }

    /// The value in what was read of `block`; `None` when the block does not hold the point.
    pub fn decode(&self, block: Span, data: &Data) -> Option<Value> {
        let from = usize::try_from(self.span.start.checked_sub(block.start)?).ok()?;
        match (self.form, data) {
            (Form::Bit, Data::Bits(bits)) => bits.get(from).copied().map(Value::Bit),
            (Form::BitOfWord(order, bit), Data::Words(words)) => {
                let Value::Uint(word) = codec::decode(StreamKind::Uint16, order, words.get(from..)?)? else {
                    return None;
                };
                Some(Value::Bit(word >> bit & 1 == 1))
            }
            (Form::Number(order), Data::Words(words)) => codec::decode(self.kind, order, words.get(from..)?),
            (Form::Bit, Data::Words(_)) | (Form::BitOfWord(..) | Form::Number(..), Data::Bits(_)) => None,
        }
    }

    pub fn kind(&self) -> StreamKind {
        self.kind
    }

    /// Whether it holds nothing but on and off, whatever kind was asked for.
    pub fn is_bit(&self) -> bool {
        self.kind == StreamKind::Bit || matches!(self.form, Form::Bit | Form::BitOfWord(..))
    }

    /// What to write so that it holds `value`; `None` when it cannot hold that. A bit or byte of a word leaves the
    /// rest of the word alone.
    pub fn encode(&self, value: Value) -> Option<Change> {
        let cell = Cell { space: self.span.space, offset: self.span.start };
        let part_of_word = |order, mask: u64, bits: u64| {
            let word = |raw| codec::encode(StreamKind::Uint16, order, Value::Uint(raw))?.first().copied();
            Some(Change::Masked { cell, mask: word(mask)?, bits: word(bits)? })
        };
        match (self.form, self.kind) {
            (Form::Bit, _) => Some(Change::Bits(cell, vec![to_bit(value)? == 1])),
            (Form::BitOfWord(order, bit), _) => part_of_word(order, 1 << bit, to_bit(value)? << bit),
            (Form::Number(order), StreamKind::Bit) => part_of_word(order, 1, to_bit(value)?),
            (Form::Number(order), StreamKind::Byte) => {
                let byte = value.to_integer().and_then(|i| u8::try_from(i).ok())?;
                part_of_word(order, 0xFF, byte.into())
            }
            (Form::Number(order), kind) => Some(Change::Words(cell, codec::encode(kind, order, value)?)),
        }
    }
}

fn to_bit(value: Value) -> Option<u64> {
    value.to_integer().and_then(|i| u64::try_from(i).ok()).filter(|bit| *bit <= 1)
}

#[cfg(test)]
#[path = "point_tests.rs"]
mod tests;
