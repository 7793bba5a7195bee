//! Bytes of cells, in the order of the characters of a text. Pure.

use super::{ByteLayout, CellUnit, RegisterAddress, RegisterWrite};
use crate::collect::codec::WordOrder;

/// The bytes of words, in the order of the characters of a text.
pub fn bytes_of(layout: ByteLayout, words: &[u16]) -> Vec<u8> {
    let to_bytes = match layout {
        ByteLayout::LowFirst => u16::to_le_bytes,
        ByteLayout::HighFirst => u16::to_be_bytes,
    };
    words.iter().copied().flat_map(to_bytes).collect()
}

/// Swaps the bytes of each word where the word order does.
pub fn swap_pairs(order: WordOrder, bytes: &mut [u8]) {
    if order.swaps_bytes() {
        bytes.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    }
}

/// Writes bytes, given in the order of the characters of a text, in the unit of the cell's space.
pub fn whole_bytes(cell: RegisterAddress, order: WordOrder, mut bytes: Vec<u8>) -> RegisterWrite {
    swap_pairs(order, &mut bytes);
    if cell.space.unit != CellUnit::Word {
        return RegisterWrite::Bytes(cell, bytes);
    }
    let to_word = match cell.space.byte_layout {
        ByteLayout::LowFirst => u16::from_le_bytes,
        ByteLayout::HighFirst => u16::from_be_bytes,
    };
    let pairs = bytes.chunks_exact(2).map(|pair| to_word([pair[0], pair[1]]));
    RegisterWrite::Words(cell, pairs.collect())
}
