//! S7 among the collected protocols.

use super::address::S7Address;
use super::endpoint::{MAX_RACK, MAX_SLOT, S7Endpoint};
use crate::collect::address::DeviceAddress;
use crate::collect::codec::WordOrder;
use crate::collect::protocol::{PAUSE_AFTER_CONNECT, PAUSE_BETWEEN_REQUESTS, SettingValues, UrlSetting};
use crate::collect::registers::protocol::RegisterProtocol;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::ByteOrder;

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

    fn parse_register(_device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        let parsed = text.parse::<S7Address>();
        parsed.map(DeviceAddress::from).map_err(|error| error.to_string())
    }
}
