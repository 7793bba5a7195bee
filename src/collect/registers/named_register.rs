//! A register as the grammar of its protocol names it. Pure.

use std::fmt;

use super::point::RegisterPoint;
use super::point_error::PointError;
use super::value_type::RegisterType;
use super::{CellUnit, RegisterAddress};
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
    /// Type that the address names. Streams there have a type that holds all its values.
    pub value_type: Option<RegisterType>,
    /// The canonical form, which parses back to the same register.
    pub name: String,
}

impl NamedRegister {
    /// Returns the point for a value of `kind`.
    ///
    /// # Errors
    /// The kind is no number, reaches past the last cell, or has another width than the cells. The address names a type that
    /// the kind cannot hold.
    pub fn point(&self, kind: StreamKind, order: WordOrder) -> Result<RegisterPoint, PointError> {
        match self.value_type {
            Some(value_type) => RegisterPoint::of_type(self.cell, value_type, kind, order),
            None => RegisterPoint::new(self.cell, self.bit, kind, order),
        }
    }

    /// Returns the register as holding values of a type.
    ///
    /// # Errors
    /// A message: it is a single bit, its address names another type already, or such a value does not fit there.
    pub fn with_type(self, value_type: RegisterType) -> Result<NamedRegister, String> {
        let is_bit = RegisterType::Plain(StreamKind::Bit) == value_type;
        let is_single =
            self.bit.is_some() || (self.cell.space.unit == CellUnit::Bit && !self.cell.space.packs_numbers);
        match self.value_type {
            Some(own) if own == value_type => Ok(self),
            Some(own) => Err(format!("{self} names the type {own} already, not {value_type}.")),
            None if is_single && is_bit => Ok(self),
            None if is_single => Err(format!("{self} is a single bit and holds no {value_type}.")),
            None => {
                let (kind, name) = (value_type.default_kind(), format!("{self}:{value_type}"));
                let typed = NamedRegister { default_kind: kind, value_type: Some(value_type), name, ..self };
                match typed.point(kind, WordOrder::Abcd) {
                    Ok(_) => Ok(typed),
                    Err(fault) => Err(format!("{}.", fault.describe(kind, &typed))),
                }
            }
        }
    }

    /// Returns the register as the first one of an array of so many values of its type.
    ///
    /// # Errors
    /// A message: it is a bit of a register, its values have a length of their own, or the array does not fit there.
    pub fn array(self, count: u16) -> Result<NamedRegister, String> {
        if self.bit.is_some() {
            return Err(format!("{self} is a single bit and begins no array."));
        }
        let element = self.value_type.unwrap_or(RegisterType::Plain(self.default_kind));
        let array = RegisterType::array(element, count);
        let array = array.ok_or_else(|| format!("{self} holds {element}, of which there is no array."))?;
        let name = match self.value_type {
            Some(_) => format!("{self}[{count}]"),
            None => format!("{self}:{array}"),
        };
        let kind = array.default_kind();
        let named = NamedRegister { default_kind: kind, value_type: Some(array), name, ..self };
        match named.point(kind, WordOrder::Abcd) {
            Ok(_) => Ok(named),
            Err(fault) => Err(format!("{}.", fault.describe(kind, &named))),
        }
    }

    /// Checks the type of a stream at this register.
    ///
    /// # Errors
    /// A message that names the type, and those that are valid.
    pub fn check_kind(&self, kind: StreamKind) -> Result<(), String> {
        if let Some(own) = self.value_type {
            let valid = || names(|kind| own.fits(kind));
            let refused = || format!("{self} holds {own}, which is no {kind}: use one of {}.", valid());
            return if own.fits(kind) { Ok(()) } else { Err(refused()) };
        }
        if kind.is_register_kind() {
            return match self.point(kind, WordOrder::Abcd) {
                Err(why @ PointError::SeparateCells) => Err(format!(
                    "{}: use int16 or uint16, or name its type in the path.",
                    why.describe(kind, self)
                )),
                _ => Ok(()),
            };
        }
        let valid = names(StreamKind::is_register_kind);
        let advice = match kind {
            StreamKind::Text => {
                format!(", or name the length of the text in the path, such as {self}:text20")
            }
            StreamKind::Enum => format!(", or name the register's type in the path, such as {self}:uint16"),
            _ => String::new(),
        };
        Err(format!("A register holds no value of type {kind}: use one of {valid}{advice}."))
    }
}

/// Names of the types of streams that fulfil a condition.
fn names(condition: impl Fn(StreamKind) -> bool) -> String {
    let valid = StreamKind::ALL.into_iter().filter(|kind| condition(*kind)).map(StreamKind::name);
    valid.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for NamedRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
