//! FEnet among the collected protocols.

use super::address::FenetAddress;
use super::client::FenetEndpoint;
use crate::collect::protocol::{PAUSE_AFTER_CONNECT, PAUSE_BETWEEN_REQUESTS, SettingValues, UrlSetting};
use crate::collect::registers::named_register::NamedRegister;
use crate::collect::registers::protocol::RegisterProtocol;
use crate::domain::device::{DeviceSpec, Protocol};

/// The XGT dedicated protocol over TCP.
pub struct Fenet;

impl RegisterProtocol for Fenet {
    type Endpoint = FenetEndpoint;

    const PROTOCOL: Protocol = Protocol::Fenet;
    const URL_SETTINGS: &'static [UrlSetting] = &[
        ("cpu", SettingValues::OneOf(&["XGK", "XGI", "XGR", "XGB", "XGB-IEC"])),
        ("base", SettingValues::UpTo(15)),
        ("echoes_invoke_id", SettingValues::Boolean),
        PAUSE_AFTER_CONNECT,
        PAUSE_BETWEEN_REQUESTS,
    ];

    fn parse_register(_: &DeviceSpec, text: &str) -> Result<NamedRegister, String> {
        let address: FenetAddress = text.parse().map_err(|invalid| format!("{invalid}"))?;
        Ok(address.into())
    }
}
