//! One value as registers hold it: which cells, and what they mean. Pure.

use std::fmt;

use super::{Cell, Change, Data, Space, Span, Unit};
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
    /// A cell of one byte.
    Byte,
    /// In words, or in as many bytes or bits.
    Number(WordOrder),
}

/// Why a value of this kind cannot lie there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    NotANumber,
    PastTheEnd,
    /// The cells there are of another width.
    OtherWidth,
}

impl Misfit {
    pub fn of(self, kind: StreamKind, register: impl fmt::Display) -> String {
        match self {
            Misfit::NotANumber => format!("a register holds no value of type {kind}"),
            Misfit::PastTheEnd => format!("{kind} at {register} reaches past the last register"),
            Misfit::OtherWidth => format!("{register} has another width than {kind}"),
        }
    }
}

impl Point {
    /// The value of a kind at a cell, or one bit of the word there.
    pub fn new(cell: Cell, bit: Option<u8>, kind: StreamKind, order: WordOrder) -> Result<Point, Misfit> {
        let words = codec::word_count(kind).ok_or(Misfit::NotANumber)?;
        let (form, len) = layout(cell.space, bit, kind, words, order)?;
        let len =
            u16::try_from(len).ok().filter(|len| *len <= cell.space.max_len()).ok_or(Misfit::OtherWidth)?;
        let is_inside = cell.offset.checked_add(len.into()).is_some_and(|end| end <= cell.space.end());
        let span = Span { space: cell.space, start: cell.offset, len };
        is_inside.then_some(Point { span, kind, form }).ok_or(Misfit::PastTheEnd)
    }

    /// The value in what was read of `block`; `None` when the block does not hold the point.
    pub fn decode(&self, block: Span, data: &Data) -> Option<Value> {
        let from = usize::try_from(self.span.start.checked_sub(block.start)?).ok()?;
        match (self.form, data) {
            (Form::Bit, Data::Bits(bits)) => bits.get(from).copied().map(Value::Bit),
            (Form::Bit, Data::Words(_) | Data::Bytes(_)) => None,
            (Form::BitOfWord(order, bit), _) => {
                let [word, ..] = words_at(data, from, 1)?;
                let Value::Uint(word) = codec::decode(StreamKind::Uint16, order, &[word])? else {
                    return None;
                };
                Some(Value::Bit(word >> bit & 1 == 1))
            }
            (Form::Byte, Data::Bytes(bytes)) => bytes.get(from).map(|byte| Value::Uint((*byte).into())),
            (Form::Byte, Data::Words(_) | Data::Bits(_)) => None,
            (Form::Number(order), _) => {
                let count = codec::word_count(self.kind)?;
                codec::decode(self.kind, order, words_at(data, from, count)?.get(..count)?)
            }
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
        let cell = self.span.first();
        match (self.form, self.kind) {
            (Form::Bit, _) => Some(Change::Bits(cell, vec![to_bit(value)? == 1])),
            (Form::Byte, _) => Some(Change::Bytes(cell, vec![to_byte(value)?])),
            (Form::BitOfWord(order, bit), _) => part(cell, order, 1 << bit, to_bit(value)? << bit),
            (Form::Number(order), StreamKind::Bit) => part(cell, order, 1, to_bit(value)?),
            (Form::Number(order), StreamKind::Byte) => part(cell, order, 0xFF, to_byte(value)?.into()),
            (Form::Number(order), kind) => Some(whole(cell, codec::encode(kind, order, value)?)),
        }
    }
}

/// How a value lies at a cell of a space, and how many cells it takes.
fn layout(
    space: Space,
    bit: Option<u8>,
    kind: StreamKind,
    words: usize,
    order: WordOrder,
) -> Result<(Form, usize), Misfit> {
    match (space.unit(), bit) {
        (Unit::Bit, None) if space.packs_numbers() && kind != StreamKind::Bit => {
            Ok((Form::Number(order), words * 16))
        }
        (Unit::Bit, _) => Ok((Form::Bit, 1)),
        (Unit::Word, Some(bit)) => Ok((Form::BitOfWord(order, bit), 1)),
        (Unit::Word, None) => Ok((Form::Number(order), words)),
        (Unit::Byte, Some(bit)) => Ok((Form::BitOfWord(order, bit), 2)),
        (Unit::Byte, None) if kind == StreamKind::Byte => Ok((Form::Byte, 1)),
        (Unit::Byte, None) => Ok((Form::Number(order), words * 2)),
        (Unit::Wide(width), None) if words == usize::from(width) => Ok((Form::Number(order), 1)),
        (Unit::Wide(_), _) => Err(Misfit::OtherWidth),
    }
}

/// The `count` words from a cell of what was read, at most four; the rest is 0.
fn words_at(data: &Data, from: usize, count: usize) -> Option<[u16; 4]> {
    let mut words = [0; 4];
    for (index, word) in words.iter_mut().enumerate().take(count) {
        *word = match data {
            Data::Words(all) => *all.get(from + index)?,
            Data::Bytes(all) => {
                let at = from + 2 * index;
                u16::from_le_bytes([*all.get(at)?, *all.get(at + 1)?])
            }
            Data::Bits(all) => {
                let at = from + 16 * index;
                let bits = all.get(at..at + 16)?;
                bits.iter().rev().fold(0, |word, on| word << 1 | u16::from(*on))
            }
        };
    }
    Some(words)
}

/// Words as the cells of their space.
fn whole(cell: Cell, words: Vec<u16>) -> Change {
    match cell.space.unit() {
        Unit::Bit => {
            let bits = words.iter().flat_map(|word| (0..16).map(move |bit| word >> bit & 1 == 1));
            Change::Bits(cell, bits.collect())
        }
        Unit::Byte => Change::Bytes(cell, words.into_iter().flat_map(u16::to_le_bytes).collect()),
        Unit::Word | Unit::Wide(_) => Change::Words(cell, words),
    }
}

/// Of a word the consecutive bits of a mask, both before the word order's byte swap.
fn part(cell: Cell, order: WordOrder, mask: u64, bits: u64) -> Option<Change> {
    let word = |raw| codec::encode(StreamKind::Uint16, order, Value::Uint(raw))?.first().copied();
    let (mask, bits) = (word(mask)?, word(bits)?);
    if cell.space.unit() != Unit::Bit {
        return Some(Change::Masked { cell, mask, bits });
    }
    let first = mask.trailing_zeros();
    let on = (first..first + mask.count_ones()).map(|bit| bits >> bit & 1 == 1);
    Some(Change::Bits(Cell { offset: cell.offset + first, ..cell }, on.collect()))
}

fn to_byte(value: Value) -> Option<u8> {
    value.to_integer().and_then(|i| u8::try_from(i).ok())
}

fn to_bit(value: Value) -> Option<u64> {
    value.to_integer().and_then(|i| u64::try_from(i).ok()).filter(|bit| *bit <= 1)
}

#[cfg(test)]
#[path = "point_tests.rs"]
mod tests;
