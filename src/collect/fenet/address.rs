//! XGT CPU addresses as users write them. Pure.
//!
//! | written | means |
//! |---|---|
//! | `%DW100` `%MB201` `%DD50` `%DL25` | a word, byte, double or long word; the number counts in units of that size |
//! | `%MX2764` | a bit: word 172, bit 12 |
//! | `%DW100.C` | one bit of a word: a hexadecimal digit, 0 the least significant |
//! | `%IW0.2.1` `%QX0.1.3` | base, slot and number of a module's input or output (IEC CPUs) |
//!
//! The size letter gives the value's type unless the stream has a type. That type may be wider or narrower; it begins at
//! the same byte.

use std::fmt;

use super::space::{AREA_END, Area, FenetSpace, VariableSize};
use crate::collect::registers::RegisterAddress;
use crate::collect::registers::named_register::NamedRegister;
use crate::domain::stream::StreamKind;

/// One variable, or one bit of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FenetAddress {
    area: Area,
    size: VariableSize,
    /// Base and slot of the module.
    module: Option<(u8, u8)>,
    number: u32,
    bit: Option<u8>,
}

/// Why a text is no address; the message shows the valid form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid register \"{text}\". {why}")]
pub struct InvalidFenetAddress {
    text: String,
    why: &'static str,
}

const FORMS: &str = "Use %, an area, a size (X bit, B byte, W word, D double word, L long word) and a decimal number, such as \
                     %DW100, %MX2764, %DB200, or %DW100.C for a bit of a word.";
const AREAS_ARE: &str = "The areas are P, M, K, L, F, T, C, S, D, R, ZR, U, N, Z, I, Q and W: %DW100.";
const NUMBER: &str = "The number is decimal and within 16 MB of the area: %DW100.";
const BIT: &str = "The bit of a word is one hexadecimal digit: %DW100.0 to %DW100.F.";
const MODULE: &str = "Of I, Q and U base, slot and number can be named: %IW0.2.1 (each decimal; base and slot up to 15, number \
                      up to 63).";

impl std::str::FromStr for FenetAddress {
    type Err = InvalidFenetAddress;

    fn from_str(text: &str) -> Result<Self, InvalidFenetAddress> {
        parse(text).map_err(|why| InvalidFenetAddress { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<FenetAddress, &'static str> {
    let name = text.strip_prefix('%').ok_or(FORMS)?;
    let digits_at = name.find(|c: char| !c.is_ascii_alphabetic()).ok_or(FORMS)?;
    let (letters, number) = name.split_at(digits_at);
    let size = letters.chars().last().and_then(|letter| {
        VariableSize::ALL.into_iter().find(|size| size.letter().eq_ignore_ascii_case(&letter))
    });
    let (Some(size), Some(letters)) = (size, letters.get(..digits_at.saturating_sub(1))) else {
        return Err(FORMS);
    };
    let area = Area::from_letters(letters).ok_or(AREAS_ARE)?;
    let mut parts = number.split('.');
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let plain = FenetAddress { area, size, module: None, number: 0, bit: None };
    let address = match (second, third) {
        _ if parts.next().is_some() => return Err(MODULE),
        (None, _) => FenetAddress { number: parse_number(first).ok_or(NUMBER)?, ..plain },
        (Some(bit), None) if size == VariableSize::Word => FenetAddress {
            number: parse_number(first).ok_or(NUMBER)?,
            bit: Some(parse_bit(bit).ok_or(BIT)?),
            ..plain
        },
        (Some(_), None) => return Err(BIT),
        (Some(slot), Some(number)) if area.has_modules() => {
            let level = |text| parse_number(text).and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= 15);
            let module = level(first).zip(level(slot));
            FenetAddress {
                module: Some(module.ok_or(MODULE)?),
                number: parse_number(number).ok_or(MODULE)?,
                ..plain
            }
        }
        (Some(_), Some(_)) => return Err(MODULE),
    };
    let RegisterAddress { space, offset } = address.cell();
    if offset < space.end { Ok(address) } else { Err(if address.module.is_some() { MODULE } else { NUMBER }) }
}

/// Parses one to nine digits and nothing else: no sign, no blank.
fn parse_number(text: &str) -> Option<u32> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number: Option<u32> = if is_number { text.parse().ok() } else { None };
    number.filter(|number| *number < AREA_END * 8)
}

fn parse_bit(text: &str) -> Option<u8> {
    let mut digits = text.chars();
    let bit = digits.next()?.to_digit(16)?;
    if digits.next().is_none() { u8::try_from(bit).ok() } else { None }
}

impl FenetAddress {
    /// Type of the value when none is given.
    pub fn default_kind(&self) -> StreamKind {
        if self.bit.is_some() { StreamKind::Bit } else { self.size.kind() }
    }

    /// The first cell of the variable.
    pub fn cell(&self) -> RegisterAddress {
        let FenetAddress { area, size, number, .. } = *self;
        let (space, offset) = match (self.module, size) {
            (Some((base, slot)), _) => (FenetSpace::Module { area, size, base, slot }, number),
            (None, VariableSize::Bit) if area.has_bits() => (FenetSpace::Bits(area), number),
            (None, VariableSize::Bit) => (FenetSpace::Bytes(area), number / 16 * 2),
            (None, _) => (FenetSpace::Bytes(area), number.saturating_mul(size.width())),
        };
        RegisterAddress { space: space.into(), offset }
    }

    /// The bit of the word at `cell`, if the address names one.
    pub fn bit(&self) -> Option<u8> {
        let of_word = self.module.is_none() && self.size == VariableSize::Bit && !self.area.has_bits();
        if of_word { Some((self.number % 16) as u8) } else { self.bit }
    }
}

impl From<FenetAddress> for NamedRegister {
    fn from(address: FenetAddress) -> NamedRegister {
        NamedRegister {
            cell: address.cell(),
            bit: address.bit(),
            default_kind: address.default_kind(),
            value_type: None,
            name: address.to_string(),
        }
    }
}

impl fmt::Display for FenetAddress {
    /// The canonical form, which parses back to the same address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}{}", self.area.letters(), self.size.letter())?;
        if let Some((base, slot)) = self.module {
            write!(f, "{base}.{slot}.")?;
        }
        write!(f, "{}", self.number)?;
        self.bit.map_or(Ok(()), |bit| write!(f, ".{bit:X}"))
    }
}

/// Name of the variable of a size that begins at a cell; `None` where there is none.
pub fn variable(cell: RegisterAddress, size: VariableSize) -> Option<String> {
    let RegisterAddress { space, offset } = cell;
    match FenetSpace::from_register_space(space)? {
        FenetSpace::Bytes(area) if size != VariableSize::Bit && offset % size.width() == 0 => {
            Some(format!("%{}{}{}", area.letters(), size.letter(), offset / size.width()))
        }
        FenetSpace::Bits(area) if size == VariableSize::Bit => Some(format!("%{}X{offset}", area.letters())),
        FenetSpace::Module { area, size: own, base, slot } if own == size => {
            Some(format!("%{}{}{base}.{slot}.{offset}", area.letters(), size.letter()))
        }
        FenetSpace::Bytes(_) | FenetSpace::Bits(_) | FenetSpace::Module { .. } => None,
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
