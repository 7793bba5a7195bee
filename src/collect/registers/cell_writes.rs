//! Writes of bits of a word, and of all cells of a range. Pure.

use super::{CellUnit, RegisterAddress, RegisterRange, RegisterWrite};
use crate::collect::codec::{self, WordOrder};
use crate::collect::numeric_value::NumericValue;
use crate::domain::stream::StreamKind;

/// Writes the consecutive bits of a mask in one word, both given before the word order's byte swap.
pub fn part(cell: RegisterAddress, order: WordOrder, mask: u64, bits: u64) -> Option<RegisterWrite> {
    let word = |raw| codec::encode(StreamKind::Uint16, order, NumericValue::Uint(raw))?.first().copied();
    let (mask, bits) = (word(mask)?, word(bits)?);
    if cell.space.unit != CellUnit::Bit {
        return Some(RegisterWrite::Masked { cell, mask, bits });
    }
    let first = mask.trailing_zeros();
    let on = (first..first + mask.count_ones()).map(|bit| bits >> bit & 1 == 1);
    Some(RegisterWrite::Bits(RegisterAddress { offset: cell.offset + first, ..cell }, on.collect()))
}

/// A write of every cell of a range.
pub fn all_cells(span: RegisterRange) -> RegisterWrite {
    let (first, cells) = (span.first(), usize::from(span.len));
    match span.space.unit {
        CellUnit::Bit => RegisterWrite::Bits(first, vec![false; cells]),
        CellUnit::Byte => RegisterWrite::Bytes(first, vec![0; cells]),
        CellUnit::Word => RegisterWrite::Words(first, vec![0; cells]),
        CellUnit::Wide(width) => RegisterWrite::Words(first, vec![0; cells * usize::from(width)]),
    }
}
