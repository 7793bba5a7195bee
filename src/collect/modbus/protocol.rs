//! Modbus among the collected protocols.

use super::address::ModbusAddress;
use super::client::ModbusEndpoint;
use crate::collect::protocol::{PAUSE_AFTER_CONNECT, PAUSE_BETWEEN_REQUESTS, SettingValues, UrlSetting};
use crate::collect::registers::named_register::NamedRegister;
use crate::collect::registers::protocol::RegisterProtocol;
use crate::collect::serial::{BAUD_RATES, PARITIES, STOP_BITS};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::ByteOrder;

/// Modbus TCP, RTU over TCP, and RTU on serial lines.
pub struct Modbus;

impl RegisterProtocol for Modbus {
    type Endpoint = ModbusEndpoint;

    const PROTOCOL: Protocol = Protocol::Modbus;
    const URL_SETTINGS: &'static [UrlSetting] = &[
        ("framing", SettingValues::OneOf(&["tcp", "rtu_over_tcp"])),
        PAUSE_AFTER_CONNECT,
        PAUSE_BETWEEN_REQUESTS,
    ];
    const SERIAL_URL_SETTINGS: Option<&'static [UrlSetting]> = Some(&[
        ("baud", SettingValues::NumberOf(BAUD_RATES)),
        ("parity", SettingValues::OneOf(PARITIES)),
        ("stop_bits", SettingValues::NumberOf(STOP_BITS)),
        ("echo", SettingValues::Boolean),
        PAUSE_AFTER_CONNECT,
        PAUSE_BETWEEN_REQUESTS,
    ]);
    const WIRE_ORDER: ByteOrder = ByteOrder::Big;

    fn parse_register(_: &DeviceSpec, text: &str) -> Result<NamedRegister, String> {
        let address: ModbusAddress = text.parse().map_err(|invalid| format!("{invalid}"))?;
        Ok(address.into())
    }
}
