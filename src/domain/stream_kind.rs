//! Value types of streams.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{Error, Result};

/// Value type of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// 0 or 1, one bit in the device.
    Bit,
    /// An unsigned integer of 8 bits.
    Byte,
    /// A signed integer of 16 bits, one word.
    Int16,
    /// A signed integer of 32 bits, two words.
    Int32,
    /// A signed integer of 64 bits, four words.
    Int64,
    /// An unsigned integer of 16 bits, one word.
    Uint16,
    /// An unsigned integer of 32 bits, two words.
    Uint32,
    /// An unsigned integer of 64 bits, four words.
    Uint64,
    /// An IEEE 754 binary16 number, one word; largest value 65,504.
    Fp16,
    /// An IEEE 754 binary32 number, two words.
    Fp32,
    /// An IEEE 754 binary64 number, four words.
    Fp64,
    /// A string.
    Text,
    /// Any JSON value, stored as its text.
    Json,
    /// `[longitude, latitude]` in degrees, stored as JSON text.
    Location,
    /// The number of one of several states, a signed integer of 32 bits.
    Enum,
}

impl StreamKind {
    /// Every kind.
    pub const ALL: [StreamKind; 15] = [
        StreamKind::Bit,
        StreamKind::Byte,
        StreamKind::Int16,
        StreamKind::Int32,
        StreamKind::Int64,
        StreamKind::Uint16,
        StreamKind::Uint32,
        StreamKind::Uint64,
        StreamKind::Fp16,
        StreamKind::Fp32,
        StreamKind::Fp64,
        StreamKind::Text,
        StreamKind::Json,
        StreamKind::Location,
        StreamKind::Enum,
    ];

    /// Name used in APIs and in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            StreamKind::Bit => "bit",
            StreamKind::Byte => "byte",
            StreamKind::Int16 => "int16",
            StreamKind::Int32 => "int32",
            StreamKind::Int64 => "int64",
            StreamKind::Uint16 => "uint16",
            StreamKind::Uint32 => "uint32",
            StreamKind::Uint64 => "uint64",
            StreamKind::Fp16 => "fp16",
            StreamKind::Fp32 => "fp32",
            StreamKind::Fp64 => "fp64",
            StreamKind::Text => "text",
            StreamKind::Json => "json",
            StreamKind::Location => "location",
            StreamKind::Enum => "enum",
        }
    }

    /// Whether values are numbers (`value`) rather than text (`text`).
    pub fn is_numeric(self) -> bool {
        !matches!(self, StreamKind::Text | StreamKind::Json | StreamKind::Location)
    }

    /// Whether a register of a device can hold such a value.
    pub fn is_register_kind(self) -> bool {
        self.is_numeric() && self != StreamKind::Enum
    }

    /// Range of an integer kind; `None` for every other kind.
    pub fn integer_range(self) -> Option<RangeInclusive<i128>> {
        match self {
            StreamKind::Byte => Some(0..=u8::MAX.into()),
            StreamKind::Int16 => Some(i16::MIN.into()..=i16::MAX.into()),
            StreamKind::Int32 | StreamKind::Enum => Some(i32::MIN.into()..=i32::MAX.into()),
            StreamKind::Int64 => Some(i64::MIN.into()..=i64::MAX.into()),
            StreamKind::Uint16 => Some(0..=u16::MAX.into()),
            StreamKind::Uint32 => Some(0..=u32::MAX.into()),
            StreamKind::Uint64 => Some(0..=u64::MAX.into()),
            StreamKind::Bit
            | StreamKind::Fp16
            | StreamKind::Fp32
            | StreamKind::Fp64
            | StreamKind::Text
            | StreamKind::Json
            | StreamKind::Location => None,
        }
    }

    /// Whether exact values can lie beyond ±2^53 and then travel as decimal text.
    pub fn is_wide_integer(self) -> bool {
        matches!(self, StreamKind::Int64 | StreamKind::Uint64)
    }
}

impl fmt::Display for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StreamKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        StreamKind::ALL
            .into_iter()
            .find(|k| k.name() == text)
            .ok_or_else(|| Error::field("type", format!("\"{text}\" is not a valid choice.")))
    }
}
