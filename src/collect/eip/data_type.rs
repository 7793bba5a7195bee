//! Types of tags: their numbers on the wire, names and sizes. Pure.
//!
//! CIP volume 1, appendix C-6.1, for the elementary types; 1756-PM020, "Logix data types", for structures.

use crate::domain::stream::StreamKind;

/// Marks the handle of a structure in place of an elementary type.
const STRUCTURE: u16 = 0x02A0;
/// Handle of the predefined structure STRING: a length and 82 characters.
const STRING_HANDLE: u16 = 0x0FCE;

/// Type of a tag's value, as a reply names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagType {
    Bool,
    Sint,
    Int,
    Dint,
    Lint,
    Usint,
    Uint,
    Udint,
    Ulint,
    Real,
    Lreal,
    /// Characters with a length of 16 bits; no tag of a Logix controller has it.
    CountedString,
    Byte,
    Word,
    /// 32 elements of an array of BOOL.
    Dword,
    Lword,
    /// Characters with a length of 8 bits: the STRING of Micro800 controllers.
    ShortString,
    /// The predefined structure of Logix controllers.
    String,
    /// A string type of the project: a structure, by its handle, with room for so many characters. Replies name it only as a
    /// structure.
    ProjectString {
        handle: u16,
        chars: u16,
    },
    /// Another structure, by its handle.
    Structure(u16),
    /// A type that has no value here, by its number.
    Other(u16),
}

/// Number, name, bytes of one value and the type of a stream that holds every value. A text has as many bytes as it
/// needs.
type Row = (TagType, u16, &'static str, Option<usize>, StreamKind);

const ROWS: [Row; 17] = [
    (TagType::Bool, 0xC1, "BOOL", Some(1), StreamKind::Bit),
    (TagType::Sint, 0xC2, "SINT", Some(1), StreamKind::Int16),
    (TagType::Int, 0xC3, "INT", Some(2), StreamKind::Int16),
    (TagType::Dint, 0xC4, "DINT", Some(4), StreamKind::Int32),
    (TagType::Lint, 0xC5, "LINT", Some(8), StreamKind::Int64),
    (TagType::Usint, 0xC6, "USINT", Some(1), StreamKind::Byte),
    (TagType::Uint, 0xC7, "UINT", Some(2), StreamKind::Uint16),
    (TagType::Udint, 0xC8, "UDINT", Some(4), StreamKind::Uint32),
    (TagType::Ulint, 0xC9, "ULINT", Some(8), StreamKind::Uint64),
    (TagType::Real, 0xCA, "REAL", Some(4), StreamKind::Fp32),
    (TagType::Lreal, 0xCB, "LREAL", Some(8), StreamKind::Fp64),
    (TagType::CountedString, 0xD0, "STRING", None, StreamKind::Text),
    (TagType::Byte, 0xD1, "BYTE", Some(1), StreamKind::Byte),
    (TagType::Word, 0xD2, "WORD", Some(2), StreamKind::Uint16),
    (TagType::Dword, 0xD3, "DWORD", Some(4), StreamKind::Uint32),
    (TagType::Lword, 0xD4, "LWORD", Some(8), StreamKind::Uint64),
    (TagType::ShortString, 0xDA, "SHORT_STRING", None, StreamKind::Text),
];

impl TagType {
    /// Splits the type off the data of a reply; `None` if there is none.
    pub fn split(data: &[u8]) -> Option<(TagType, &[u8])> {
        let (number, rest) = split_u16(data)?;
        if number != STRUCTURE {
            return Some((TagType::from_number(number), rest));
        }
        let (handle, rest) = split_u16(rest)?;
        Some((if handle == STRING_HANDLE { TagType::String } else { TagType::Structure(handle) }, rest))
    }

    /// The elementary type with this number.
    pub fn from_number(number: u16) -> TagType {
        let row = ROWS.iter().find(|(_, known, ..)| *known == number);
        row.map_or(TagType::Other(number), |(data_type, ..)| *data_type)
    }

    /// The type as it is written before a value.
    pub fn encode(self) -> Vec<u8> {
        let structure = |handle: u16| [STRUCTURE.to_le_bytes(), handle.to_le_bytes()].concat();
        match (self, self.row()) {
            (_, Some((_, number, ..))) => number.to_le_bytes().to_vec(),
            (TagType::Structure(handle) | TagType::ProjectString { handle, .. }, _) => structure(handle),
            (TagType::Other(number), _) => number.to_le_bytes().to_vec(),
            _ => structure(STRING_HANDLE),
        }
    }

    /// Bytes of one value; `None` where the value itself says so, or the type is unknown.
    pub fn size(self) -> Option<usize> {
        self.row().and_then(|(.., size, _)| *size)
    }

    /// Bytes of a string type of the project: the length, and the characters in whole words of 32 bits; `None` for other
    /// types.
    pub fn project_string_bytes(self) -> Option<usize> {
        match self {
            TagType::ProjectString { chars, .. } => Some(4 + usize::from(chars).next_multiple_of(4)),
            _ => None,
        }
    }

    /// Type of a stream that holds every value of the tag; `None` for a structure.
    pub fn kind(self) -> Option<StreamKind> {
        match self {
            TagType::String | TagType::ProjectString { .. } => Some(StreamKind::Text),
            _ => self.row().map(|(.., kind)| *kind),
        }
    }

    /// Name of the type in IEC 61131-3.
    pub fn name(self) -> &'static str {
        match (self, self.row()) {
            (_, Some((_, _, name, ..))) => name,
            (TagType::String | TagType::ProjectString { .. }, _) => "STRING",
            (TagType::Structure(_), _) => "structure",
            _ => "unknown type",
        }
    }

    /// Number of bits of an integer or bit string; `None` for other types.
    pub fn bits(self) -> Option<u8> {
        match self {
            TagType::Bool | TagType::Real | TagType::Lreal => None,
            _ => self.size().and_then(|size| u8::try_from(8 * size).ok()),
        }
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|(data_type, ..)| *data_type == self)
    }
}

