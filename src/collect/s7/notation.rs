//! S7 addresses as other programs write them. Pure.
//!
//! | written | by | means |
//! |---|---|---|
//! | `DB1,REAL0` `DB1,X0.3` `DB1,S10.20` | nodeS7 | `DB1.DBD0:fp32` `DB1.DBX0.3` `DB1.DBB10:string20` |
//! | `DB1.R0` `DB1.X0.3` `DB1.S10.20` `MK.W2` | telegraf | the same |
//! | `DB1,W4` `DB1,D0` `MDWORD0` | Kepware, nodeS7 | `DB1.DBW4` `DB1.DBD0` `MD0`: sizes, which are no types |
//! | `MR30` `QI4` | nodeS7 | `MD30:fp32` `QW4:int16` |
//! | `VW100` `V0.3` | S7-200 and LOGO! | `DB1.DBW100` `DB1.DBX0.3`: the variable memory is data block 1 |
//! | `DI5.DIW0` | STEP 7 | `DB5.DBW0`: an instance data block is a data block |

use super::address::{BLOCK, BYTE, FORMS, S7Address, S7Size, parse_bit, parse_block, parse_number};
use super::area::S7Area;
use crate::collect::address::invalid_register_message;
use crate::collect::registers::named_register::NamedRegister;
use crate::collect::registers::value_type::{RawContent, RegisterType};
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;

const INSTANCE: &str =
    "DI without a number is the instance data block that is open at that moment: write its number, DB5.DBW0.";
const ANALOG: &str = "AI is an analog input of a LOGO! or an INT of the outputs: write QW0 for outputs, VW1032 for the first analog \
                      input of a LOGO! 8 (VW926 of a LOGO! 7).";
const UNSIZED: &str =
    "The size or type is missing: DB1.DBX0.3 (a bit), DB1.DBB0, DB1.DBW0, DB1.DBD0, or DB1.DBD0:fp32.";
const ARRAY: &str =
    "An address names one value, DB1,INT0, or an array with its length in brackets: DB1,INT0[12].";
const STRING: &str = "A STRING is named by its first byte and its declared length, DB1.S10.20, and a WSTRING likewise: DB1.WSTRING10.20.";

/// Parses an address in the canonical form or as another program writes it.
///
/// # Errors
/// A message that quotes the text and shows valid forms.
pub fn parse(text: &str) -> Result<NamedRegister, String> {
    let invalid = match text.parse::<S7Address>() {
        Ok(address) => return Ok(address.into()),
        Err(invalid) => invalid.to_string(),
    };
    let name = text.strip_prefix('%').unwrap_or(text).to_ascii_uppercase();
    match parse_foreign(&name) {
        Some(parsed) => parsed.map_err(|why| invalid_register_message(text, why)),
        None => Err(invalid),
    }
}

/// Parses an address in another program's notation; `None` when it is in none of them.
fn parse_foreign(name: &str) -> Option<Result<NamedRegister, String>> {
    if ["DIB", "DIW", "DID", "DIX"].iter().any(|start| name.starts_with(start)) {
        return Some(Err(INSTANCE.to_owned()));
    }
    if let Some((area, place)) = in_area(name) {
        // The canonical form of a data block: it is wrong for another reason than its notation.
        let is_canonical = area.starts_with("DB") && place.starts_with("DB");
        return (!is_canonical).then(|| parse_in_area(area, place));
    }
    if let Some(rest) = name.strip_prefix('V').filter(|rest| !rest.is_empty()) {
        let place = if rest.starts_with(|c: char| c.is_ascii_digit()) { "DBX" } else { "DB" };
        let address: Result<S7Address, _> = format!("DB1.{place}{rest}").parse();
        return address.ok().map(|address| Ok(address.into()));
    }
    let area = match name.chars().next()? {
        'M' => S7Area::Memory,
        'I' | 'E' => S7Area::Inputs,
        'Q' | 'A' => S7Area::Outputs,
        _ => return None,
    };
    let place = &name[1..];
    if area == S7Area::Outputs && name.starts_with("AI") {
        return Some(Err(ANALOG.to_owned()));
    }
    // Places that the canonical form has are wrong for another reason than their notation.
    let is_typed = place.starts_with(|c: char| c.is_ascii_alphabetic()) && typed(place)?.is_ok();
    is_typed.then(|| parse_typed(area, place))
}

/// Splits an area with a number or a name off what follows a point or a comma.
fn in_area(name: &str) -> Option<(&str, &str)> {
    let (area, place) = name.split_once(['.', ','])?;
    let is_area = matches!(area, "MK" | "PE" | "PA") || area.starts_with("DB") || area.starts_with("DI");
    is_area.then_some((area, place))
}

