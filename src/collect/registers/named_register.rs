//! A register as the grammar of its protocol names it. Pure.

use std::fmt;

use super::RegisterAddress;
use super::point::{PointError, RegisterPoint};
use crate::collect::codec::WordOrder;
use crate::domain::stream::StreamKind;

/// A cell, or one bit of the word there, with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedRegister {
    pub cell: RegisterAddress,
    /// A bit of the word at `cell`, 0..=15, bit 0 the least significant.
    pub bit: Option<u8>,
    /// Type of the value when none is given.
    pub default_kind: StreamKind,
    /// The canonical form, which parses back to the same register.
    pub name: String,
}

impl NamedRegister {
    /// Returns the point for a value of `kind`.
    ///
    /// # Errors
    /// The kind is no number, reaches past the last cell, or has another width than the cells.
    pub fn point(&self, kind: StreamKind, order: WordOrder) -> Result<RegisterPoint, PointError> {
        RegisterPoint::new(self.cell, self.bit, kind, order)
    }
}

impl fmt::Display for NamedRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
