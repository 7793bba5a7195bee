//! Modbus addresses as users write them. Pure.
//!
//! | written | means |
//! |---|---|
//! | `hr:100` `ir:100` `co:5` `di:5` | holding register, input register, coil, discrete input; zero-based |
//! | `hr:100.5` | bit 5 of a register, bit 0 the least significant; after any register form |
//! | `40001` `400001` | classic, one-based, 5 or 6 digits: leading 4 holding, 3 input, 1 discrete, 0 coil |
//! | `%MW100` `%IW100` `%M5` `%MX5` `%I5` | IEC style, zero-based: holding, input, coil, coil, discrete |

use std::fmt;
use std::str::FromStr;

use super::space::ModbusSpace;
use crate::collect::address::DeviceAddress;
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

impl From<ModbusAddress> for DeviceAddress {
    fn from(address: ModbusAddress) -> DeviceAddress {
        let is_bit = address.space.is_bits() || address.bit.is_some();
        DeviceAddress::Register(NamedRegister {
            cell: RegisterAddress { space: address.space.into(), offset: address.offset.into() },
            bit: address.bit,
            default_kind: if is_bit { StreamKind::Bit } else { StreamKind::Uint16 },
            name: address.to_string(),
        })
    }
}

/// Why a text is no address; the message shows the valid forms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid register \"{text}\". {why}")]
pub struct InvalidModbusAddress {
    text: String,
    why: &'static str,
}

const FORMS: &str = "Use hr:0, ir:0, co:0 or di:0 (zero-based), hr:0.5 for a bit of a register, 40001 or 400001 \
                     (one-based, 5 or 6 digits), or %MW0, %IW0, %M0, %MX0, %I0.";
const BARE: &str = "A bare number is ambiguous: write hr:0 (zero-based; ir:, co:, di: alike) or 40001 \
                    (one-based, 5 or 6 digits).";
const DOUBLE: &str = "%MD numbers differ between makers: write the first word as %MW0 or hr:0 and choose a \
                      32-bit type.";

impl FromStr for ModbusAddress {
    type Err = InvalidModbusAddress;

    fn from_str(text: &str) -> Result<Self, InvalidModbusAddress> {
        parse(text).ok_or_else(|| InvalidModbusAddress { text: text.to_owned(), why: reason(text) })
    }
}

fn reason(text: &str) -> &'static str {
    let is_double = text.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("%MD"));
    if is_double {
        DOUBLE
    } else if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        BARE
    } else {
        FORMS
    }
}

fn parse(text: &str) -> Option<ModbusAddress> {
    let (register, bit) = match text.split_once('.') {
        Some((register, bit)) => (register, Some(parse_bit(bit)?)),
        None => (text, None),
    };
    let (space, offset) =
        parse_prefixed(register).or_else(|| parse_iec(register)).or_else(|| parse_classic(register))?;
    (bit.is_none() || !space.is_bits()).then_some(ModbusAddress { space, offset, bit })
}

fn parse_bit(text: &str) -> Option<u8> {
    u8::try_from(parse_number(text)?).ok().filter(|bit| *bit < 16)
}

/// Parses `hr:100`.
fn parse_prefixed(text: &str) -> Option<(ModbusSpace, u16)> {
    let (prefix, number) = text.split_once(':')?;
    let space = ModbusSpace::ALL.into_iter().find(|space| space.prefix().eq_ignore_ascii_case(prefix))?;
    Some((space, parse_offset(number)?))
}

/// Parses `%MW100`.
fn parse_iec(text: &str) -> Option<(ModbusSpace, u16)> {
    let text = text.strip_prefix('%')?;
    let digits_at = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = text.split_at(digits_at);
    let space = match letters.to_ascii_uppercase().as_str() {
        "MW" => ModbusSpace::Holding,
        "IW" => ModbusSpace::Input,
        "M" | "MX" => ModbusSpace::Coil,
        "I" => ModbusSpace::Discrete,
        _ => return None,
    };
    Some((space, parse_offset(number)?))
}

/// Parses `40001`, which reaches 9999 registers, or `400001`, which reaches all 65536.
fn parse_classic(text: &str) -> Option<(ModbusSpace, u16)> {
    if !matches!(text.len(), 5 | 6) {
        return None;
    }
    let space = match text.as_bytes()[0] {
        b'0' => ModbusSpace::Coil,
        b'1' => ModbusSpace::Discrete,
        b'3' => ModbusSpace::Input,
        b'4' => ModbusSpace::Holding,
        _ => return None,
    };
    let ordinal = parse_number(text.get(1..)?)?;
    Some((space, u16::try_from(ordinal.checked_sub(1)?).ok()?))
}

fn parse_offset(text: &str) -> Option<u16> {
    u16::try_from(parse_number(text)?).ok()
}

/// Parses one to six digits and nothing else: no sign, no blank.
fn parse_number(text: &str) -> Option<u32> {
    let is_number = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
