//! MELSEC among the collected protocols.

use super::client::{self, MelsecEndpoint};
use crate::collect::protocol::{PAUSE_AFTER_CONNECT, PAUSE_BETWEEN_REQUESTS, SettingValues, UrlSetting};
use crate::collect::registers::named_register::NamedRegister;
use crate::collect::registers::protocol::RegisterProtocol;
use crate::domain::device::{DeviceSpec, Protocol};

/// SLMP, which is MC protocol 3E and 4E.
pub struct Melsec;

impl RegisterProtocol for Melsec {
    type Endpoint = MelsecEndpoint;

    const PROTOCOL: Protocol = Protocol::Melsec;
    const URL_SETTINGS: &'static [UrlSetting] = &[
        ("frame", SettingValues::OneOf(&["3E", "4E"])),
        ("encoding", SettingValues::OneOf(&["binary", "ascii"])),
        ("transport", SettingValues::OneOf(&["tcp", "udp"])),
        ("series", SettingValues::OneOf(&["q", "iqr"])),
        ("xy_radix", SettingValues::OneOf(&["hex", "oct"])),
        ("network", SettingValues::UpTo(0xFF)),
        ("pc", SettingValues::UpTo(0xFF)),
        ("module_io", SettingValues::UpTo(0xFFFF)),
        PAUSE_AFTER_CONNECT,
        PAUSE_BETWEEN_REQUESTS,
    ];

    fn parse_register(device: &DeviceSpec, text: &str) -> Result<NamedRegister, String> {
        client::parse_address(device, text).map(NamedRegister::from)
    }
}
