//! Devices of a MELSEC CPU: letters, codes on the wire, and radix of their numbers. Pure.

use std::fmt;

use CellUnit::{Bit, Word};
use Radix::{Decimal as Dec, Hexadecimal as Hex};

use crate::collect::registers::{ByteLayout, CellUnit, RegisterSpace, ScatteredReads, SpaceId};
use crate::domain::device::Protocol;

/// Device numbers have three bytes in the layout of Q and L; no device of iQ-R has more cells.
pub const SPACE_END: u32 = 1 << 24;
/// Words in one batch read or write (Q/L MC protocol manual, 0401 and 1401 in word units).
const MAX_WORDS: u16 = 960;
/// Bits in one batch read or write in ASCII code, the lower of the two limits: 7168 in binary code.
const MAX_BITS: u16 = 3584;
/// Words in one random read in the layout of iQ-R, the lower of the two limits: 192 in the layout of Q and L.
const MAX_SCATTERED: u16 = 96;
/// In words; the memory of these CPUs has no holes below its end.
const DEFAULT_GAP: u16 = 32;

/// A kind of memory of the CPU, such as `D` or `X`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MelsecDevice(u8);

/// Radix in which device numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Radix {
    Octal,
    Decimal,
    Hexadecimal,
}

impl Radix {
    /// Number of digits in the radix: 8, 10 or 16.
    pub fn base(self) -> u32 {
        match self {
            Radix::Octal => 8,
            Radix::Decimal => 10,
            Radix::Hexadecimal => 16,
        }
    }
}

struct DeviceCode {
    name: &'static str,
    code: u16,
    unit: CellUnit,
    radix: Radix,
    /// Two characters in the ASCII code of Q and L; empty for devices that these CPUs do not have.
    ascii: &'static str,
}

const fn row(name: &'static str, code: u16, unit: CellUnit, radix: Radix, ascii: &'static str) -> DeviceCode {
    DeviceCode { name, code, unit, radix, ascii }
}

/// Devices of 32 bits each, which are read and written separately, as double words.
const DOUBLE: CellUnit = CellUnit::Wide(2);

/// SLMP reference manual, device codes; R, ZR and the timers as in the Q/L MC protocol manual.
static DEVICES: [DeviceCode; 39] = [
    row("X", 0x9C, Bit, Hex, "X*"),
    row("Y", 0x9D, Bit, Hex, "Y*"),
    row("M", 0x90, Bit, Dec, "M*"),
    row("SM", 0x91, Bit, Dec, "SM"),
    row("L", 0x92, Bit, Dec, "L*"),
    row("F", 0x93, Bit, Dec, "F*"),
    row("V", 0x94, Bit, Dec, "V*"),
    row("S", 0x98, Bit, Dec, "S*"),
    row("B", 0xA0, Bit, Hex, "B*"),
    row("SB", 0xA1, Bit, Hex, "SB"),
    row("DX", 0xA2, Bit, Hex, "DX"),
    row("DY", 0xA3, Bit, Hex, "DY"),
    row("TS", 0xC1, Bit, Dec, "TS"),
    row("TC", 0xC0, Bit, Dec, "TC"),
    row("STS", 0xC7, Bit, Dec, "SS"),
    row("STC", 0xC6, Bit, Dec, "SC"),
    row("CS", 0xC4, Bit, Dec, "CS"),
    row("CC", 0xC3, Bit, Dec, "CC"),
    row("D", 0xA8, Word, Dec, "D*"),
    row("SD", 0xA9, Word, Dec, "SD"),
    row("W", 0xB4, Word, Hex, "W*"),
    row("SW", 0xB5, Word, Hex, "SW"),
    row("R", 0xAF, Word, Dec, "R*"),
    row("ZR", 0xB0, Word, Dec, "ZR"),
    row("Z", 0xCC, Word, Dec, "Z*"),
    row("TN", 0xC2, Word, Dec, "TN"),
    row("STN", 0xC8, Word, Dec, "SN"),
    row("CN", 0xC5, Word, Dec, "CN"),
    row("LTN", 0x52, DOUBLE, Dec, ""),
    row("LTS", 0x51, Bit, Dec, ""),
    row("LTC", 0x50, Bit, Dec, ""),
    row("LSTN", 0x5A, DOUBLE, Dec, ""),
    row("LSTS", 0x59, Bit, Dec, ""),
    row("LSTC", 0x58, Bit, Dec, ""),
    row("LCN", 0x56, DOUBLE, Dec, ""),
    row("LCS", 0x55, Bit, Dec, ""),
    row("LCC", 0x54, Bit, Dec, ""),
    row("LZ", 0x62, DOUBLE, Dec, ""),
    row("RD", 0x2C, Word, Dec, ""),
];