fn parse_in_area(area: &str, place: &str) -> Result<NamedRegister, String> {
    let block = |text| parse_block(text).map(S7Area::DataBlock).ok_or(BLOCK);
    let area = match area {
        "MK" => S7Area::Memory,
        "PE" => S7Area::Inputs,
        "PA" => S7Area::Outputs,
        "DI" => return Err(INSTANCE.to_owned()),
        instance if instance.starts_with("DI") => {
            let number = &instance[2..];
            block(number)?;
            let place = place.strip_prefix("DI").or_else(|| place.strip_prefix("DB")).ok_or(FORMS)?;
            let address: Result<S7Address, _> = format!("DB{number}.DB{place}").parse();
            return address.map(NamedRegister::from).map_err(|_| FORMS.to_owned());
        }
        data_block => block(data_block.strip_prefix("DB").ok_or(FORMS)?)?,
    };
    if place.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(UNSIZED.to_owned());
    }
    parse_typed(area, place)
}

/// Splits a type or size off its number; `None` when there is no number. The error is the type.
fn typed(place: &str) -> Option<Result<(&str, &str), &str>> {
    if let Some(number) = place.strip_prefix("S5TIME") {
        return Some(Ok(("S5TIME", number)));
    }
    let digits_at = place.find(|c: char| !c.is_ascii_alphabetic())?;
    let (name, number) = place.split_at(digits_at);
    let is_size = size_named(name).is_some();
    let is_type = is_size
        || matches!(name, "X" | "S" | "STRING" | "WSTRING" | "C" | "CHAR")
        || value_type(name).is_some();
    Some(if is_type { Ok((name, number)) } else { Err(name) })
}

/// The size with a name or with its letters. A stream there may have any type, as after a size letter.
fn size_named(name: &str) -> Option<S7Size> {
    match name {
        "B" | "BYTE" => Some(S7Size::Byte),
        "W" | "WORD" => Some(S7Size::Word),
        "D" | "DW" | "DWORD" => Some(S7Size::Double),
        _ => None,
    }
}

/// The type with a name or with its letters.
fn value_type(name: &str) -> Option<RegisterType> {
    let name = match name {
        "I" => "INT",
        "DI" => "DINT",
        "R" => "REAL",
        "LR" => "LREAL",
        name => name,
    };
    RegisterType::parse(Protocol::S7, name)
}

/// Parses a type or size, the number of its first byte, and what its kind needs: the number of a bit or the length of a text.
fn parse_typed(area: S7Area, place: &str) -> Result<NamedRegister, String> {
    let (name, number) = match typed(place) {
        Some(Ok(split)) => split,
        Some(Err(name)) if !name.is_empty() => return Err(no_type(name)),
        Some(Err(_)) | None => return Err(FORMS.to_owned()),
    };
    if matches!(name, "X" | "BOOL") {
        return Ok(parse_bit(area, number)?.into());
    }
    let (start, length) = match number.split_once('.') {
        Some((start, length)) => (start, Some(length)),
        None => (number, None),
    };
    let start = parse_number(start).ok_or(BYTE)?;
    if let Some(size) = size_named(name) {
        let is_single = length.is_none();
        return is_single.then(|| S7Address { area, size, start }.into()).ok_or_else(|| ARRAY.to_owned());
    }
    let of_length = |name: &str, length: &str| {
        RegisterType::parse(Protocol::S7, &format!("{name}{length}")).ok_or_else(|| STRING.to_owned())
    };
    let value_type = match (name, length) {
        ("S" | "STRING", Some(length)) => of_length("string", length)?,
        ("WSTRING", Some(length)) => of_length("wstring", length)?,
        ("S" | "STRING" | "WSTRING", None) => return Err(STRING.to_owned()),
        ("C" | "CHAR", length) => of_length("text", length.unwrap_or("1"))?,
        (_, Some(_)) => return Err(ARRAY.to_owned()),
        (name, None) => value_type(name).ok_or_else(|| no_type(name))?,
    };
    NamedRegister::from(S7Address { area, size: size(value_type), start }).with_type(value_type)
}

fn no_type(name: &str) -> String {
    format!("`{name}` is no type of a register: use one of {}.", RegisterType::names(Protocol::S7))
}

/// The size letter with which values of a type begin.
fn size(value_type: RegisterType) -> S7Size {
    match value_type.raw() {
        RawContent::Number(StreamKind::Bit | StreamKind::Byte)
        | RawContent::Integer(_)
        | RawContent::Bytes(_) => S7Size::Byte,
        RawContent::Number(StreamKind::Int16 | StreamKind::Uint16 | StreamKind::Fp16) => S7Size::Word,
        RawContent::Number(_) => S7Size::Double,
    }
}

#[cfg(test)]
#[path = "notation_tests.rs"]
mod tests;
