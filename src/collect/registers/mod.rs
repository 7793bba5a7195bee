//! Shared by protocols with numbered registers: addresses of values, planning of reads that fetch many values at
//! once, and the polling source. Address grammar, frames and limits belong to the protocols.

pub mod plan;
pub mod point;

pub(super) mod source;

mod learned_expiry;

use crate::collect::{fenet, melsec, modbus};

/// One address space of a device: cells of one unit, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterSpace {
    Modbus(modbus::address::ModbusSpace),
    Melsec(melsec::device::MelsecDevice),
    Fenet(fenet::address::FenetSpace),
}

/// Size of one cell of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellUnit {
    Bit,
    Byte,
    /// 16 bits.
    Word,
    /// Cells of this many words, each read and written as a whole.
    Wide(u8),
}

impl RegisterSpace {
    pub fn unit(self) -> CellUnit {
        match self {
            RegisterSpace::Modbus(space) if space.is_bits() => CellUnit::Bit,
            RegisterSpace::Modbus(_) => CellUnit::Word,
            RegisterSpace::Melsec(device) => device.unit(),
            RegisterSpace::Fenet(space) => space.unit(),
        }
    }

    /// One past the last cell that any device can have; far below `u32::MAX`.
    pub fn end(self) -> u32 {
        match self {
            RegisterSpace::Modbus(_) => modbus::SPACE_END,
            RegisterSpace::Melsec(_) => melsec::SPACE_END,
            RegisterSpace::Fenet(space) => space.end(),
        }
    }

    /// The most cells that one request may read.
    pub fn max_len(self) -> u16 {
        match self {
            RegisterSpace::Modbus(space) if space.is_bits() => modbus::MAX_READ_BITS,
            RegisterSpace::Modbus(_) => modbus::MAX_READ_WORDS,
            RegisterSpace::Melsec(device) => match device.unit() {
                CellUnit::Bit => melsec::MAX_BITS,
                CellUnit::Byte | CellUnit::Word => melsec::MAX_WORDS,
                CellUnit::Wide(_) => 1,
            },
            RegisterSpace::Fenet(space) => space.max_len(),
        }
    }

    /// The most cells in separate spans that one request may read; 0 where the protocol has no such request.
    pub fn max_scattered(self) -> u16 {
        match self {
            RegisterSpace::Modbus(_) => 0,
            RegisterSpace::Melsec(device) => match device.unit() {
                CellUnit::Word => melsec::MAX_SCATTERED,
                CellUnit::Bit | CellUnit::Byte | CellUnit::Wide(_) => 0,
            },
            RegisterSpace::Fenet(space) => space.max_scattered(),
        }
    }

    /// The widest gap in words that is read over unless the device's owner sets another.
    pub fn default_gap(self) -> u16 {
        match self {
            RegisterSpace::Modbus(_) => modbus::DEFAULT_GAP,
            // The memory of these CPUs has no holes below its end.
            RegisterSpace::Melsec(_) | RegisterSpace::Fenet(_) => 32,
        }
    }

    /// Whether a number of 16 bits or more can be stored in a run of bits.
    pub fn packs_numbers(self) -> bool {
        matches!(self, RegisterSpace::Melsec(_))
    }

    /// Whether the space can be written.
    pub fn is_writable(self) -> bool {
        match self {
            RegisterSpace::Modbus(space) => space.is_writable(),
            // Inputs can be written while nothing is wired to them; the CPU decides.
            RegisterSpace::Melsec(_) => true,
            RegisterSpace::Fenet(space) => space.is_writable(),
        }
    }
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegisterAddress {
    pub space: RegisterSpace,
    pub offset: u32,
}

/// Consecutive cells of one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterRange {
    pub space: RegisterSpace,
    pub start: u32,
    /// At least 1; `end` is at most the space's.
    pub len: u16,
}

impl RegisterRange {
    /// The cell after the last.
    pub fn end(self) -> u32 {
        self.start + u32::from(self.len)
    }

    pub fn first(self) -> RegisterAddress {
        RegisterAddress { space: self.space, offset: self.start }
    }

    fn overlaps(self, other: RegisterRange) -> bool {
        self.space == other.space && self.start < other.end() && other.start < self.end()
    }
}

/// Data of a read: the cells of a span. A wide cell is given as its words, the low one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterData {
    Words(Vec<u16>),
    /// The low byte of a word comes first.
    Bytes(Vec<u8>),
    Bits(Vec<bool>),
}

/// A change that is written in one request, so that a value is never torn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterWrite {
    /// Consecutive bits from a cell of a space of bits.
    Bits(RegisterAddress, Vec<bool>),
    /// Consecutive words from a cell of a space of words, or the words of one wide cell.
    Words(RegisterAddress, Vec<u16>),
    /// Consecutive bytes from a cell of a space of bytes.
    Bytes(RegisterAddress, Vec<u8>),
    /// The bits of `mask` in one word; the others keep their values.
    Masked { cell: RegisterAddress, mask: u16, bits: u16 },
}

impl RegisterWrite {
    /// Returns the cells that the write changes, each with a mask of the changed bits. A wide cell counts as a whole,
    /// and a named bit of an area of bytes as that bit of its byte, so that a bit with several names is the same
    /// under all of them.
    pub fn changed_bits(&self) -> Vec<(RegisterAddress, u16)> {
        let run = |cell: RegisterAddress, count: usize, bits: u16| -> Vec<(RegisterAddress, u16)> {
            (cell.offset..).take(count).map(|offset| (RegisterAddress { offset, ..cell }, bits)).collect()
        };
        match self {
            RegisterWrite::Bits(cell, on) => {
                run(*cell, on.len(), 1).into_iter().map(|(cell, _)| bit_at(cell)).collect()
            }
            RegisterWrite::Bytes(cell, bytes) => run(*cell, bytes.len(), 0xFF),
            RegisterWrite::Words(cell, words) => match cell.space.unit() {
                CellUnit::Wide(width) => run(*cell, words.len() / usize::from(width), u16::MAX),
                CellUnit::Bit | CellUnit::Byte | CellUnit::Word => run(*cell, words.len(), u16::MAX),
            },
            RegisterWrite::Masked { cell, mask, .. } if cell.space.unit() == CellUnit::Byte => {
                let high = RegisterAddress { offset: cell.offset + 1, ..*cell };
                vec![(*cell, mask & 0xFF), (high, mask >> 8)]
            }
            RegisterWrite::Masked { cell, mask, .. } => vec![(*cell, *mask)],
        }
    }
}

/// The cell and mask of a one-bit cell.
fn bit_at(cell: RegisterAddress) -> (RegisterAddress, u16) {
    match cell.space {
        RegisterSpace::Fenet(fenet::address::FenetSpace::Bits(area)) => {
            let space = RegisterSpace::Fenet(fenet::address::FenetSpace::Bytes(area));
            (RegisterAddress { space, offset: cell.offset / 8 }, 1 << (cell.offset % 8))
        }
        RegisterSpace::Fenet(_) | RegisterSpace::Modbus(_) | RegisterSpace::Melsec(_) => (cell, 1),
    }
}
