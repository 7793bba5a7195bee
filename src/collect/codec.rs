//! Conversion between 16-bit words and values: eleven numeric types, four word orders. Pure; addresses and transport
//! belong to the protocols.

use std::str::FromStr;

use half::f16;

use super::numeric_value::NumericValue;
use crate::domain::named_enum::named_enum;
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::{Error, Result};

named_enum! {
    /// Order of a value's bytes in consecutive words; A is the most significant byte of a 32-bit value.
    ///
    /// `Abcd` and `Cdab` leave one-word values untouched, `Badc` and `Dcba` swap their two bytes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum WordOrder {
        /// High word first, high byte first: the order called `big`.
        Abcd = "abcd",
        /// Low word first, bytes within a word as the protocol sends them: the order called `little`.
        Cdab = "cdab",
        /// High word first, bytes of each word swapped.
        Badc = "badc",
        /// Low word first, bytes of each word swapped.
        Dcba = "dcba",
    }
    display;
}

impl WordOrder {
    fn is_high_word_first(self) -> bool {
        matches!(self, WordOrder::Abcd | WordOrder::Badc)
    }

    /// Whether the two bytes of each word are swapped.
    pub fn swaps_bytes(self) -> bool {
        matches!(self, WordOrder::Badc | WordOrder::Dcba)
    }
}

impl From<ByteOrder> for WordOrder {
    fn from(order: ByteOrder) -> Self {
        match order {
            ByteOrder::Little => WordOrder::Cdab,
            ByteOrder::Big => WordOrder::Abcd,
        }
    }
}

impl FromStr for WordOrder {
    type Err = Error;

    /// Parses a name in either case; manuals print it as `CDAB`.
    fn from_str(text: &str) -> Result<Self> {
        WordOrder::ALL.into_iter().find(|order| order.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::field("wordorder", format!("\"{text}\" is not one of abcd, cdab, badc, dcba."))
        })
    }
}

/// Number of words that a value of this kind fills; `None` for kinds that are not numbers.
pub fn word_count(kind: StreamKind) -> Option<usize> {
    match kind {
        StreamKind::Bit | StreamKind::Byte | StreamKind::Int16 | StreamKind::Uint16 | StreamKind::Fp16 => {
            Some(1)
        }
        StreamKind::Int32 | StreamKind::Uint32 | StreamKind::Fp32 => Some(2),
        StreamKind::Int64 | StreamKind::Uint64 | StreamKind::Fp64 => Some(4),
        StreamKind::Text | StreamKind::Json | StreamKind::Location | StreamKind::Enum => None,
    }
}

/// Decodes one value from the first words of `words`. A bit is bit 0 of its word, a byte the low half. Returns `None`
/// when the kind is not a number or there are too few words.
pub fn decode(kind: StreamKind, order: WordOrder, words: &[u16]) -> Option<NumericValue> {
    let raw = join(order, words.get(..word_count(kind)?)?);
    // The casts truncate `raw` to the width that `join` has filled.
    match kind {
        StreamKind::Bit => Some(NumericValue::Bit(raw & 1 == 1)),
        StreamKind::Byte => Some(NumericValue::Uint(raw & 0xFF)),
        StreamKind::Uint16 | StreamKind::Uint32 | StreamKind::Uint64 => Some(NumericValue::Uint(raw)),
        StreamKind::Int16 => Some(NumericValue::Int(i64::from(raw as u16 as i16))),
        StreamKind::Int32 => Some(NumericValue::Int(i64::from(raw as u32 as i32))),
        StreamKind::Int64 => Some(NumericValue::Int(raw as i64)),
        StreamKind::Fp16 => Some(NumericValue::Float(f64::from(f16::from_bits(raw as u16)))),
        StreamKind::Fp32 => Some(NumericValue::Float(f64::from(f32::from_bits(raw as u32)))),
        StreamKind::Fp64 => Some(NumericValue::Float(f64::from_bits(raw))),
        StreamKind::Text | StreamKind::Json | StreamKind::Location | StreamKind::Enum => None,
    }
}

/// Encodes a value as words. Returns `None` when the kind is not a number, an integer is outside the type's range or
/// has a fraction, or a finite number would become infinite.
pub fn encode(kind: StreamKind, order: WordOrder, value: NumericValue) -> Option<Vec<u16>> {
    let raw = match kind {
        StreamKind::Bit => in_range(value, 0, 1)?,
        StreamKind::Byte => in_range(value, 0, i128::from(u8::MAX))?,
        StreamKind::Uint16 => in_range(value, 0, i128::from(u16::MAX))?,
        StreamKind::Uint32 => in_range(value, 0, i128::from(u32::MAX))?,
        StreamKind::Uint64 => in_range(value, 0, i128::from(u64::MAX))?,
        StreamKind::Int16 => in_range(value, i128::from(i16::MIN), i128::from(i16::MAX))?,
        StreamKind::Int32 => in_range(value, i128::from(i32::MIN), i128::from(i32::MAX))?,
        StreamKind::Int64 => in_range(value, i128::from(i64::MIN), i128::from(i64::MAX))?,
        StreamKind::Fp16 => {
            let half = f16::from_f64(value.to_f64());
            (half.is_infinite() == value.to_f64().is_infinite()).then(|| u64::from(half.to_bits()))?
        }
        StreamKind::Fp32 => {
            let single = value.to_f64() as f32;
            (single.is_infinite() == value.to_f64().is_infinite()).then(|| u64::from(single.to_bits()))?
        }
        StreamKind::Fp64 => value.to_f64().to_bits(),
        StreamKind::Text | StreamKind::Json | StreamKind::Location | StreamKind::Enum => return None,
    };
    Some(split(order, raw, word_count(kind)?))
}

/// Two's complement of an integer within `low..=high`.
fn in_range(value: NumericValue, low: i128, high: i128) -> Option<u64> {
    value.to_integer().filter(|i| (low..=high).contains(i)).map(|i| i as u64)
}

/// The unsigned integer in words, at most four.
pub fn join(order: WordOrder, words: &[u16]) -> u64 {
    let push = |raw: u64, word: &u16| {
        let word = if order.swaps_bytes() { word.swap_bytes() } else { *word };
        raw << 16 | u64::from(word)
    };
    if order.is_high_word_first() { words.iter().fold(0, push) } else { words.iter().rev().fold(0, push) }
}

/// The low bits of an integer as so many words.
pub fn split(order: WordOrder, raw: u64, count: usize) -> Vec<u16> {
    let mut words: Vec<u16> = (0..count).map(|i| (raw >> (16 * i)) as u16).collect();
    if order.is_high_word_first() {
        words.reverse();
    }
    if order.swaps_bytes() {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
    words
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
