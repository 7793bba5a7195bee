//! S7 addresses as users write them. Pure.
//!
//! | written | means |
//! |---|---|
//! | `DB1.DBX0.3` | bit 3 of byte 0 of data block 1 |
//! | `DB1.DBB0` `DB1.DBW0` `DB1.DBD0` | a byte, word or double word; the number counts bytes |
//! | `M0.3` `MB0` `MW0` `MD0` | the same of the bit memory |
//! | `I0.3` `IB0` `IW0` `ID0` | inputs, also written with `E` |
//! | `Q0.3` `QB0` `QW0` `QD0` | outputs, also written with `A` |
//! | `PIB0` `PIW256` `PID256` | inputs past the process image, also written with `PE`; outputs (`PQ`, `PA`) have none and are those of `Q` |
//! | `T5` `C5` | the word of a timer or counter; a counter is also written with `Z` |
//!
//! A `%` in front is read over, as TIA Portal writes it. The size letter gives the value's type unless the stream has a
//! type. That type may be wider or narrower; it begins at the same byte.

use std::fmt;
use std::str::FromStr;

use super::area::{AREA_END, S7Area};
use crate::collect::registers::RegisterAddress;
use crate::collect::registers::named_register::NamedRegister;
use crate::domain::stream::StreamKind;

/// A bit, or the beginning of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct S7Address {
    pub area: S7Area,
    pub size: S7Size,
    /// Number of the first byte, or of the timer or counter.
    pub start: u32,
}

/// Size of what an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum S7Size {
    /// A bit of a byte, 0..=7.
    Bit(u8),
    Byte,
    /// 16 bits; also a timer or a counter.
    Word,
    Double,
}

/// Why a text is no address; the message shows the valid form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid register \"{text}\". {why}")]
pub struct InvalidS7Address {
    text: String,
    why: &'static str,
}

pub(super) const FORMS: &str = "Use DB1.DBX0.3 (a bit), DB1.DBB0 (a byte), DB1.DBW0 (a word), DB1.DBD0 (a double word), M0.3, MB0, MW0, MD0 and \
                     the same with I and Q, or T5 and C5.";
pub(super) const BLOCK: &str = "The number of a data block is 1 to 65535: DB1.DBW0.";
pub(super) const BYTE: &str = "The number counts bytes and is decimal, 0 to 65535: DB1.DBD4.";
const BIT: &str =
    "A bit is named by its byte and a number from 0 to 7: DB1.DBX0.0 to DB1.DBX0.7, M0.0 to M0.7.";
const PERIPHERAL: &str =
    "Of peripheral inputs and outputs a byte, word or double word is named: PIB256, PIW256, PID256, PQW256.";
const NUMBER: &str = "Timers and counters have decimal numbers from 0 to 65535: T5, C5.";

impl FromStr for S7Address {
    type Err = InvalidS7Address;

