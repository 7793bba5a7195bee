//! The list of collected protocols, and what is asked of a device's protocol through it.

use std::sync::Arc;

use super::address::DeviceAddress;
use super::client::DeviceEndpoint;
use super::codec::WordOrder;
use super::point::DevicePoint;
use super::protocol::{self, DeviceProtocol, SourceContext};
use super::source::DeviceSource;
use super::{eip, fenet, http, melsec, modbus, mqtt, opcua, s7, virtual_device};
use crate::domain::Result;
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::stream::{ByteOrder, Stream, StreamSpec};

/// Every protocol that is collected. Devices of the others are stored, and get their values by other ways or not at all
/// ([`idle_state`]).
static PROTOCOLS: [&dyn DeviceProtocol; 9] = [
    &modbus::Modbus,
    &melsec::Melsec,
    &fenet::Fenet,
    &s7::S7,
    &eip::Eip,
    &opcua::Opcua,
    &mqtt::Mqtt,
    &http::Http,
    &virtual_device::Virtual,
];

/// Returns the implementation of a protocol; `None` when it is not collected.
pub fn find(protocol: Protocol) -> Option<&'static dyn DeviceProtocol> {
    PROTOCOLS.into_iter().find(|known| known.protocol() == protocol)
}

/// Makes the polling source of a device; see [`DeviceProtocol::source`].
pub fn source(device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
    find(device.protocol).ok_or_else(|| protocol::no_connection(device.protocol))?.source(device, context)
}

/// Builds the endpoint of a device; see [`DeviceProtocol::endpoint`].
pub fn endpoint(device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
    find(device.protocol).ok_or_else(|| protocol::no_connection(device.protocol))?.endpoint(device)
}

/// Parses an address on a device; see [`DeviceProtocol::parse_address`].
pub fn parse_address(device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
    let known = find(device.protocol).ok_or_else(|| protocol::no_registers(device.protocol))?;
    known.parse_address(device, text)
}

/// Word order of a number on a device of this protocol where none is given; see [`DeviceProtocol::word_order`].
pub fn default_word_order(protocol: Protocol) -> WordOrder {
    let byteorder = ByteOrder::default();
    find(protocol).map_or(byteorder.into(), |known| known.word_order(byteorder))
}

/// Returns the point of a stream; see [`protocol::stream_point`].
pub fn stream_point(device: &DeviceSpec, stream: &StreamSpec) -> Result<DevicePoint, String> {
    let known = find(device.protocol).ok_or_else(|| protocol::no_registers(device.protocol))?;
    protocol::stream_point(known, device, stream)
}

/// State and error of a device that is not polled whatever its host is; `None` for a device that is polled.
pub fn idle_state(spec: &DeviceSpec, streams: &[Arc<Stream>]) -> Option<(DeviceState, Option<String>)> {
    if !spec.enabled {
        return Some((DeviceState::Disabled, None));
    }
    match (find(spec.protocol), spec.protocol) {
        (Some(protocol), _) if protocol.is_polled(spec, streams) => None,
        // Values arrive without polling: posted, computed, or sent by a gateway.
        (Some(_), _) | (None, Protocol::Ai) => Some((DeviceState::Online, None)),
        (None, _) => {
            let error = format!("protocol \"{}\" is not collected by this version", spec.protocol);
            Some((DeviceState::Offline, Some(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::collect::protocol::{SettingValues, UrlSetting};

    #[test]
    fn every_protocol_with_registers_is_spoken() {
        for protocol in Protocol::ALL {
            let has_addresses = find(protocol).is_some_and(|known| {
                let device = DeviceSpec::new("", protocol);
                known.parse_address(&device, "") != Err(protocol::no_registers(protocol))
            });
            assert_eq!(has_addresses, protocol.has_registers(), "{protocol}");
        }
    }

    fn valid_values(values: &SettingValues) -> Vec<Json> {
        match values {
            SettingValues::OneOf(words) => words.iter().map(|word| Json::from(*word)).collect(),
            SettingValues::NumberOf(numbers) => numbers.iter().map(|number| Json::from(*number)).collect(),
            SettingValues::UpTo(max) => vec![Json::from(0), Json::from(*max)],
            SettingValues::SecondsUpTo(max) => vec![Json::from(0.5), Json::from(*max)],
            SettingValues::Boolean => vec![Json::from(true), Json::from(false)],
        }
    }

    #[test]
    fn every_value_of_a_url_setting_makes_an_endpoint() {
        let network = PROTOCOLS.map(|known| (known, "plc.example", known.url_settings()));
        let serial = PROTOCOLS.map(|known| (known, "/dev/ttyUSB0", known.serial_url_settings()));
        for (known, host, settings) in network.into_iter().chain(serial) {
            let settings = settings.unwrap_or_default().iter();
            let with_name = |(name, valid): &'static UrlSetting| {
                valid_values(valid).into_iter().map(move |value| (*name, value))
            };
            for (name, value) in settings.flat_map(with_name) {
                let mut device = DeviceSpec::new("", known.protocol());
                device.host = host.to_owned();
                device.metadata.insert(name.to_owned(), value.clone());
                let endpoint = known.endpoint(&device).map(drop);
                assert!(endpoint.is_ok(), "{} {name} {value}: {endpoint:?}", known.protocol());
            }
        }
    }

    #[test]
    fn a_protocol_is_listed_once() {
        for protocol in Protocol::ALL {
            assert!(PROTOCOLS.iter().filter(|known| known.protocol() == protocol).count() <= 1, "{protocol}");
        }
    }
}
