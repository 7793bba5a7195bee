//! The four address spaces of a Modbus device and their limits. Pure.

use crate::collect::registers::{ByteLayout, CellUnit, RegisterSpace, ScatteredReads, SpaceId};
use crate::domain::device::Protocol;

/// Modbus Application Protocol V1.1b3, 6.3 and 6.4: at most 125 registers in one read.
pub const MAX_READ_WORDS: u16 = 125;
/// Modbus Application Protocol V1.1b3, 6.1 and 6.2: at most 2000 coils or inputs in one read.
const MAX_READ_BITS: u16 = 2000;
/// Modbus Application Protocol V1.1b3, 6.12: at most 123 registers in one write.
const MAX_WRITE_WORDS: u16 = 123;
/// Modbus Application Protocol V1.1b3, 6.11: at most 1968 coils in one write.
const MAX_WRITE_BITS: u16 = 1968;
/// The widest gap that is read over to save a request; small, because some devices have illegal holes.
const DEFAULT_GAP: u16 = 8;
/// Every space has 65,536 cells.
const SPACE_END: u32 = 1 << 16;

/// The four address spaces of a Modbus device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModbusSpace {
    Coil,
    Discrete,
    Holding,
    Input,
}

impl ModbusSpace {
    /// In the order of their numbers.
    pub const ALL: [ModbusSpace; 4] =
        [ModbusSpace::Coil, ModbusSpace::Discrete, ModbusSpace::Holding, ModbusSpace::Input];

    /// Whether the space has single bits, as opposed to 16-bit words.
    pub fn is_bits(self) -> bool {
        matches!(self, ModbusSpace::Coil | ModbusSpace::Discrete)
    }

    /// Whether the space can be written; inputs cannot.
    pub fn is_writable(self) -> bool {
        matches!(self, ModbusSpace::Coil | ModbusSpace::Holding)
    }

    /// Prefix of an address: `hr` in `hr:100`.
    pub fn prefix(self) -> &'static str {
        match self {
            ModbusSpace::Coil => "co",
            ModbusSpace::Discrete => "di",
            ModbusSpace::Holding => "hr",
            ModbusSpace::Input => "ir",
        }
    }

    /// Returns the Modbus space that `space` was made from; `None` for a space of another protocol.
    pub fn from_register_space(space: RegisterSpace) -> Option<ModbusSpace> {
        if space.id.protocol != Protocol::Modbus {
            return None;
        }
        ModbusSpace::ALL.get(usize::try_from(space.id.number).ok()?).copied()
    }
}

impl From<ModbusSpace> for RegisterSpace {
    fn from(space: ModbusSpace) -> RegisterSpace {
        let is_bits = space.is_bits();
        RegisterSpace {
            id: SpaceId { protocol: Protocol::Modbus, number: space as u32 },
            unit: if is_bits { CellUnit::Bit } else { CellUnit::Word },
            end: SPACE_END,
            max_len: if is_bits { MAX_READ_BITS } else { MAX_READ_WORDS },
            max_write_len: if is_bits { MAX_WRITE_BITS } else { MAX_WRITE_WORDS },
            scattered: ScatteredReads::Unsupported,
            default_gap: DEFAULT_GAP,
            packs_numbers: false,
            has_separate_cells: false,
            is_writable: space.is_writable(),
            byte_space: None,
            byte_layout: ByteLayout::HighFirst,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_found_by_its_number() {
        for space in ModbusSpace::ALL {
            let stored = RegisterSpace::from(space);
            assert_eq!(ModbusSpace::from_register_space(stored), Some(space));
            for (protocol, number) in [(Protocol::Fenet, stored.id.number), (Protocol::Modbus, 4)] {
                let foreign = RegisterSpace { id: SpaceId { protocol, number }, ..stored };
                assert_eq!(ModbusSpace::from_register_space(foreign), None, "{protocol} {number}");
            }
        }
    }
}
