//! Paths of requests, and tags with their types and bytes.

// Numbers of the elementary types: CIP volume 1, appendix C-6.1.
/// Boolean, one byte.
pub const BOOL: u16 = 0xC1;
/// Signed integer of 8 bits.
pub const SINT: u16 = 0xC2;
/// Signed integer of 16 bits.
pub const INT: u16 = 0xC3;
/// Signed integer of 32 bits.
pub const DINT: u16 = 0xC4;
/// Signed integer of 64 bits.
pub const LINT: u16 = 0xC5;
/// Unsigned integer of 8 bits.
pub const USINT: u16 = 0xC6;
/// Unsigned integer of 16 bits.
pub const UINT: u16 = 0xC7;
/// Unsigned integer of 32 bits.
pub const UDINT: u16 = 0xC8;
/// Unsigned integer of 64 bits.
pub const ULINT: u16 = 0xC9;
/// Floating-point number of 32 bits.
pub const REAL: u16 = 0xCA;
/// Floating-point number of 64 bits.
pub const LREAL: u16 = 0xCB;
/// Bit string of 32 bits; an array of BOOL consists of these.
pub const DWORD: u16 = 0xD3;
/// Handle of the structure STRING.
pub const STRING: u16 = 0x0FCE;
/// Handle of the structure that each machine of the plant is; as a structure it can only be read.
pub const MACHINE: u16 = 0x0AB1;
/// Handle of a string type as a project makes one, with room for 20 characters.
pub const STRING20: u16 = 0x0B14;
/// Characters of `STRING20`, and the bytes of a length.
const STRING20_CHARS: u32 = 20;
const LENGTH_BYTES: usize = 4;
/// Stands before the handle of a structure.
const STRUCTURE: u16 = 0x02A0;

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSegment {
    /// In small letters: controllers do not tell them apart.
    Name(String),
    Element(u32),
    Class(u32),
    Instance(u32),
}

/// Parses the segments of a path; `None` for one that is not known here.
pub fn parse_path(mut path: &[u8]) -> Option<Vec<PathSegment>> {
    let mut segments = Vec::new();
    while let [kind, rest @ ..] = path {
        if *kind == 0x91 {
            let (len, rest) = rest.split_first()?;
            let len = usize::from(*len);
            let name = std::str::from_utf8(rest.get(..len)?).ok()?;
            segments.push(PathSegment::Name(name.to_ascii_lowercase()));
            path = rest.get(len + len % 2..)?;
            continue;
        }
        let width = match kind & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => return None,
        };
        // The wider forms have a byte before the number.
        let rest = if width > 1 { rest.get(1..)? } else { rest };
        let number = rest.get(..width)?.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
        segments.push(match kind & 0xFC {
            0x20 => PathSegment::Class(number),
            0x24 => PathSegment::Instance(number),
            0x28 => PathSegment::Element(number),
            _ => return None,
        });
        path = &rest[width..];
    }
    Some(segments)
}

/// A tag that holds what was written last.
#[derive(Debug, Clone)]
pub struct MemoryTag {
    /// As its list shows it; the program before it.
    pub name: String,
    /// An elementary type, `STRING` or `STRING20`.
    pub data_type: u16,
    /// Elements in each dimension; empty for a tag that is no array.
    pub dimensions: Vec<u32>,
    /// The elements one after the other.
    pub bytes: Vec<u8>,
}

impl MemoryTag {
    /// A tag of zeros.
    pub fn new(name: &str, data_type: u16, dimensions: &[u32]) -> MemoryTag {
        let elements = dimensions.iter().product::<u32>() as usize;
        let bytes = vec![0; elements * size(data_type)];
        MemoryTag { name: name.to_owned(), data_type, dimensions: dimensions.to_vec(), bytes }
    }

    /// Byte at which an element begins; `None` beyond the end, or for other dimensions.
    pub fn offset(&self, indexes: &[u32]) -> Option<usize> {
        if indexes.is_empty() {
            return Some(0);
        }
        if indexes.len() != self.dimensions.len() {
            return None;
        }
        let mut element = 0;
        for (index, elements) in indexes.iter().zip(&self.dimensions) {
            if index >= elements {
                return None;
            }
            element = element * *elements as usize + *index as usize;
        }
        Some(element * size(self.data_type))
    }
}

/// Type and first byte of a member of a `STRING20`; `None` for one that it does not have. A character beyond the last one has
/// a byte beyond the tag.
pub fn string_member(name: &str, indexes: &[u32]) -> Option<(u16, usize)> {
    match (name, indexes) {
        ("len", []) => Some((DINT, 0)),
        ("data", []) => Some((SINT, LENGTH_BYTES)),
        ("data", [index]) => Some((SINT, LENGTH_BYTES + *index as usize)),
        _ => None,
    }
}

/// Bytes of one value.
pub fn size(data_type: u16) -> usize {
    match data_type {
        BOOL | SINT | USINT => 1,
        INT | UINT => 2,
        LINT | ULINT | LREAL => 8,
        STRING => 88,
        STRING20 => LENGTH_BYTES + STRING20_CHARS as usize,
        _ => 4,
    }
}

/// The type as it stands before a value.
pub fn type_bytes(data_type: u16) -> Vec<u8> {
    match data_type {
        STRING | STRING20 | MACHINE => [STRUCTURE.to_le_bytes(), data_type.to_le_bytes()].concat(),
        elementary => elementary.to_le_bytes().to_vec(),
    }
}
