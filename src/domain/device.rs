//! Devices: the sources of values, their settings and their status.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::audit::differences;
use super::generator::Generator;
use super::http_request::HttpRequest;
use super::latency_stats::LatencyStats;
use super::pagination::Pagination;
use super::stream::ByteOrder;
use super::validation::{check_range, check_text};
use super::{DeviceId, Error, FieldError, Micros, OrgId, Result};

/// Protocol of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Opcua,
    Melsec,
    Fenet,
    Modbus,
    Http,
    Ai,
    Virtual,
    File,
    Mqtt,
    Vnc,
    V4l2,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Protocol; 11] = [
        Protocol::Opcua,
        Protocol::Melsec,
        Protocol::Fenet,
        Protocol::Modbus,
        Protocol::Http,
        Protocol::Ai,
        Protocol::Virtual,
        Protocol::File,
        Protocol::Mqtt,
        Protocol::Vnc,
        Protocol::V4l2,
    ];

    /// Name used in APIs and in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Opcua => "opcua",
            Protocol::Melsec => "melsec",
            Protocol::Fenet => "fenet",
            Protocol::Modbus => "modbus",
            Protocol::Http => "http",
            Protocol::Ai => "ai",
            Protocol::Virtual => "virtual",
            Protocol::File => "file",
            Protocol::Mqtt => "mqtt",
            Protocol::Vnc => "vnc",
            Protocol::V4l2 => "v4l2",
        }
    }

    /// Default TCP port.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Protocol::Opcua => Some(4840),
            Protocol::Melsec => Some(5007),
            Protocol::Fenet => Some(2004),
            Protocol::Modbus => Some(502),
            Protocol::Vnc => Some(5900),
            Protocol::Http
            | Protocol::Ai
            | Protocol::Virtual
            | Protocol::File
            | Protocol::Mqtt
            | Protocol::V4l2 => None,
        }
    }

    /// Whether a device of this protocol must have a host.
    pub fn needs_host(self) -> bool {
        matches!(
            self,
            Protocol::Opcua | Protocol::Melsec | Protocol::Fenet | Protocol::Modbus | Protocol::Vnc
        )
    }

    /// Whether a stream of such a device must have a path that locates its value.
    pub fn needs_path(self) -> bool {
        !matches!(self, Protocol::Ai | Protocol::Mqtt | Protocol::Http | Protocol::Virtual)
    }

    /// Whether device memory is read and written by address.
    pub fn has_registers(self) -> bool {
        matches!(self, Protocol::Opcua | Protocol::Melsec | Protocol::Fenet | Protocol::Modbus)
    }

    /// Whether such a device can have streams; visual sources cannot.
    pub fn has_streams(self) -> bool {
        !matches!(self, Protocol::Vnc | Protocol::V4l2)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Protocol::ALL
            .into_iter()
            .find(|p| p.name() == text)
            .ok_or_else(|| Error::field("protocol", format!("\"{text}\" is not a valid choice.")))
    }
}

/// Connection state as last seen by the collector. Kept in memory only: a restart begins at `Connecting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceState {
    Disabled,
    #[default]
    Connecting,
    Online,
    /// Reachable, but some tags fail.
    Degraded,
    Offline,
}

impl DeviceState {
    /// Every state.
    pub const ALL: [DeviceState; 5] = [
        DeviceState::Disabled,
        DeviceState::Connecting,
        DeviceState::Online,
        DeviceState::Degraded,
        DeviceState::Offline,
    ];

    /// Name used in APIs.
    pub fn name(self) -> &'static str {
        match self {
            DeviceState::Disabled => "disabled",
            DeviceState::Connecting => "connecting",
            DeviceState::Online => "online",
            DeviceState::Degraded => "degraded",
            DeviceState::Offline => "offline",
        }
    }
}

