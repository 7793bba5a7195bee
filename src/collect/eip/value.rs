//! Value of a tag: how the bytes of a reply become a number or a text, and how one becomes the bytes of a write. Pure.

use super::data_type::TagType;
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::domain::stream::StreamKind;

/// Characters of the predefined structure STRING.
const STRING_CHARS: usize = 82;
/// Its bytes: the length as a DINT, the characters, and two bytes that make it whole words of 32 bits.
pub const STRING_BYTES: usize = 88;

/// Longest value that is read in parts.
pub const MAX_VALUE_BYTES: usize = 4096;

/// Reply of a controller to the read of a tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagData {
    pub data_type: TagType,
    /// The value as received; of an element of a BOOL array one byte.
    pub raw: Vec<u8>,
}

/// Data of a write to a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// The whole value, as this type.
    Value(TagType, Vec<u8>),
    /// Bits to set and bits to keep of an integer.
    Mask { set: Vec<u8>, keep: Vec<u8> },
}

impl TagData {
    /// Decodes the value, or one bit of it. The error says why there is none.
    pub fn value(&self, bit: Option<u8>) -> Result<DeviceValue, String> {
        match bit {
            Some(bit) => self.bit(bit).map(|on| NumericValue::Bit(on).into()),
            None => self.whole(),
        }
    }

    /// The value, or one bit of it, as the type of a stream.
    ///
    /// # Errors
    /// A message that names the tag's type, when there is no value or the stream cannot represent it.
    pub fn sample(&self, bit: Option<u8>, kind: Option<StreamKind>) -> Result<DeviceValue, String> {
        let value = self.value(bit)?;
        match kind {
            Some(kind) => {
                let converted = value.convert_to(kind);
                converted.map_err(|why| format!("{why} (the tag is {})", self.data_type.name()))
            }
            None => Ok(value),
        }
    }

    fn whole(&self) -> Result<DeviceValue, String> {
        let number = |value: NumericValue| Ok(DeviceValue::Number(value));
        match self.data_type {
            TagType::Bool => number(NumericValue::Bit(self.unsigned()? != 0)),
            TagType::Sint | TagType::Int | TagType::Dint | TagType::Lint => {
                number(NumericValue::Int(self.signed()?))
            }
            TagType::Real => number(NumericValue::Float(f64::from(f32::from_bits(self.unsigned()? as u32)))),
            TagType::Lreal => number(NumericValue::Float(f64::from_bits(self.unsigned()?))),
            TagType::Usint
            | TagType::Uint
            | TagType::Udint
            | TagType::Ulint
            | TagType::Byte
            | TagType::Word
            | TagType::Lword => number(NumericValue::Uint(self.unsigned()?)),
            TagType::Dword => {
                Err("the tag is an array of BOOL: name an element, such as flags[0]".to_owned())
            }
            TagType::ProjectString { handle, .. }
                if self.data_type.project_string_bytes() != Some(self.raw.len()) =>
            {
                Err(no_value(handle))
            }
            TagType::String
            | TagType::CountedString
            | TagType::ShortString
            | TagType::ProjectString { .. } => self.text().map(DeviceValue::Text),
            TagType::Structure(handle) => Err(no_value(handle)),
            TagType::Other(number) => Err(format!("values of the type {number:04X} are not read")),
        }
    }

    /// One bit of an integer.
    pub fn bit(&self, bit: u8) -> Result<bool, String> {
        let bits = self.data_type.bits().ok_or_else(|| format!("{} has no bits", self.data_type.name()))?;
        if bit >= bits {
            return Err(format!("{} has the bits 0 to {}", self.data_type.name(), bits - 1));
        }
        Ok(self.unsigned()? >> bit & 1 == 1)
    }

    /// The value's bytes as one number, low byte first.
    fn unsigned(&self) -> Result<u64, String> {
        let bytes = self.data_type.size().and_then(|size| self.raw.get(..size)).ok_or_else(too_short)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn signed(&self) -> Result<i64, String> {
        let unused_bits = 64 - self.data_type.bits().ok_or_else(too_short)?;
        Ok((self.unsigned()? << unused_bits) as i64 >> unused_bits)
    }

    /// Characters are UTF-8 or, where they cannot be, ISO 8859-1.
    fn text(&self) -> Result<Box<str>, String> {
        let length_bytes = match self.data_type {
            TagType::ShortString => 1,
            TagType::CountedString => 2,
            _ => 4,
        };
        let (length, rest) = self.raw.split_at_checked(length_bytes).ok_or_else(too_short)?;
        let length = length.iter().rev().fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
        let rest = match self.data_type {
            TagType::ProjectString { chars, .. } => rest.get(..usize::from(chars)).ok_or_else(too_short)?,
            _ => rest,
        };
        let bytes = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let bytes = bytes.ok_or_else(|| format!("the text says that it has {length} characters"))?;
        let latin = || bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
        Ok(std::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned).into())
    }

