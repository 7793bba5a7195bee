//! Memory areas of an S7 CPU and the address spaces they make. Pure.

use crate::collect::registers::{ByteLayout, CellUnit, RegisterSpace, ScatteredReads, SpaceId};
use crate::domain::device::Protocol;

/// Absolute addresses have 16 bits, whatever the area.
pub const AREA_END: u32 = 1 << 16;
/// Bytes of one range, so that its answer fits into the smallest PDU: 240 bytes less 14 of header and 4 of the item.
const MAX_BYTES: u16 = 222;
/// Bytes of one write, so that its request fits into the smallest PDU: 240 bytes less 24 of header and item and 4 of the
/// data's header.
const MAX_WRITE_BYTES: u16 = 212;
/// Items of one Read Var (System Software for S7-300/400, SFB 14 and the S7 communication of CPUs: at most 20).
pub const MAX_ITEMS: u16 = 20;
/// Bytes of 20 ranges, so that their answer fits into the largest PDU: 960 bytes less 14 of header, 20 items of 4 bytes and
/// a fill byte each.
const MAX_SCATTERED_BYTES: u16 = 846;
/// In words. To read over 16 bytes takes as much as the item of another range.
const DEFAULT_GAP: u16 = 8;

/// A memory area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum S7Area {
    /// The process image of the inputs.
    Inputs,
    /// The process image of the outputs.
    Outputs,
    /// The inputs as their modules have them, past the process image; only bytes, words and double words, which are read.
    Peripheral,
    /// Bit memory (M).
    Memory,
    /// A data block, whose number is not 0.
    DataBlock(u16),
    Timers,
    Counters,
}

impl S7Area {
    /// Number of the area on the wire.
    pub fn code(self) -> u8 {
        match self {
            S7Area::Peripheral => 0x80,
            S7Area::Inputs => 0x81,
            S7Area::Outputs => 0x82,
            S7Area::Memory => 0x83,
            S7Area::DataBlock(_) => 0x84,
            S7Area::Counters => 0x1C,
            S7Area::Timers => 0x1D,
        }
    }

    /// Number of the data block; 0 in the other areas.
    pub fn block(self) -> u16 {
        match self {
            S7Area::DataBlock(number) => number,
            _ => 0,
        }
    }

    /// Whether the area has numbered words in place of bytes.
    pub fn has_words(self) -> bool {
        matches!(self, S7Area::Timers | S7Area::Counters)
    }

    /// Bytes of one cell.
    pub fn cell_bytes(self) -> u16 {
        if self.has_words() { 2 } else { 1 }
    }

    /// Returns the area that `space` was made from; `None` for a space of another protocol.
    pub fn from_register_space(space: RegisterSpace) -> Option<S7Area> {
        if space.id.protocol != Protocol::S7 {
            return None;
        }
        let block = u16::try_from(space.id.number & 0xFFFF).ok()?;
        let areas = [
            S7Area::Inputs,
            S7Area::Outputs,
            S7Area::Peripheral,
            S7Area::Memory,
            S7Area::DataBlock(block),
            S7Area::Timers,
            S7Area::Counters,
        ];
        areas.into_iter().find(|area| area.number() == space.id.number)
    }

    /// Number of the space among all of S7: code, then number of the block.
    fn number(self) -> u32 {
        u32::from(self.code()) << 16 | u32::from(self.block())
    }
}

impl From<S7Area> for RegisterSpace {
    fn from(area: S7Area) -> RegisterSpace {
        RegisterSpace {
            id: SpaceId { protocol: Protocol::S7, number: area.number() },
            unit: if area.has_words() { CellUnit::Word } else { CellUnit::Byte },
            end: AREA_END,
            max_len: MAX_BYTES / area.cell_bytes(),
            max_write_len: MAX_WRITE_BYTES / area.cell_bytes(),
            scattered: ScatteredReads::Ranges { max_ranges: MAX_ITEMS, max_bytes: MAX_SCATTERED_BYTES },
            default_gap: DEFAULT_GAP,
            packs_numbers: false,
            has_separate_cells: area.has_words(),
            // The program of the CPU owns timers and counters. It also sets the inputs anew in every cycle, but until
            // then they keep what is written, which tests of programs use.
            is_writable: !area.has_words() && area != S7Area::Peripheral,
            byte_space: None,
            byte_layout: ByteLayout::HighFirst,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_found_by_its_space() {
        for area in [
            S7Area::Inputs,
            S7Area::Outputs,
            S7Area::Peripheral,
            S7Area::Memory,
            S7Area::DataBlock(1),
            S7Area::DataBlock(u16::MAX),
            S7Area::Timers,
            S7Area::Counters,
        ] {
            let space = RegisterSpace::from(area);
            assert_eq!(S7Area::from_register_space(space), Some(area));
            let foreign = RegisterSpace { id: SpaceId { protocol: Protocol::Melsec, ..space.id }, ..space };
            assert_eq!(S7Area::from_register_space(foreign), None);
        }
    }
}
