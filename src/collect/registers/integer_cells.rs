//! Integers of three or six bytes in cells. Pure.

use super::cell_words::{whole, words_at};
use super::{ByteLayout, CellUnit, RegisterAddress, RegisterData, RegisterSpace, RegisterWrite};
use crate::collect::codec::{self, WordOrder};

/// Place and order of an integer's bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntegerCells {
    order: WordOrder,
    bytes: u8,
    is_packed: bool,
}

impl IntegerCells {
    /// An integer of so many bytes in a space, one to eight.
    pub fn new(space: RegisterSpace, order: WordOrder, bytes: u8) -> IntegerCells {
        let has_bytes = space.unit == CellUnit::Byte && space.byte_layout == ByteLayout::HighFirst;
        IntegerCells { order, bytes, is_packed: has_bytes && !bytes.is_multiple_of(2) }
    }

    /// Whether it takes an odd number of bytes, the high one first, and no whole words.
    pub fn is_packed(self) -> bool {
        self.is_packed
    }

    /// Number of words that it takes where it takes whole words.
    pub fn words(self) -> usize {
        usize::from(self.bytes.div_ceil(2))
    }

    /// Returns the unsigned integer from cell `from` of the data. What is above it in its words is left out.
    pub fn decode(self, layout: ByteLayout, data: &RegisterData, from: usize) -> Option<u64> {
        if self.is_packed {
            let RegisterData::Bytes(all) = data else { return None };
            let bytes = all.get(from..from + usize::from(self.bytes))?;
            return Some(bytes.iter().fold(0, |raw, byte| raw << 8 | u64::from(*byte)));
        }
        let words = words_at(layout, data, from, self.words())?;
        let raw = codec::join(self.order, words.get(..self.words())?);
        Some(raw & u64::MAX >> (64 - 8 * u32::from(self.bytes)))
    }

    /// Writes an integer, given as two's complement of 64 bits: what is above it in its words becomes its sign, or 0.
    pub fn encode(self, cell: RegisterAddress, raw: u64) -> RegisterWrite {
        if self.is_packed {
            let unused = 8 - usize::from(self.bytes);
            return RegisterWrite::Bytes(cell, raw.to_be_bytes()[unused..].to_vec());
        }
        whole(cell, codec::split(self.order, raw, self.words()))
    }
}