/// Settable fields of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// 1..=100 characters, unique in the organization.
    pub name: String,
    pub protocol: Protocol,
    /// Host name or address; at most 255 characters.
    pub host: String,
    pub port: Option<u16>,
    /// Modbus unit id, MELSEC station, FEnet slot.
    pub unit: u8,
    pub username: String,
    /// Write-only: never returned by an API.
    pub password: String,
    /// Seconds, 0.1..=60.
    pub timeout_s: f64,
    /// Seconds, 0.1..=86400; null disables polling.
    pub poll_interval_s: Option<f64>,
    /// Default for the device's streams.
    pub byteorder: ByteOrder,
    pub enabled: bool,
    /// Protocol settings (compat.md 1.3), and user-defined keys.
    pub metadata: Map<String, Value>,
}

impl DeviceSpec {
    /// Names of the fields that differ from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        differences!(self, other, DeviceSpec {
            name => "name",
            protocol => "protocol",
            host => "host",
            port => "port",
            unit => "unit",
            username => "username",
            password => "password",
            timeout_s => "timeout",
            poll_interval_s => "poll_interval",
            byteorder => "byteorder",
            enabled => "enabled",
            metadata => "metadata",
        })
    }

    /// Default settings of a device.
    pub fn new(name: impl Into<String>, protocol: Protocol) -> Self {
        Self {
            name: name.into(),
            protocol,
            host: String::new(),
            port: None,
            unit: 1,
            username: String::new(),
            password: String::new(),
            timeout_s: 3.0,
            poll_interval_s: Some(1.0),
            byteorder: ByteOrder::Little,
            enabled: true,
            metadata: Map::new(),
        }
    }

    /// Checks every rule that needs no other row; field names and messages are DataStone's.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "name", &self.name, 1, 100);
        check_text(&mut found, "host", &self.host, 0, 255);
        check_text(&mut found, "username", &self.username, 0, 1000);
        check_text(&mut found, "password", &self.password, 0, 1000);
        if self.protocol.needs_host() && self.host.is_empty() {
            found.push(FieldError::new("host", "This field is required."));
        }
        check_range(&mut found, "timeout", self.timeout_s, 0.1, 60.0);
        if let Some(interval) = self.poll_interval_s {
            check_range(&mut found, "poll_interval", interval, 0.1, 86_400.0);
        }
        if self.port == Some(0) {
            found.push(FieldError::new("port", "Ensure this value is greater than or equal to 1."));
        }
        match self.protocol {
            Protocol::Virtual => found.extend(Generator::from_metadata(&self.metadata, &Map::new()).err()),
            // Without a host the device is not polled: its values are posted.
            Protocol::Http if !self.host.is_empty() => {
                found.extend(HttpRequest::from_device(self).err().unwrap_or_default());
            }
            _ => {}
        }
        found
    }

    /// The configured port, or the protocol's default.
    pub fn effective_port(&self) -> Option<u16> {
        self.port.or(self.protocol.default_port())
    }
}

/// A device as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    pub id: DeviceId,
    pub org: OrgId,
    pub uuid: Uuid,
    pub spec: DeviceSpec,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// Current status of a device, as reported by the collector.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceStatus {
    pub state: DeviceState,
    pub last_error: Option<String>,
    pub last_seen: Option<Micros>,
    /// Answered requests since the start.
    pub reads: u64,
    pub errors: ErrorCounts,
    /// Readings stored for its streams since the start, including bad ones.
    pub readings: u64,
    /// Number of reconnections after a lost connection.
    pub reconnects: u64,
    /// Polls skipped because the previous one took longer than the interval.
    pub skipped: u64,
    /// Round-trip times of answered requests.
    pub latency: LatencyStats,
    /// Delay of each poll's start behind its schedule.
    pub lateness: LatencyStats,
}

/// Failed requests since the start, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorCounts {
    pub timeout: u64,
    pub refused: u64,
    pub protocol: u64,
    pub other: u64,
}

/// Filter of a device list; both fields match exactly.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    pub name: Option<String>,
    pub protocol: Option<Protocol>,
    pub page: Pagination,
}
