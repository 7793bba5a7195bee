//! Memory areas of an XGT CPU, sizes of variables, and the address spaces they make. Pure.

use crate::collect::registers::{ByteLayout, CellUnit, RegisterSpace, ScatteredReads, SpaceId};
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;

/// Bytes that one request may read or write (XGT FEnet manual, frame structure).
const MAX_BYTES: u16 = 1400;
/// Variables that one request may name (XGT FEnet manual, frame structure).
const MAX_VARIABLES: u16 = 16;
/// Upper bound of an area in bytes: beyond any CPU's memory, and the numbers always fit into a variable name.
pub const AREA_END: u32 = 1 << 24;
/// In words; the memory of these CPUs has no holes below its end.
const DEFAULT_GAP: u16 = 32;

/// A memory area, named by its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area(u8);

struct AreaInfo {
    letters: &'static str,
    has_bits: bool,
    has_modules: bool,
    is_writable: bool,
}

const fn row(letters: &'static str, has_bits: bool, has_modules: bool, is_writable: bool) -> AreaInfo {
    AreaInfo { letters, has_bits, has_modules, is_writable }
}

/// XGT FEnet manual, memory areas of XGK and XGB (P to Z) and of XGI and XGR (I, Q, W).
static AREAS: [AreaInfo; 17] = [
    row("P", true, false, true),
    row("M", true, false, true),
    row("K", true, false, true),
    row("L", true, false, true),
    row("F", true, false, false),
    row("T", true, false, true),
    row("C", true, false, true),
    row("S", true, false, true),
    row("D", false, false, true),
    row("R", false, false, true),
    row("ZR", false, false, true),
    row("U", true, true, true),
    row("N", false, false, true),
    row("Z", false, false, true),
    row("I", true, true, true),
    row("Q", true, true, true),
    row("W", false, false, true),
];

impl Area {
    /// Iterates over the areas of all CPU families, in the order of their numbers in a space's id.
    pub fn all() -> impl Iterator<Item = Area> {
        (0..).map(Area).take(AREAS.len())
    }

    /// Whether the CPU names bits of the area; elsewhere a bit is read with its word.
    pub fn has_bits(self) -> bool {
        self.row().has_bits
    }

    /// Whether inputs and outputs of modules are in this area.
    pub fn has_modules(self) -> bool {
        self.row().has_modules
    }

    fn row(self) -> &'static AreaInfo {
        &AREAS[usize::from(self.0)]
    }

    /// One or two upper-case letters that stand for the area in the name of a variable, such as `D` in `%DW100`.
    pub fn letters(self) -> &'static str {
        self.row().letters
    }

    /// Returns the area with these letters, in either case; `None` if no CPU family has it.
    pub fn from_letters(letters: &str) -> Option<Area> {
        Area::all().find(|area| area.letters().eq_ignore_ascii_case(letters))
    }
}

/// The size letter of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VariableSize {
    Bit,
    Byte,
    Word,
    Double,
    Long,
}

impl VariableSize {
    /// All sizes in the order of their discriminants, by which a space's id holds them.
    pub const ALL: [VariableSize; 5] =
        [VariableSize::Bit, VariableSize::Byte, VariableSize::Word, VariableSize::Double, VariableSize::Long];

    /// Letter of the size in the name of a variable, after the area's letters.
    pub fn letter(self) -> char {
        match self {
            VariableSize::Bit => 'X',
            VariableSize::Byte => 'B',
            VariableSize::Word => 'W',
            VariableSize::Double => 'D',
            VariableSize::Long => 'L',
        }
    }

    /// Bytes of one variable; a bit travels in a byte of its own.
    pub fn width(self) -> u32 {
        match self {
            VariableSize::Bit | VariableSize::Byte => 1,
            VariableSize::Word => 2,
            VariableSize::Double => 4,
            VariableSize::Long => 8,
        }
    }

    /// Type of a value of this size when none is given.
    pub fn kind(self) -> StreamKind {
        match self {
            VariableSize::Bit => StreamKind::Bit,
            VariableSize::Byte => StreamKind::Byte,
            VariableSize::Word => StreamKind::Uint16,
            VariableSize::Double => StreamKind::Uint32,
            VariableSize::Long => StreamKind::Uint64,
        }
    }
}

