//! MELSEC CPU addresses as users write them. Pure.
//!
//! | written | means |
//! |---|---|
//! | `D100` `ZR5000` `TN5` | a word, counted in decimal |
//! | `W1F` `SW0` | a word, counted in hexadecimal |
//! | `M10` `TS5` | a bit, counted in decimal |
//! | `X1F` `B0` `DX10` | a bit, counted in hexadecimal; `X` and `Y` in octal when the device says so |
//! | `D100.A` | one bit of a word: a hexadecimal digit, 0 the least significant |
//!
//! A number of 16 bits or more at a bit device takes that many bits from there on.

use std::fmt;

use super::device::{MelsecDevice, Radix, SPACE_END};
use crate::collect::registers::named_register::NamedRegister;
use crate::collect::registers::{CellUnit, RegisterAddress};
use crate::domain::stream::StreamKind;

/// One device, or one bit of a word device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MelsecAddress {
    pub device: MelsecDevice,
    /// As on the wire: a plain number, whatever radix it was written in. Below `SPACE_END`.
    pub number: u32,
    /// Bit of a word, 0..=15.
    pub bit: Option<u8>,
    radix: Radix,
}

/// Why a text is no address; the message shows the valid form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid register \"{text}\". {why}")]
pub struct InvalidMelsecAddress {
    text: String,
    why: String,
}

const FORMS: &str =
    "Use a device and its number, such as D100, W1F, R0, ZR0, M10, X1F, TN5, or D100.A for a bit of a word.";

impl MelsecAddress {
    /// Parses an address; `xy` is the radix of X and Y on this CPU.
    pub fn parse(text: &str, xy: Radix) -> Result<MelsecAddress, InvalidMelsecAddress> {
        let invalid = |why| InvalidMelsecAddress { text: text.to_owned(), why };
        let (register, bit) = match text.split_once('.') {
            Some((register, bit)) => (register, Some(bit)),
            None => (text, None),
        };
        let (device, digits) = MelsecDevice::split(register).ok_or_else(|| invalid(no_device(register)))?;
        let radix = if device.is_input_or_output() { xy } else { device.radix() };
        let number = parse_number(digits, radix).ok_or_else(|| invalid(no_number(device, radix)))?;
        let bit = match (bit, device.unit()) {
            (None, _) => None,
            (Some(bit), CellUnit::Word) => Some(parse_bit(bit).ok_or_else(|| invalid(NO_BIT.to_owned()))?),
            (Some(_), _) => {
                return Err(invalid(format!("{device} has no bits to choose from: write {device}{digits}.")));
            }
        };
        Ok(MelsecAddress { device, number, bit, radix })
    }
}

const NO_BIT: &str = "The bit is one hexadecimal digit: D100.0 to D100.F.";

impl fmt::Display for MelsecAddress {
    /// The canonical form, which parses back to the same address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MelsecAddress { device, number, .. } = self;
        match self.radix {
            Radix::Octal => write!(f, "{device}{number:o}")?,
            Radix::Decimal => write!(f, "{device}{number}")?,
            Radix::Hexadecimal => write!(f, "{device}{number:X}")?,
        }
        self.bit.map_or(Ok(()), |bit| write!(f, ".{bit:X}"))
    }
}

impl From<MelsecAddress> for NamedRegister {
    fn from(address: MelsecAddress) -> NamedRegister {
        let default_kind = match address.device.unit() {
            CellUnit::Wide(_) => StreamKind::Uint32,
            CellUnit::Bit => StreamKind::Bit,
            CellUnit::Byte | CellUnit::Word if address.bit.is_some() => StreamKind::Bit,
            CellUnit::Byte | CellUnit::Word => StreamKind::Uint16,
        };
        NamedRegister {
            cell: RegisterAddress { space: address.device.into(), offset: address.number },
            bit: address.bit,
            default_kind,
            value_type: None,
            name: address.to_string(),
        }
    }
}

/// Parses digits of the radix and nothing else: no sign, no blank.
fn parse_number(digits: &str, radix: Radix) -> Option<u32> {
    let is_number = (1..=9).contains(&digits.len()) && digits.chars().all(|c| c.is_digit(radix.base()));
    let number = if is_number { u32::from_str_radix(digits, radix.base()).ok() } else { None };
    number.filter(|number| *number < SPACE_END)
}

fn parse_bit(text: &str) -> Option<u8> {
    let mut digits = text.chars();
    let bit = digits.next()?.to_digit(16)?;
    if digits.next().is_none() { u8::try_from(bit).ok() } else { None }
}

fn no_device(text: &str) -> String {
    let letter = text.get(..1).unwrap_or_default().to_ascii_uppercase();
    match letter.as_str() {
        "T" | "C" => {
            format!(
                "Of a timer or counter write which part: {letter}N5 the value, {letter}S5 the contact, {letter}C5 the coil."
            )
        }
        _ => FORMS.to_owned(),
    }
}

fn no_number(device: MelsecDevice, radix: Radix) -> String {
    let (words, example) = match radix {
        Radix::Octal => ("an octal", "17"),
        Radix::Decimal => ("a decimal", "100"),
        Radix::Hexadecimal => ("a hexadecimal", "1F"),
    };
    format!("{device} takes {words} number below {}: {device}{example}. {FORMS}", in_radix(radix))
}

fn in_radix(radix: Radix) -> String {
    match radix {
        Radix::Octal => format!("{SPACE_END:o}"),
        Radix::Decimal => SPACE_END.to_string(),
        Radix::Hexadecimal => format!("{SPACE_END:X}"),
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
