//! S7 among the collected protocols.

use super::address::{S7Address, S7Size};
use super::area::S7Area;
use super::endpoint::{MAX_RACK, MAX_SLOT, S7Endpoint};
use super::notation;
use crate::collect::codec::WordOrder;
use crate::collect::protocol::{PAUSE_AFTER_CONNECT, PAUSE_BETWEEN_REQUESTS, SettingValues, UrlSetting};
use crate::collect::registers::named_register::NamedRegister;
use crate::collect::registers::protocol::RegisterProtocol;
use crate::collect::registers::value_type::{RawContent, RegisterType};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{ByteOrder, StreamKind};

/// S7 communication over ISO on TCP (RFC 1006).
pub struct S7;

impl RegisterProtocol for S7 {
    type Endpoint = S7Endpoint;

    const PROTOCOL: Protocol = Protocol::S7;
    const URL_SETTINGS: &'static [UrlSetting] = &[
        ("rack", SettingValues::UpTo(MAX_RACK)),
        ("slot", SettingValues::UpTo(MAX_SLOT)),
        ("connection", SettingValues::OneOf(&["pg", "op", "basic"])),
        ("local_tsap", SettingValues::UpTo(0xFFFF)),
        ("remote_tsap", SettingValues::UpTo(0xFFFF)),
        PAUSE_AFTER_CONNECT,
        PAUSE_BETWEEN_REQUESTS,
    ];
    const WIRE_ORDER: ByteOrder = ByteOrder::Big;
    const WORD_ORDER: Option<WordOrder> = Some(WordOrder::Abcd);

    fn parse_register(_device: &DeviceSpec, text: &str) -> Result<NamedRegister, String> {
        notation::parse(text)
    }

    /// Some programs write the beginning of a value as a bit: `DB1.DBX4.0:REAL`.
    fn with_type(register: NamedRegister, value_type: RegisterType) -> Result<NamedRegister, String> {
        let area = S7Area::from_register_space(register.cell.space);
        if let Some(area) = area.filter(|area| !area.has_words()) {
            check_size(area, &register, value_type)?;
        }
        match area.filter(|_| register.bit == Some(0) && value_type != RegisterType::Plain(StreamKind::Bit)) {
            Some(area) => {
                let byte = S7Address { area, size: S7Size::Byte, start: register.cell.offset };
                NamedRegister::from(byte).with_type(value_type)
            }
            None => register.with_type(value_type),
        }
    }
}

/// Checks that no type of one or three bytes follows a larger size: the first byte of a word is its high one, which few mean.
fn check_size(area: S7Area, register: &NamedRegister, value_type: RegisterType) -> Result<(), String> {
    let size = match register.default_kind {
        StreamKind::Uint16 => 2,
        StreamKind::Uint32 => 4,
        _ => return Ok(()),
    };
    let (bytes, low_part, high_part) = match value_type.raw() {
        RawContent::Number(StreamKind::Bit | StreamKind::Byte) => (1, "low byte", "high one"),
        RawContent::Integer(3) => (3, "low three bytes", "high three"),
        _ => return Ok(()),
    };
    if register.value_type.is_some() || bytes > size {
        return Ok(());
    }
    let byte = |start| S7Address { area, size: S7Size::Byte, start };
    let (high, low) = (byte(register.cell.offset), byte(register.cell.offset + size - bytes));
    Err(format!(
        "{register} begins with its high byte: write {low}:{value_type} for the {low_part} or {high}:{value_type} for the {high_part}."
    ))
}