impl MelsecDevice {
    /// Iterates over the devices of all CPU families, in the order of their numbers in a space's id.
    pub fn all() -> impl Iterator<Item = MelsecDevice> {
        (0..).map(MelsecDevice).take(DEVICES.len())
    }

    /// Returns the device whose space this is; `None` for a space of another protocol.
    pub fn from_register_space(space: RegisterSpace) -> Option<MelsecDevice> {
        let is_known = space.id.protocol == Protocol::Melsec;
        let index = u8::try_from(space.id.number).ok().filter(|index| usize::from(*index) < DEVICES.len());
        index.filter(|_| is_known).map(MelsecDevice)
    }

    /// Splits a text into the device with the longest matching name and the rest. The retentive timers have two names
    /// each.
    pub fn split(text: &str) -> Option<(MelsecDevice, &str)> {
        let fits = |name: &&str| text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        let named = MelsecDevice::all().filter_map(|device| {
            let names = [device.name(), device.ascii().trim_end_matches('*')].into_iter();
            names.filter(|name| !name.is_empty()).find(fits).map(|name| (device, name.len()))
        });
        let (device, len) = named.max_by_key(|(_, len)| *len)?;
        Some((device, &text[len..]))
    }

    fn row(self) -> &'static DeviceCode {
        &DEVICES[usize::from(self.0)]
    }

    /// Name as users write it, such as `ZR`; also the name in ASCII code in the layout of iQ-R.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Device code in binary code: two bytes in the layout of iQ-R, of which the layout of Q and L has the low one.
    pub fn code(self) -> u16 {
        self.row().code
    }

    /// Size of one point: a bit, a word, or a double word for long timers, counters and index registers.
    pub fn unit(self) -> CellUnit {
        self.row().unit
    }

    /// Radix used by users of Q, L and iQ-R; iQ-F counts inputs and outputs in octal.
    pub fn radix(self) -> Radix {
        self.row().radix
    }

    /// Whether it is an input or output, whose numbers some CPUs write in octal.
    pub fn is_input_or_output(self) -> bool {
        matches!(self.name(), "X" | "Y")
    }

    /// Whether only frames in the layout of iQ-R can name it.
    pub fn is_iqr_only(self) -> bool {
        self.row().ascii.is_empty()
    }

    /// Device code in the ASCII code of Q and L.
    pub fn ascii(self) -> &'static str {
        self.row().ascii
    }

    /// Radix in ASCII code: the user's, except for ZR.
    pub fn ascii_radix(self) -> Radix {
        if self.name() == "ZR" { Hex } else { self.radix() }
    }
}

impl From<MelsecDevice> for RegisterSpace {
    fn from(device: MelsecDevice) -> RegisterSpace {
        let unit = device.unit();
        let (max_len, scattered) = match unit {
            CellUnit::Bit => (MAX_BITS, ScatteredReads::Unsupported),
            CellUnit::Word => (MAX_WORDS, ScatteredReads::Cells(MAX_SCATTERED)),
            CellUnit::Byte => (MAX_WORDS, ScatteredReads::Unsupported),
            CellUnit::Wide(_) => (1, ScatteredReads::Unsupported),
        };
        RegisterSpace {
            id: SpaceId { protocol: Protocol::Melsec, number: device.0.into() },
            unit,
            end: SPACE_END,
            max_len,
            // The limits of a batch are the same for reads and writes.
            max_write_len: max_len,
            scattered,
            default_gap: DEFAULT_GAP,
            packs_numbers: true,
            has_separate_cells: false,
            // Inputs can be written while nothing is wired to them; the CPU decides.
            is_writable: true,
            byte_space: None,
            byte_layout: ByteLayout::LowFirst,
        }
    }
}

impl fmt::Display for MelsecDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