    /// Encodes a value as a write to the tag that holds `self`. The error says why the tag cannot hold it.
    pub fn change(&self, bit: Option<u8>, value: &DeviceValue) -> Result<TagChange, String> {
        let Some(bit) = bit else { return Ok(TagChange::Value(self.data_type, self.encode(value)?)) };
        self.bit(bit)?;
        let on = match value {
            DeviceValue::Number(number) => number.to_integer(),
            DeviceValue::Text(_) => None,
        };
        let on =
            on.filter(|on| (0..=1).contains(on)).ok_or_else(|| format!("a bit cannot hold {value}"))? == 1;
        let mut set = vec![0; self.data_type.size().ok_or_else(too_short)?];
        set[usize::from(bit / 8)] = 1 << (bit % 8);
        // The controller sets the bits of the first mask, and then clears those that the second does not have.
        let keep = set.iter().map(|byte| if on { 0xFF } else { !byte }).collect();
        if !on {
            set.fill(0);
        }
        Ok(TagChange::Mask { set, keep })
    }

    fn encode(&self, value: &DeviceValue) -> Result<Vec<u8>, String> {
        let name = self.data_type.name();
        let refused = || format!("{name} cannot hold {value}");
        match (self.data_type, value) {
            (TagType::Structure(_) | TagType::Dword | TagType::Other(_), _) => {
                Err(self.whole().err().unwrap_or_else(refused))
            }
            (TagType::String | TagType::ShortString | TagType::CountedString, DeviceValue::Text(text)) => {
                self.encode_text(text)
            }
            (TagType::ProjectString { handle, chars }, DeviceValue::Text(text)) => {
                self.encode_project_string(handle, chars.into(), text)
            }
            (TagType::Real, DeviceValue::Number(number)) => {
                let single = number.to_f64() as f32;
                let is_lost = single.is_infinite() && number.to_f64().is_finite();
                if is_lost { Err(refused()) } else { Ok(single.to_le_bytes().to_vec()) }
            }
            (TagType::Lreal, DeviceValue::Number(number)) => Ok(number.to_f64().to_le_bytes().to_vec()),
            (_, DeviceValue::Number(number)) => {
                let (lowest, highest) = self.integer_range().ok_or_else(refused)?;
                let whole = number.to_integer().filter(|whole| (lowest..=highest).contains(whole));
                let whole = whole.ok_or_else(refused)?;
                Ok(whole.to_le_bytes()[..self.data_type.size().ok_or_else(refused)?].to_vec())
            }
            _ => Err(refused()),
        }
    }

    /// Lowest and highest value of an integer type.
    fn integer_range(&self) -> Option<(i128, i128)> {
        match self.data_type {
            TagType::Bool => Some((0, 1)),
            TagType::Sint | TagType::Int | TagType::Dint | TagType::Lint => {
                let half = 1_i128 << (self.data_type.bits()? - 1);
                Some((-half, half - 1))
            }
            _ => Some((0, (1_i128 << self.data_type.bits()?) - 1)),
        }
    }

    fn encode_text(&self, text: &str) -> Result<Vec<u8>, String> {
        let (longest, name) = match self.data_type {
            TagType::ShortString => (usize::from(u8::MAX), self.data_type.name()),
            _ => (STRING_CHARS, "STRING"),
        };
        if text.len() > longest {
            return Err(too_long(name, text, longest));
        }
        let length = u32::try_from(text.len()).unwrap_or(0).to_le_bytes();
        let (length, total) = match self.data_type {
            TagType::ShortString => (&length[..1], 1 + text.len()),
            // Servers that have this type want whole words.
            TagType::CountedString => (&length[..2], 2 + text.len().next_multiple_of(2)),
            _ => (&length[..], STRING_BYTES),
        };
        let mut bytes = [length, text.as_bytes()].concat();
        bytes.resize(total, 0);
        Ok(bytes)
    }

    /// Bytes behind the characters stay as the tag has them.
    fn encode_project_string(&self, handle: u16, chars: usize, text: &str) -> Result<Vec<u8>, String> {
        if text.len() > chars {
            return Err(too_long(self.data_type.name(), text, chars));
        }
        let length = u32::try_from(text.len()).unwrap_or(0).to_le_bytes();
        let mut written = [&length[..], text.as_bytes()].concat();
        written.resize(length.len() + chars, 0);
        let is_whole = self.data_type.project_string_bytes() == Some(self.raw.len());
        let rest = self.raw.get(written.len()..).filter(|_| is_whole).ok_or_else(|| no_value(handle))?;
        written.extend_from_slice(rest);
        Ok(written)
    }
}

fn no_value(handle: u16) -> String {
    format!("the tag is a structure (handle {handle:04X}): name one of its members")
}

fn too_long(name: &str, text: &str, longest: usize) -> String {
    format!("{name} cannot hold a text of {} bytes: {longest} at most", text.len())
}

fn too_short() -> String {
    "the answer does not hold the value".to_owned()
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
