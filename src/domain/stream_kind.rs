//! Value types of streams.

use std::ops::RangeInclusive;

use super::named_enum::named_enum;

named_enum! {
    /// Value type of a stream.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum StreamKind {
        /// 0 or 1, one bit in the device.
        Bit = "bit",
        /// An unsigned integer of 8 bits.
        Byte = "byte",
        /// A signed integer of 16 bits, one word.
        Int16 = "int16",
        /// A signed integer of 32 bits, two words.
        Int32 = "int32",
        /// A signed integer of 64 bits, four words.
        Int64 = "int64",
        /// An unsigned integer of 16 bits, one word.
        Uint16 = "uint16",
        /// An unsigned integer of 32 bits, two words.
        Uint32 = "uint32",
        /// An unsigned integer of 64 bits, four words.
        Uint64 = "uint64",
        /// An IEEE 754 binary16 number, one word; largest value 65,504.
        Fp16 = "fp16",
        /// An IEEE 754 binary32 number, two words.
        Fp32 = "fp32",
        /// An IEEE 754 binary64 number, four words.
        Fp64 = "fp64",
        /// A string.
        Text = "text",
        /// Any JSON value, stored as its text.
        Json = "json",
        /// `[longitude, latitude]` in degrees, stored as JSON text.
        Location = "location",
        /// The number of one of several states, a signed integer of 32 bits.
        Enum = "enum",
    }
    display;
    field "type";
}

impl StreamKind {
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

    /// Largest finite number of a float kind that holds fewer than all of an f64; `None` for every other kind.
    pub fn largest_float(self) -> Option<f64> {
        match self {
            StreamKind::Fp16 => Some(65_504.0),
            StreamKind::Fp32 => Some(f64::from(f32::MAX)),
            _ => None,
        }
    }

    /// Whether exact values can lie beyond ±2^53 and then travel as decimal text.
    pub fn is_wide_integer(self) -> bool {
        matches!(self, StreamKind::Int64 | StreamKind::Uint64)
    }
}
