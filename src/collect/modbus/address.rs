//! Modbus addresses as users write them. Pure.
//!
//! | written | means |
//! |---|---|
//! | `hr:100` `ir:100` `co:5` `di:5` | holding register, input register, coil, discrete input; zero-based |
//! | `holding:100` `HR100` `hr:0x64` | the same; `H100` is refused, since H begins hexadecimal numbers elsewhere |
//! | `hr:100.5` | bit 5 of a register, bit 0 the least significant; after any register form |
//! | `40001` `400001` | classic, one-based, 5 or 6 digits: leading 4 holding, 3 input, 1 discrete, 0 coil |
//! | `4x0001` `4:1` | the same; a coil is not written `0x0001`, which may be a hexadecimal number |
//! | `%MW100` `%IW100` `%M5` `%MX5` `%I5` | IEC style, zero-based: holding, input, coil, coil, discrete |

use std::fmt;
use std::str::FromStr;

use super::space::ModbusSpace;
use crate::collect::registers::RegisterAddress;
use crate::collect::registers::named_register::NamedRegister;
use crate::domain::stream::StreamKind;

/// One register, coil, or bit of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModbusAddress {
    pub space: ModbusSpace,
    /// Zero-based, as on the wire.
    pub offset: u16,
    /// A bit of a register, 0..=15; always `None` in a space of bits.
    pub bit: Option<u8>,
}

impl fmt::Display for ModbusAddress {
    /// The canonical form, which parses back to the same address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.space.prefix(), self.offset)?;
        self.bit.map_or(Ok(()), |bit| write!(f, ".{bit}"))
    }
}

impl From<ModbusAddress> for NamedRegister {
    fn from(address: ModbusAddress) -> NamedRegister {
        let is_bit = address.space.is_bits() || address.bit.is_some();
        NamedRegister {
            cell: RegisterAddress { space: address.space.into(), offset: address.offset.into() },
            bit: address.bit,
            default_kind: if is_bit { StreamKind::Bit } else { StreamKind::Uint16 },
            value_type: None,
            name: address.to_string(),
        }
    }
}

/// Why a text is no address; the message shows the valid forms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid register \"{text}\". {why}")]
pub struct InvalidModbusAddress {
    text: String,
    why: &'static str,
}

const FORMS: &str = "Use hr:0, ir:0, co:0 or di:0 (zero-based), hr:0.5 for a bit of a register, 40001, 400001, 4x0001 or 4:1 \
                     (one-based), or %MW0, %IW0, %M0, %MX0, %I0.";
const BARE: &str = "A bare number is ambiguous: write hr:0 (zero-based; ir:, co:, di: alike) or 40001 \
                    (one-based, 5 or 6 digits).";
const DOUBLE: &str = "%MD numbers differ between makers: write the first word as %MW0 or hr:0 and choose a \
                      32-bit type.";
const LETTER: &str = "One letter is ambiguous, and so is whether it counts from 0 or 1: write hr:5, ir:5, co:5 or di:5 (from 0), or \
                      40006, 30006, 00006 or 10006 (from 1).";
const HEXADECIMAL: &str = "H begins a hexadecimal number in other programs, such as H0FF for coil 255: write hr:40 or hr:0x28 for a holding \
                           register, co:255 or co:0xFF for a coil.";
const COIL_OR_HEX: &str = "0x is the beginning of a coil or of a hexadecimal number: write co:0 or 00001 for the first coil, \
                           hr:0x1F for a hexadecimal number.";
const ZERO_BASED: &str = "The number is 0 to 65535: hr:0 to hr:65535.";
const ONE_BASED: &str = "The number is 1 to 65536: 4:1 and 4x00001 are the same as hr:0.";
const BIT: &str = "The bits of a register are 0 to 15, bit 0 the least significant: hr:0.0 to hr:0.15.";
const SINGLE_BIT: &str = "A coil or discrete input is a single bit: write co:0 or di:0.";

impl FromStr for ModbusAddress {
    type Err = InvalidModbusAddress;

