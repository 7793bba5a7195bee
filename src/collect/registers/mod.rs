//! What protocols of numbered registers share: where a value lies, which reads fetch many values at once, and the
//! collector's way to such a device. Grammar, frames and limits are the protocols' own.

pub mod plan;
pub mod point;

pub(super) mod link;

mod relearn;

use crate::collect::{fenet, melsec, modbus};

/// One address space of a device: cells of one unit, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    Modbus(modbus::address::Space),
    Melsec(melsec::device::Device),
    Fenet(fenet::address::Space),
}

/// What one cell of a space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bit,
    Byte,
    /// 16 bits.
    Word,
    /// So many words, read and written as a whole.
    Wide(u8),
}

impl Space {
    pub fn unit(self) -> Unit {
        match self {
            Space::Modbus(space) if space.is_bits() => Unit::Bit,
            Space::Modbus(_) => Unit::Word,
            Space::Melsec(device) => device.unit(),
            Space::Fenet(space) => space.unit(),
        }
    }

    /// One past the last cell that any device can have; far below `u32::MAX`.
    pub fn end(self) -> u32 {
        match self {
            Space::Modbus(_) => modbus::SPACE_END,
            Space::Melsec(_) => melsec::SPACE_END,
            Space::Fenet(space) => space.end(),
        }
    }

    /// The most cells that one request may read.
    pub fn max_len(self) -> u16 {
        match self {
            Space::Modbus(space) if space.is_bits() => modbus::MAX_READ_BITS,
            Space::Modbus(_) => modbus::MAX_READ_WORDS,
            Space::Melsec(device) => match device.unit() {
                Unit::Bit => melsec::MAX_BITS,
                Unit::Byte | Unit::Word => melsec::MAX_WORDS,
                Unit::Wide(_) => 1,
            },
            Space::Fenet(space) => space.max_len(),
        }
    }

    /// The most cells that one request may read when they lie apart; 0 where it cannot.
    pub fn max_scattered(self) -> u16 {
        match self {
            Space::Modbus(_) => 0,
            Space::Melsec(device) => match device.unit() {
                Unit::Word => melsec::MAX_SCATTERED,
                Unit::Bit | Unit::Byte | Unit::Wide(_) => 0,
            },
            Space::Fenet(space) => space.max_scattered(),
        }
    }

    /// The widest gap that is read over unless the device's owner says otherwise, in words.
    pub fn default_gap(self) -> u16 {
        match self {
            Space::Modbus(_) => modbus::DEFAULT_GAP,
            // Memory of these CPUs has no holes below its end.
            Space::Melsec(_) | Space::Fenet(_) => 32,
        }
    }

    /// Whether a number of 16 bits and more can lie in a run of bits.
    pub fn packs_numbers(self) -> bool {
        matches!(self, Space::Melsec(_))
    }

    /// Some spaces are the device's own.
    pub fn is_writable(self) -> bool {
        match self {
            Space::Modbus(space) => space.is_writable(),
            // Inputs can be written while nothing is wired to them; the CPU decides.
            Space::Melsec(_) => true,
            Space::Fenet(space) => space.is_writable(),
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    pub space: Space,
    pub offset: u32,
}

/// Consecutive cells of one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub space: Space,
    pub start: u32,
    /// At least 1; `end` is at most the space's.
    pub len: u16,
}

impl Span {
    /// The cell after the last.
    pub fn end(self) -> u32 {
        self.start + u32::from(self.len)
    }

    pub fn first(self) -> Cell {
        Cell { space: self.space, offset: self.start }
    }

    fn overlaps(self, other: Span) -> bool {
        self.space == other.space && self.start < other.end() && other.start < self.end()
    }
}

/// What a read brought: the cells of a span. A wide cell is its words, the low one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    Words(Vec<u16>),
    /// Of a word the low byte first.
    Bytes(Vec<u8>),
    Bits(Vec<bool>),
}

/// What a write changes, all of it in one request: a value is never torn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Consecutive bits from a cell of a space of bits.
    Bits(Cell, Vec<bool>),
    /// Consecutive words from a cell of a space of words, or the words of one wide cell.
    Words(Cell, Vec<u16>),
    /// Consecutive bytes from a cell of a space of bytes.
    Bytes(Cell, Vec<u8>),
    /// Of one word the bits of `mask`; the others stay.
    Masked { cell: Cell, mask: u16, bits: u16 },
}

impl Change {
    /// The cells that it changes, each with the bits of it that it changes; a wide cell counts as a whole, and a named bit
    /// of an area of bytes as that bit of its byte. What has several names is thereby the same under all of them.
    pub fn touched(&self) -> Vec<(Cell, u16)> {
        let run = |cell: Cell, count: usize, bits: u16| -> Vec<(Cell, u16)> {
            (cell.offset..).take(count).map(|offset| (Cell { offset, ..cell }, bits)).collect()
        };
        match self {
            Change::Bits(cell, on) => {
                run(*cell, on.len(), 1).into_iter().map(|(cell, _)| bit_at(cell)).collect()
            }
            Change::Bytes(cell, bytes) => run(*cell, bytes.len(), 0xFF),
            Change::Words(cell, words) => match cell.space.unit() {
                Unit::Wide(width) => run(*cell, words.len() / usize::from(width), u16::MAX),
                Unit::Bit | Unit::Byte | Unit::Word => run(*cell, words.len(), u16::MAX),
            },
            Change::Masked { cell, mask, .. } if cell.space.unit() == Unit::Byte => {
                let high = Cell { offset: cell.offset + 1, ..*cell };
                vec![(*cell, mask & 0xFF), (high, mask >> 8)]
            }
            Change::Masked { cell, mask, .. } => vec![(*cell, *mask)],
        }
    }
}

/// A cell of one bit, where it lies.
fn bit_at(cell: Cell) -> (Cell, u16) {
    match cell.space {
        Space::Fenet(fenet::address::Space::Bits(area)) => {
            let space = Space::Fenet(fenet::address::Space::Bytes(area));
            (Cell { space, offset: cell.offset / 8 }, 1 << (cell.offset % 8))
        }
        Space::Fenet(_) | Space::Modbus(_) | Space::Melsec(_) => (cell, 1),
    }
}