/// An address space: cells counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FenetSpace {
    /// The bytes of an area.
    Bytes(Area),
    /// The bits of an area whose bits the CPU names.
    Bits(Area),
    /// Variables of one size in a module, which are read one at a time.
    Module { area: Area, size: VariableSize, base: u8, slot: u8 },
}

impl FenetSpace {
    fn unit(self) -> CellUnit {
        match self {
            FenetSpace::Bytes(_) | FenetSpace::Module { size: VariableSize::Byte, .. } => CellUnit::Byte,
            FenetSpace::Bits(_) | FenetSpace::Module { size: VariableSize::Bit, .. } => CellUnit::Bit,
            FenetSpace::Module { size: VariableSize::Word, .. } => CellUnit::Word,
            FenetSpace::Module { size: VariableSize::Double, .. } => CellUnit::Wide(2),
            FenetSpace::Module { size: VariableSize::Long, .. } => CellUnit::Wide(4),
        }
    }

    fn end(self) -> u32 {
        match self {
            FenetSpace::Bytes(_) => AREA_END,
            FenetSpace::Bits(_) => AREA_END * 8,
            // A slot takes 64 points.
            FenetSpace::Module { .. } => 64,
        }
    }

    fn max_len(self) -> u16 {
        match self {
            FenetSpace::Bytes(_) => MAX_BYTES,
            FenetSpace::Bits(_) | FenetSpace::Module { .. } => 1,
        }
    }

    /// Number of variables, words or bits, that one request may read.
    fn scattered(self) -> ScatteredReads {
        match self {
            FenetSpace::Bytes(_) => ScatteredReads::Cells(MAX_VARIABLES * 2),
            FenetSpace::Bits(_) => ScatteredReads::Cells(MAX_VARIABLES),
            FenetSpace::Module { .. } => ScatteredReads::Unsupported,
        }
    }

    fn is_writable(self) -> bool {
        let (FenetSpace::Bytes(area) | FenetSpace::Bits(area) | FenetSpace::Module { area, .. }) = self;
        area.row().is_writable
    }

    /// Number of the space among all of FEnet: kind, area and size in a byte each, base and slot in four bits each.
    fn number(self) -> u32 {
        u32::from_be_bytes(match self {
            FenetSpace::Bytes(area) => [0, area.0, 0, 0],
            FenetSpace::Bits(area) => [1, area.0, 0, 0],
            FenetSpace::Module { area, size, base, slot } => [2, area.0, size as u8, base << 4 | slot],
        })
    }

    /// Returns the FEnet space that `space` was made from; `None` for a space of another protocol.
    pub fn from_register_space(space: RegisterSpace) -> Option<FenetSpace> {
        if space.id.protocol != Protocol::Fenet {
            return None;
        }
        let [kind, area, size, module] = space.id.number.to_be_bytes();
        let area = Some(Area(area)).filter(|area| usize::from(area.0) < AREAS.len())?;
        match kind {
            0 => Some(FenetSpace::Bytes(area)),
            1 => Some(FenetSpace::Bits(area)),
            2 => {
                let size = *VariableSize::ALL.get(usize::from(size))?;
                Some(FenetSpace::Module { area, size, base: module >> 4, slot: module & 0xF })
            }
            _ => None,
        }
    }
}

impl From<FenetSpace> for RegisterSpace {
    fn from(space: FenetSpace) -> RegisterSpace {
        let id = |space: FenetSpace| SpaceId { protocol: Protocol::Fenet, number: space.number() };
        RegisterSpace {
            id: id(space),
            unit: space.unit(),
            end: space.end(),
            max_len: space.max_len(),
            max_write_len: space.max_len(),
            scattered: space.scattered(),
            default_gap: DEFAULT_GAP,
            packs_numbers: false,
            has_separate_cells: false,
            is_writable: space.is_writable(),
            byte_layout: ByteLayout::LowFirst,
            byte_space: match space {
                FenetSpace::Bits(area) => Some(id(FenetSpace::Bytes(area))),
                FenetSpace::Bytes(_) | FenetSpace::Module { .. } => None,
            },
        }
    }
}

#[cfg(test)]
#[path = "space_tests.rs"]
mod tests;
