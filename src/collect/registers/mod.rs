//! What protocols of numbered registers share: where a value lies, which reads fetch many values at once, and the
//! collector's way to such a device. Grammar, frames and limits are the protocols' own.

pub mod plan;
pub mod point;

pub(super) mod link;

use crate::collect::modbus;

/// One address space of a device: cells of one unit, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    Modbus(modbus::address::Space),
}

/// What one cell of a space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bit,
    /// 16 bits.
    Word,
}

impl Space {
    pub fn unit(self) -> Unit {
        match self {
            Space::Modbus(space) if space.is_bits() => Unit::Bit,
            Space::Modbus(_) => Unit::Word,
        }
    }

    /// One past the last cell that any device can have; far below `u32::MAX`.
    pub fn end(self) -> u32 {
        match self {
            Space::Modbus(_) => modbus::SPACE_END,
        }
    }

    /// The most cells that one request may read.
    pub fn max_len(self) -> u16 {
        match self {
            Space::Modbus(space) if space.is_bits() => modbus::MAX_READ_BITS,
            Space::Modbus(_) => modbus::MAX_READ_WORDS,
        }
    }

    /// Some spaces are the device's own.
    pub fn is_writable(self) -> bool {
        match self {
            Space::Modbus(space) => space.is_writable(),
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

    fn overlaps(self, other: Span) -> bool {
        self.space == other.space && self.start < other.end() && other.start < self.end()
    }
}

/// What a read brought: the cells of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    Words(Vec<u16>),
    Bits(Vec<bool>),
}

/// What a write changes, all of it in one request: a value is never torn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Consecutive bits from a cell of a space of bits.
    Bits(Cell, Vec<bool>),
    /// Consecutive words from a cell of a space of words.
    Words(Cell, Vec<u16>),
    /// Of one word the bits of `mask`; the others stay.
    Masked { cell: Cell, mask: u16, bits: u16 },
}
