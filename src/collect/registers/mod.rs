//! Shared by protocols with numbered registers: address spaces, ranges and data of registers, planning of reads that
//! fetch many values at once, and the polling source. Address grammar, frames and limits belong to the protocols.

pub mod named_register;
pub mod plan;
pub mod point;
pub mod value_type;

pub(super) mod protocol;
pub(super) mod source;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod wire_chaos_tests;

mod bcd;
mod cell_bytes;
mod cell_words;
mod cell_writes;
mod integer_cells;
mod isolation;
mod meaning;
mod point_error;
mod poll_group;
mod refusal;
mod request_sender;
mod s7_string;
mod text;
mod time_value;

use std::cmp::Ordering;

use crate::domain::device::Protocol;

/// Identity of an address space among those of all protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId {
    pub protocol: Protocol,
    /// The protocol's own number of the space.
    pub number: u32,
}

/// One address space of a device: cells of one unit, numbered from 0. Its protocol makes it (`From<ModbusSpace>`) and
/// gives the limits. Spaces are compared by `id`, which says everything else.
#[derive(Debug, Clone, Copy)]
pub struct RegisterSpace {
    pub id: SpaceId,
    pub unit: CellUnit,
    /// One past the last cell that any device can have; far below `u32::MAX`.
    pub end: u32,
    /// The most cells that one request may read.
    pub max_len: u16,
    /// The most cells that one request may write.
    pub max_write_len: u16,
    /// Whether one request can read separate ranges.
    pub scattered: ScatteredReads,
    /// The widest gap in words that is read over unless the device's owner sets another.
    pub default_gap: u16,
    /// Whether a number of 16 bits or more can be stored in a run of bits.
    pub packs_numbers: bool,
    /// Whether each cell is a value of its own, so that no value takes several.
    pub has_separate_cells: bool,
    /// Whether the space can be written at all. The device may still refuse.
    pub is_writable: bool,
    /// For a space of single bits: the space of bytes that holds the same bits, if there is one.
    pub byte_space: Option<SpaceId>,
    /// Places of the parts of a word in a space of bytes, and the byte of a word that a text begins with.
    pub byte_layout: ByteLayout,
}

/// How one request can read separate ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScatteredReads {
    /// There is no such request.
    Unsupported,
    /// The request names single cells of one unit, at most so many. The device answers all of them or refuses the request.
    Cells(u16),
    /// The request names ranges of any spaces that have these same limits, and the device answers or refuses each of them.
    Ranges {
        max_ranges: u16,
        /// The most bytes in all ranges.
        max_bytes: u16,
    },
}

/// Places of the bytes and numbered bits of a word in a space of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteLayout {
    /// The low byte comes first. A numbered bit is one of the word that begins at the cell.
    LowFirst,
    /// The high byte comes first. A numbered bit is one of the byte at the cell.
    HighFirst,
}

impl PartialEq for RegisterSpace {
    fn eq(&self, other: &RegisterSpace) -> bool {
        self.id == other.id
    }
}

impl Eq for RegisterSpace {}

impl PartialOrd for RegisterSpace {
    fn partial_cmp(&self, other: &RegisterSpace) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RegisterSpace {
    fn cmp(&self, other: &RegisterSpace) -> Ordering {
        self.id.cmp(&other.id)
    }
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

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterAddress {
    pub space: RegisterSpace,
    pub offset: u32,
}

/// Identity of a cell, whatever is known of its space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellId {
    pub space: SpaceId,
    pub offset: u32,
}

/// Bits of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellBits {
    pub cell: CellId,
    /// The lowest bit is the cell's least significant one.
    pub mask: u16,
}

/// Consecutive cells of one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

    /// Address of the first cell, at which a write of the range begins.
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
    /// The space's `byte_layout` says which byte of a word comes first.
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
    /// The bits of `mask` in the word at `cell`, or in the byte there where numbered bits are bits of bytes; the others
    /// keep their values.
    Masked { cell: RegisterAddress, mask: u16, bits: u16 },
}

impl RegisterWrite {
    /// Returns the bits that the write changes. A wide cell counts as a whole, and a named bit of an area of bytes as
    /// that bit of its byte, so that a bit with several names is the same under all of them.
    pub fn changed_bits(&self) -> Vec<CellBits> {
        match self {
            RegisterWrite::Bits(first, on) => {
                let offsets = (first.offset..).take(on.len());
                offsets.map(|offset| single_bit(RegisterAddress { offset, ..*first })).collect()
            }
            RegisterWrite::Bytes(first, bytes) => whole_cells(*first, bytes.len(), 0xFF),
            RegisterWrite::Words(first, words) => match first.space.unit {
                CellUnit::Wide(width) => whole_cells(*first, words.len() / usize::from(width), u16::MAX),
                CellUnit::Bit | CellUnit::Byte | CellUnit::Word => whole_cells(*first, words.len(), u16::MAX),
            },
            RegisterWrite::Masked { cell, mask, .. } if cell.space.unit == CellUnit::Byte => {
                if cell.space.byte_layout == ByteLayout::HighFirst {
                    return vec![bits_of(*cell, mask & 0xFF)];
                }
                let high = RegisterAddress { offset: cell.offset + 1, ..*cell };
                vec![bits_of(*cell, mask & 0xFF), bits_of(high, mask >> 8)]
            }
            RegisterWrite::Masked { cell, mask, .. } => vec![bits_of(*cell, *mask)],
        }
    }
}

fn bits_of(cell: RegisterAddress, mask: u16) -> CellBits {
    CellBits { cell: CellId { space: cell.space.id, offset: cell.offset }, mask }
}

fn whole_cells(first: RegisterAddress, count: usize, mask: u16) -> Vec<CellBits> {
    (first.offset..).take(count).map(|offset| bits_of(RegisterAddress { offset, ..first }, mask)).collect()
}

/// The bit of a one-bit cell, under the name of its byte where it has one.
fn single_bit(cell: RegisterAddress) -> CellBits {
    match cell.space.byte_space {
        Some(space) => {
            CellBits { cell: CellId { space, offset: cell.offset / 8 }, mask: 1 << (cell.offset % 8) }
        }
        None => bits_of(cell, 1),
    }
}
