//! Reasons why a value cannot be at an address. Pure.

use std::fmt;

use super::value_type::RegisterType;
use crate::domain::stream::StreamKind;

/// Why a value of this kind cannot be at this address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointError {
    NotANumber,
    PastTheEnd,
    /// The width of the cells does not fit the kind.
    OtherWidth,
    /// The address names a type with values that the kind cannot hold.
    OtherType(RegisterType),
    /// Bytes in words, but an odd number of them.
    OddLength,
    /// One request does not read all of it.
    TooLong,
    /// Each cell there is a value of its own, a timer or counter.
    SeparateCells,
    /// An array of bits, but the cells are words or bytes.
    BitsOfWords,
}

impl PointError {
    /// Message for the user, without a full stop; `register` is displayed as the address.
    pub fn describe(self, kind: StreamKind, register: impl fmt::Display) -> String {
        match self {
            PointError::NotANumber if kind == StreamKind::Text => {
                format!(
                    "a register holds no value of type text unless its length is named: {register}:text20"
                )
            }
            PointError::NotANumber => format!("a register holds no value of type {kind}"),
            PointError::PastTheEnd => format!("{kind} at {register} reaches past the last register"),
            PointError::OtherWidth => format!("{register} has another width than {kind}"),
            PointError::OtherType(own) => format!("{register} holds {own}, which is no {kind}"),
            PointError::OddLength => {
                format!("{register}: a text in whole words has an even number of characters")
            }
            PointError::TooLong => format!("{register} is longer than one request reads"),
            PointError::BitsOfWords => {
                format!("{register}: an array has whole registers as its elements, such as uint16")
            }
            PointError::SeparateCells => {
                format!("{kind} at {register} is wider than a single timer or counter of 16 bits")
            }
        }
    }
}
