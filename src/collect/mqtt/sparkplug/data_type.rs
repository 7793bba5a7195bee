//! Data types of metrics by their numbers (Sparkplug 3.0, section 6.4.16). Pure.

use std::fmt;

use crate::collect::numeric_value::NumericValue;

/// A type that metrics may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float,
    Double,
    Boolean,
    String,
    DateTime,
    Text,
    Uuid,
    DataSet,
    Template,
    /// Bytes, files, arrays and what later versions may add.
    Other(u32),
}

/// The types with a name here, by their numbers.
const NAMES: [(u32, DataType, &str); 17] = [
    (1, DataType::Int8, "Int8"),
    (2, DataType::Int16, "Int16"),
    (3, DataType::Int32, "Int32"),
    (4, DataType::Int64, "Int64"),
    (5, DataType::Uint8, "UInt8"),
    (6, DataType::Uint16, "UInt16"),
    (7, DataType::Uint32, "UInt32"),
    (8, DataType::Uint64, "UInt64"),
    (9, DataType::Float, "Float"),
    (10, DataType::Double, "Double"),
    (11, DataType::Boolean, "Boolean"),
    (12, DataType::String, "String"),
    (13, DataType::DateTime, "DateTime"),
    (14, DataType::Text, "Text"),
    (15, DataType::Uuid, "UUID"),
    (16, DataType::DataSet, "DataSet"),
    (19, DataType::Template, "Template"),
];

impl DataType {
    /// The type with this number.
    pub fn from_number(number: u32) -> DataType {
        let known = NAMES.into_iter().find(|(known, ..)| *known == number);
        known.map_or(DataType::Other(number), |(_, data_type, _)| data_type)
    }

    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            DataType::Other(number) => number,
            known => NAMES.into_iter().find(|(_, name, _)| *name == known).map_or(0, |(number, ..)| number),
        }
    }

    /// Smallest and largest value of an integer type; `None` for the others.
    pub fn integer_range(self) -> Option<(i128, i128)> {
        Some(match self {
            DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => (i64::MIN.into(), i64::MAX.into()),
            DataType::Uint8 => (0, u8::MAX.into()),
            DataType::Uint16 => (0, u16::MAX.into()),
            DataType::Uint32 => (0, u32::MAX.into()),
            DataType::Uint64 | DataType::DateTime => (0, u64::MAX.into()),
            _ => return None,
        })
    }

    /// Reads the two's complement of a field that is `field_bits` wide; `None` where the type is no integer or does not
    /// have the value.
    ///
    /// Some edge nodes fill the field with the sign, others set the bits of the type only, and some send `UInt32` in the
    /// wider field; all of these are told apart by the range of the type.
    pub fn decode_integer(self, bits: u64, field_bits: u32) -> Option<NumericValue> {
        let (low, high) = self.integer_range()?;
        let unsigned = i128::from(bits);
        if low == 0 {
            return (unsigned <= high).then_some(NumericValue::Uint(bits));
        }
        // Every signed type has as many values above as below zero. What is beyond them is negative.
        let widths = [2 * (high + 1), 1_i128 << field_bits];
        let negative =
            || widths.into_iter().map(|width| unsigned - width).find(|value| (low..0).contains(value));
        let value = if unsigned <= high { unsigned } else { negative()? };
        i64::try_from(value).ok().map(NumericValue::Int)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, NAMES.into_iter().find(|(_, known, _)| known == self)) {
            (_, Some((_, _, name))) => f.write_str(name),
            // Section 6.4.16: arrays are 22 to 34.
            (DataType::Other(17), _) => f.write_str("Bytes"),
            (DataType::Other(18), _) => f.write_str("File"),
            (DataType::Other(number @ 22..=34), _) => write!(f, "an array (type {number})"),
            (other, _) => write!(f, "type {}", other.number()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_its_number_and_name() {
        for number in 0..40 {
            assert_eq!(DataType::from_number(number).number(), number);
        }
        for (number, name) in [
            (1, "Int8"),
            (8, "UInt64"),
            (19, "Template"),
            (18, "File"),
            (24, "an array (type 24)"),
            (77, "type 77"),
        ] {
            assert_eq!(DataType::from_number(number).to_string(), name);
        }
    }
}