    fn from_str(text: &str) -> Result<Self, InvalidS7Address> {
        parse(text).map_err(|why| InvalidS7Address { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<S7Address, &'static str> {
    let text = text.strip_prefix('%').unwrap_or(text).to_ascii_uppercase();
    if let Some(rest) = text.strip_prefix("DB") {
        let (block, place) = rest.split_once('.').ok_or(FORMS)?;
        let block = parse_block(block).ok_or(BLOCK)?;
        return parse_place(S7Area::DataBlock(block), place.strip_prefix("DB").ok_or(FORMS)?);
    }
    let peripheral = [
        ("PI", S7Area::Peripheral),
        ("PE", S7Area::Peripheral),
        ("PQ", S7Area::Outputs),
        ("PA", S7Area::Outputs),
    ];
    let peripheral = peripheral.into_iter().find_map(|(name, area)| Some((area, text.strip_prefix(name)?)));
    if let Some((area, place)) = peripheral {
        return if place.starts_with(['B', 'W', 'D']) { parse_place(area, place) } else { Err(PERIPHERAL) };
    }
    let letter = text.chars().next().ok_or(FORMS)?;
    let rest = &text[letter.len_utf8()..];
    let area = match letter {
        'I' | 'E' => S7Area::Inputs,
        'Q' | 'A' => S7Area::Outputs,
        'M' => S7Area::Memory,
        'T' | 'C' | 'Z' => {
            let area = if letter == 'T' { S7Area::Timers } else { S7Area::Counters };
            let start = parse_number(rest).ok_or(NUMBER)?;
            return Ok(S7Address { area, size: S7Size::Word, start });
        }
        _ => return Err(FORMS),
    };
    // Outside of data blocks a bit has no size letter, but some programs write one.
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        parse_bit(area, rest)
    } else {
        parse_place(area, rest)
    }
}

/// Parses the number of a data block, 1 to 65535.
pub(super) fn parse_block(text: &str) -> Option<u16> {
    parse_number(text).and_then(|number| u16::try_from(number).ok()).filter(|number| *number != 0)
}

/// Parses a size letter and its number.
fn parse_place(area: S7Area, text: &str) -> Result<S7Address, &'static str> {
    let letter = text.chars().next().ok_or(FORMS)?;
    let number = &text[letter.len_utf8()..];
    let size = match letter {
        'X' => return parse_bit(area, number),
        'B' => S7Size::Byte,
        'W' => S7Size::Word,
        'D' => S7Size::Double,
        _ => return Err(FORMS),
    };
    Ok(S7Address { area, size, start: parse_number(number).ok_or(BYTE)? })
}

pub(super) fn parse_bit(area: S7Area, text: &str) -> Result<S7Address, &'static str> {
    let (byte, bit) = text.split_once('.').ok_or(BIT)?;
    let bit = parse_number(bit).and_then(|bit| u8::try_from(bit).ok()).filter(|bit| *bit < 8).ok_or(BIT)?;
    Ok(S7Address { area, size: S7Size::Bit(bit), start: parse_number(byte).ok_or(BYTE)? })
}

/// Parses one to nine digits and nothing else: no sign, no blank.
pub(super) fn parse_number(text: &str) -> Option<u32> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number: Option<u32> = if is_number { text.parse().ok() } else { None };
    number.filter(|number| *number < AREA_END)
}

impl S7Address {
    fn default_kind(self) -> StreamKind {
        match self.size {
            S7Size::Bit(_) => StreamKind::Bit,
            S7Size::Byte => StreamKind::Byte,
            S7Size::Word => StreamKind::Uint16,
            S7Size::Double => StreamKind::Uint32,
        }
    }
}

impl From<S7Address> for NamedRegister {
    fn from(address: S7Address) -> NamedRegister {
        NamedRegister {
            cell: RegisterAddress { space: address.area.into(), offset: address.start },
            bit: match address.size {
                S7Size::Bit(bit) => Some(bit),
                S7Size::Byte | S7Size::Word | S7Size::Double => None,
            },
            default_kind: address.default_kind(),
            value_type: None,
            name: address.to_string(),
        }
    }
}

impl fmt::Display for S7Address {
    /// The canonical form, which parses back to the same address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let S7Address { area, size, start } = self;
        let bit_letter = match area {
            S7Area::Inputs => write!(f, "I").map(|()| ""),
            S7Area::Peripheral => write!(f, "PI").map(|()| ""),
            S7Area::Outputs => write!(f, "Q").map(|()| ""),
            S7Area::Memory => write!(f, "M").map(|()| ""),
            S7Area::DataBlock(block) => write!(f, "DB{block}.DB").map(|()| "X"),
            S7Area::Timers => return write!(f, "T{start}"),
            S7Area::Counters => return write!(f, "C{start}"),
        }?;
        match size {
            S7Size::Bit(bit) => write!(f, "{bit_letter}{start}.{bit}"),
            S7Size::Byte => write!(f, "B{start}"),
            S7Size::Word => write!(f, "W{start}"),
            S7Size::Double => write!(f, "D{start}"),
        }
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
