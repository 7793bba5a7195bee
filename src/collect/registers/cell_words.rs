//! Words of cells, whatever the unit of their space. Pure.

use super::{ByteLayout, CellUnit, RegisterAddress, RegisterData, RegisterWrite};

/// Returns `count` words, at most four, from cell `from` of the data; the rest is 0.
pub fn words_at(layout: ByteLayout, data: &RegisterData, from: usize, count: usize) -> Option<[u16; 4]> {
    let mut words = [0; 4];
    for (index, word) in words.iter_mut().enumerate().take(count) {
        *word = match data {
            RegisterData::Words(all) => *all.get(from + index)?,
            RegisterData::Bytes(all) => {
                let at = from + 2 * index;
                let pair = [*all.get(at)?, *all.get(at + 1)?];
                match layout {
                    ByteLayout::LowFirst => u16::from_le_bytes(pair),
                    ByteLayout::HighFirst => u16::from_be_bytes(pair),
                }
            }
            RegisterData::Bits(all) => {
                let at = from + 16 * index;
                let bits = all.get(at..at + 16)?;
                bits.iter().rev().fold(0, |word, on| word << 1 | u16::from(*on))
            }
        };
    }
    Some(words)
}

/// Writes words in the unit of the cell's space.
pub fn whole(cell: RegisterAddress, words: Vec<u16>) -> RegisterWrite {
    match cell.space.unit {
        CellUnit::Bit => {
            let bits = words.iter().flat_map(|word| (0..16).map(move |bit| word >> bit & 1 == 1));
            RegisterWrite::Bits(cell, bits.collect())
        }
        CellUnit::Byte => {
            let to_bytes = match cell.space.byte_layout {
                ByteLayout::LowFirst => u16::to_le_bytes,
                ByteLayout::HighFirst => u16::to_be_bytes,
            };
            RegisterWrite::Bytes(cell, words.into_iter().flat_map(to_bytes).collect())
        }
        CellUnit::Word | CellUnit::Wide(_) => RegisterWrite::Words(cell, words),
    }
}
