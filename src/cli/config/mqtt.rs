//! Configuration of the MQTT broker.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Config;
use super::TlsFiles;
use super::config_key::{
    COUNT_FORMAT, ConfigKey, DURATION_FORMAT, SIZE_FORMAT, is_host, key, parse_positive_duration,
    parse_positive_size, parse_positive_usize,
};
use crate::app::mqtt::MqttSettings;
use crate::domain::{Error, Result};

/// Smallest accepted `mqtt.max_packet`: a message of 256 KiB with its topic is MQTT's for devices of others.
const MIN_PACKET: usize = 1024;
/// Largest packet of the protocol.
const MAX_PACKET: usize = 268_435_455;

/// MQTT broker; off without an address.
#[derive(Debug, Clone, PartialEq)]
pub struct MqttConfig {
    /// Listener without TLS.
    pub listen: Option<SocketAddr>,
    /// Listener with TLS, where devices authenticate with their certificates.
    pub tls_listen: Option<SocketAddr>,
    /// Maximum number of connections of each listener.
    pub connections: usize,
    /// Name for which this installation issues the listener's certificate.
    pub host: Option<String>,
    /// A certificate of the listener that others have issued; both or neither are set.
    pub tls: TlsFiles,
    pub settings: MqttSettings,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            listen: None,
            tls_listen: None,
            connections: 10_000,
            host: None,
            tls: TlsFiles::default(),
            settings: MqttSettings::default(),
        }
    }
}

impl MqttConfig {
    /// Checks what concerns several keys.
    pub(super) fn check(&self) -> Result<()> {
        let (lacks, has) = match (&self.tls.cert, &self.tls.key) {
            (Some(_), None) => ("mqtt.tls_key", "mqtt.tls_cert"),
            (None, Some(_)) => ("mqtt.tls_cert", "mqtt.tls_key"),
            (Some(_), Some(_)) | (None, None) => return Ok(()),
        };
        Err(Error::field(lacks, format!("is needed beside {has}")))
    }
}

/// Devices that are provisioned are told the port, unless the system picks it.
fn set_tls_listen(config: &mut Config, address: SocketAddr) {
    if address.port() != 0 {
        config.compat.mk.provisioning.mqtt_port = address.port();
    }
    config.mqtt.tls_listen = Some(address);
}

pub(super) const KEYS: &[ConfigKey] = &[
    key(
        "mqtt.listen",
        "an address and a port such as 127.0.0.1:1883 (port 0 picks a free one)",
        |c, text| text.parse().ok().map(|address| c.mqtt.listen = Some(address)),
    ),
    key(
        "mqtt.tls_listen",
        "an address and a port such as 0.0.0.0:8883 (port 0 picks a free one)",
        |c, text| text.parse().ok().map(|address| set_tls_listen(c, address)),
    ),
    key("mqtt.connections", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.mqtt.connections = n)
    }),
    key("mqtt.host", "a host name or an IP address, without a port", |c, text| {
        is_host(text).then(|| {
            c.compat.mk.provisioning.mqtt_host = Some(text.to_owned());
            c.mqtt.host = Some(text.to_owned());
        })
    }),
    key("mqtt.tls_cert", "the path of a certificate in PEM", |c, text| {
        (!text.is_empty()).then(|| c.mqtt.tls.cert = Some(PathBuf::from(text)))
    }),
    key("mqtt.tls_key", "the path of a private key in PEM", |c, text| {
        (!text.is_empty()).then(|| c.mqtt.tls.key = Some(PathBuf::from(text)))
    }),
    key("mqtt.session_expiry", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.mqtt.settings.session_expiry = d)
    }),
    key("mqtt.subscribed_sessions", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.mqtt.settings.subscribed_sessions = n)
    }),
    key("mqtt.max_packet", SIZE_FORMAT, |c, text| {
        let bytes = parse_positive_size(text).and_then(|n| usize::try_from(n).ok());
        bytes.filter(|n| (MIN_PACKET..=MAX_PACKET).contains(n)).map(|n| c.mqtt.settings.max_packet = n)
    }),
];