fn split_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_its_number() {
        for (bytes, expected, name) in [
            ("c100 01", TagType::Bool, "BOOL"),
            ("c400 01000000", TagType::Dint, "DINT"),
            ("d300 00000000", TagType::Dword, "DWORD"),
            ("a002 ce0f 00", TagType::String, "STRING"),
            ("a002 3412 00", TagType::Structure(0x1234), "structure"),
            ("cc00 00", TagType::Other(0xCC), "unknown type"),
        ] {
            let bytes = hex::decode(bytes.replace(' ', "")).unwrap();
            let (data_type, rest) = TagType::split(&bytes).unwrap();
            assert_eq!((data_type, data_type.name()), (expected, name));
            assert_eq!([data_type.encode(), rest.to_vec()].concat(), bytes, "{name}");
            for len in 0..data_type.encode().len() {
                assert_eq!(TagType::split(&bytes[..len]), None, "{name} cut at {len}");
            }
        }
    }

    #[test]
    fn a_string_of_the_project_is_a_structure_in_messages() {
        for (chars, bytes) in [(1, 8), (20, 24), (21, 28), (82, 88)] {
            let own = TagType::ProjectString { handle: 0x1234, chars };
            assert_eq!(own.encode(), TagType::Structure(0x1234).encode());
            assert_eq!((own.name(), own.kind(), own.size()), ("STRING", Some(StreamKind::Text), None));
            assert_eq!(own.project_string_bytes(), Some(bytes));
        }
        assert_eq!(TagType::String.project_string_bytes(), None);
    }

    #[test]
    fn integers_have_bits() {
        for (data_type, bits) in [
            (TagType::Sint, Some(8)),
            (TagType::Lint, Some(64)),
            (TagType::Dword, Some(32)),
            (TagType::Bool, None),
            (TagType::Real, None),
            (TagType::String, None),
            (TagType::ProjectString { handle: 7, chars: 20 }, None),
        ] {
            assert_eq!(data_type.bits(), bits, "{data_type:?}");
        }
    }
}