    fn from_str(text: &str) -> Result<Self, InvalidModbusAddress> {
        parse(text).map_err(|why| InvalidModbusAddress { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<ModbusAddress, &'static str> {
    let (register, bit) = match text.split_once('.') {
        Some((register, bit)) => (register, Some(bit)),
        None => (text, None),
    };
    let (space, offset) = parse_register(register)?;
    let bit = match bit {
        None => None,
        Some(_) if space.is_bits() => return Err(SINGLE_BIT),
        Some(bit) => Some(parse_bit(bit).ok_or(BIT)?),
    };
    Ok(ModbusAddress { space, offset, bit })
}

fn parse_bit(text: &str) -> Option<u8> {
    u8::try_from(parse_number(text)?).ok().filter(|bit| *bit < 16)
}

fn parse_register(text: &str) -> Result<(ModbusSpace, u16), &'static str> {
    if let Some(name) = text.strip_prefix('%') {
        return parse_iec(name);
    }
    if let Some((prefix, number)) = text.split_once(':') {
        return match numbered_space(prefix) {
            Some(space) => Ok((space, parse_ordinal(number)?)),
            None => Ok((named_space(prefix).ok_or(FORMS)?, parse_offset(number)?)),
        };
    }
    if let Some((prefix, number)) = text.split_once(['x', 'X']).filter(|(prefix, _)| prefix.len() == 1) {
        let space = numbered_space(prefix).ok_or(FORMS)?;
        return if space == ModbusSpace::Coil {
            Err(COIL_OR_HEX)
        } else {
            Ok((space, parse_ordinal(number)?))
        };
    }
    match text.find(|c: char| c.is_ascii_digit()) {
        Some(0) => parse_classic(text),
        Some(digits_at) => parse_lettered(text.split_at(digits_at)),
        None => Err(FORMS),
    }
}

/// The space with this name, as `hr:100` and other programs write it.
fn named_space(name: &str) -> Option<ModbusSpace> {
    match name.to_ascii_lowercase().as_str() {
        "hr" | "holding" | "holding_register" => Some(ModbusSpace::Holding),
        "ir" | "input" | "input_register" => Some(ModbusSpace::Input),
        "co" | "coil" => Some(ModbusSpace::Coil),
        "di" | "discrete" | "discrete_input" => Some(ModbusSpace::Discrete),
        _ => None,
    }
}

/// The space with this number in the classic notation.
fn numbered_space(digit: &str) -> Option<ModbusSpace> {
    match digit {
        "0" => Some(ModbusSpace::Coil),
        "1" => Some(ModbusSpace::Discrete),
        "3" => Some(ModbusSpace::Input),
        "4" => Some(ModbusSpace::Holding),
        _ => None,
    }
}

/// Parses `HR100`.
fn parse_lettered((letters, number): (&str, &str)) -> Result<(ModbusSpace, u16), &'static str> {
    let space = match letters.to_ascii_uppercase().as_str() {
        "HR" => ModbusSpace::Holding,
        "IR" => ModbusSpace::Input,
        "CO" => ModbusSpace::Coil,
        "DI" => ModbusSpace::Discrete,
        "R" | "I" | "C" => return Err(LETTER),
        "H" => return Err(HEXADECIMAL),
        _ => return Err(FORMS),
    };
    Ok((space, parse_offset(number)?))
}

/// Parses `MW100`, the part of `%MW100` after the percent sign.
fn parse_iec(name: &str) -> Result<(ModbusSpace, u16), &'static str> {
    let digits_at = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (letters, number) = name.split_at(digits_at);
    let space = match letters.to_ascii_uppercase().as_str() {
        "MW" => ModbusSpace::Holding,
        "IW" => ModbusSpace::Input,
        "M" | "MX" => ModbusSpace::Coil,
        "I" => ModbusSpace::Discrete,
        "MD" => return Err(DOUBLE),
        _ => return Err(FORMS),
    };
    Ok((space, parse_offset(number)?))
}

/// Parses `40001`, which reaches 9999 registers, or `400001`, which reaches all 65536.
fn parse_classic(text: &str) -> Result<(ModbusSpace, u16), &'static str> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(FORMS);
    }
    let (space, number) = text.split_at(1);
    let space = numbered_space(space).filter(|_| matches!(text.len(), 5 | 6)).ok_or(BARE)?;
    Ok((space, parse_ordinal(number).map_err(|_| BARE)?))
}

/// Parses a number that counts from 0, decimal or, after `0x`, hexadecimal.
fn parse_offset(text: &str) -> Result<u16, &'static str> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let is_hexadecimal = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    match hexadecimal {
        Some(digits) if is_hexadecimal(digits) => u16::from_str_radix(digits, 16).map_err(|_| ZERO_BASED),
        Some(_) => Err(FORMS),
        None if is_decimal(text) => {
            parse_number(text).and_then(|number| u16::try_from(number).ok()).ok_or(ZERO_BASED)
        }
        None => Err(FORMS),
    }
}

/// Parses a decimal number that counts from 1, as the offset that counts from 0.
fn parse_ordinal(text: &str) -> Result<u16, &'static str> {
    if !is_decimal(text) {
        return Err(FORMS);
    }
    let offset = parse_number(text).and_then(|number| u16::try_from(number.checked_sub(1)?).ok());
    offset.ok_or(ONE_BASED)
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Parses one to six digits and nothing else: no sign, no blank.
fn parse_number(text: &str) -> Option<u32> {
    if is_decimal(text) && text.len() <= 6 { text.parse().ok() } else { None }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
