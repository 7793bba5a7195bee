//! Devices: the sources of values, their settings and their status.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::alias::DeviceAliases;
use super::audit::differences;
use super::generator::Generator;
use super::http_request::HttpRequest;
use super::latency_stats::LatencyStats;
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::stream::ByteOrder;
use super::topology::Topology;
use super::validation::{MAX_SECRET_CHARS, check_range, check_text};
use super::{DeviceId, FieldError, Micros, OrgId, ProductId, Result};

named_enum! {
    /// Protocol of a device.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Protocol {
        /// OPC UA over `opc.tcp`; streams are subscribed to or read.
        Opcua = "opcua",
        /// MC protocol of Mitsubishi PLCs, 3E and 4E frames.
        Melsec = "melsec",
        /// FEnet (XGT) of LS Electric PLCs.
        Fenet = "fenet",
        /// Modbus over TCP, RTU frames over TCP, or RTU at a serial port, whose path is the host.
        Modbus = "modbus",
        /// S7 communication of Siemens CPUs, over ISO on TCP.
        S7 = "s7",
        /// EtherNet/IP with the tags of Rockwell Logix controllers.
        Eip = "eip",
        /// JSON from a URL, which is requested if the device has a host; otherwise values are posted.
        Http = "http",
        /// Holds the scores of models; not polled.
        Ai = "ai",
        /// Values are generated, or posted through an API.
        Virtual = "virtual",
        /// A file; accepted, not collected.
        File = "file",
        /// Messages of somebody else's MQTT broker, to which the device subscribes if it has a host; otherwise a gateway
        /// whose values are sent to this server.
        Mqtt = "mqtt",
        /// A remote screen; accepted, not collected.
        Vnc = "vnc",
        /// A camera; accepted, not collected.
        V4l2 = "v4l2",
    }
    display;
    field "protocol";
}

impl Protocol {
    /// Default TCP port. That of MQTT depends on the settings: 1883, or 8883 with TLS.
    pub fn default_port(self) -> Option<u16> {
        match self {
            Protocol::Opcua => Some(4840),
            Protocol::Melsec => Some(5007),
            Protocol::Fenet => Some(2004),
            Protocol::Modbus => Some(502),
            Protocol::S7 => Some(102),
            Protocol::Eip => Some(44818),
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
        (self.has_registers() && self != Protocol::Mqtt) || self == Protocol::Vnc
    }

    /// Whether a stream of such a device must have a path that locates its value.
    pub fn needs_path(self) -> bool {
        !matches!(self, Protocol::Ai | Protocol::Mqtt | Protocol::Http | Protocol::Virtual)
    }

    /// Whether device memory is read and written by address.
    pub fn has_registers(self) -> bool {
        matches!(
            self,
            Protocol::Opcua
                | Protocol::Melsec
                | Protocol::Fenet
                | Protocol::Modbus
                | Protocol::S7
                | Protocol::Eip
                | Protocol::Mqtt
        )
    }

    /// Whether such a device can have streams; visual sources cannot.
    pub fn has_streams(self) -> bool {
        !matches!(self, Protocol::Vnc | Protocol::V4l2)
    }
}

named_enum! {
    /// Connection state as last seen by the collector. Kept in memory only: a restart begins at `Connecting`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
    pub enum DeviceState {
        /// The device is disabled in its settings.
        Disabled = "disabled",
        /// The collector has neither reached the device nor failed to.
        #[default]
        Connecting = "connecting",
        /// The device responds, or its values arrive without polling.
        Online = "online",
        /// Reachable, but some tags fail.
        Degraded = "degraded",
        /// The device does not respond, or this version does not collect its protocol.
        Offline = "offline",
    }
}

/// Settable fields of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// 1..=100 characters, unique in the organization.
    pub name: String,
    /// Protocol by which the collector speaks to the device.
    pub protocol: Protocol,
    /// Host name or address; at most 255 characters.
    pub host: String,
    /// TCP port, 1..=65535; `None` is the protocol's default.
    pub port: Option<u16>,
    /// Modbus unit id, MELSEC station, FEnet slot.
    pub unit: u8,
    /// Login name at the device, at most 1000 characters; empty for none.
    pub username: String,
    /// Write-only: never returned by an API.
    pub password: String,
    /// Seconds, 0.1..=60.
    pub timeout_s: f64,
    /// Seconds, 0.1..=86400; null disables polling.
    pub poll_interval_s: Option<f64>,
    /// Default for the device's streams. S7 has one order and ignores it.
    pub byteorder: ByteOrder,
    /// Whether the device is collected.
    pub enabled: bool,
    /// Protocol settings, such as `security_policy` of OPC UA or `headers` of HTTP, and user-defined keys.
    pub metadata: Map<String, Value>,
    /// Product of the device; `None` is the organization's product `Default`.
    pub product: Option<ProductId>,
    /// Gateway through which the device is connected; a device is not below itself.
    pub parent_device: Option<DeviceId>,
    /// Name of the user who owns the device, 1..=150 characters.
    pub owner: Option<String>,
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
            product => "product",
            parent_device => "parent_device",
            owner => "owner",
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
            product: None,
            parent_device: None,
            owner: None,
        }
    }

    /// Checks every rule that needs no other row; field names and messages are DataStone's.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "name", &self.name, 1, 100);
        check_text(&mut found, "host", &self.host, 0, 255);
        check_text(&mut found, "username", &self.username, 0, 1000);
        check_text(&mut found, "password", &self.password, 0, MAX_SECRET_CHARS);
        if self.protocol.needs_host() && self.host.is_empty() {
            found.push(FieldError::new("host", "This field is required."));
        }
        if let Some(owner) = &self.owner {
            check_text(&mut found, "owner", owner, 1, 150);
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
                found.extend(self.http_request().err().unwrap_or_default());
            }
            _ => {}
        }
        found
    }

    /// Builds the request that reads a device of protocol `http`, which has a host.
    ///
    /// # Errors
    /// The invalid settings, for the fields `host` and `metadata`.
    pub fn http_request(&self) -> Result<HttpRequest, Vec<FieldError>> {
        let request = HttpRequest::from_settings(&self.host, self.port, &self.metadata)?;
        let login = Some((self.username.clone(), self.password.clone()));
        let login = login.filter(|(name, password)| !name.is_empty() || !password.is_empty());
        let timeout = Duration::try_from_secs_f64(self.timeout_s).unwrap_or(request.timeout);
        Ok(HttpRequest { login, timeout, ..request })
    }

    /// Whether this device is read and written by address. An MQTT device is only with a host, which is a broker.
    pub fn has_registers(&self) -> bool {
        self.protocol.has_registers() && (self.protocol != Protocol::Mqtt || !self.host.is_empty())
    }

    /// The configured port, or the protocol's default.
    pub fn effective_port(&self) -> Option<u16> {
        self.port.or(self.protocol.default_port())
    }
}

/// A device as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Row id.
    pub id: DeviceId,
    /// Organization that owns the device.
    pub org: OrgId,
    /// Names of the device in the APIs of other vendors, assigned at creation.
    pub aliases: DeviceAliases,
    /// Highest channel that a stream of the device has ever had; 0 before the first.
    pub last_channel: i32,
    /// Current settings.
    pub spec: DeviceSpec,
    /// Place in the topology of the MK platform.
    pub topology: Topology,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change of its settings.
    pub updated_at: Micros,
}

/// Current status of a device, as reported by the collector.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Connection state.
    pub state: DeviceState,
    /// Current error, at most 1000 characters; `None` while the device is in order.
    pub last_error: Option<String>,
    /// Time of the last response, refusals included; `None` before the first.
    pub last_seen: Option<Micros>,
    /// How far its clock is ahead of the server's, seconds, negative behind; `None` unless it is off by more than a minute.
    #[serde(default)]
    pub clock_offset_s: Option<f64>,
    /// Answered requests since the start.
    pub reads: u64,
    /// Failed requests by kind.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorCounts {
    /// Requests without a response within the device's timeout.
    pub timeout: u64,
    /// Connections that could not be made, or that were closed.
    pub refused: u64,
    /// Malformed responses, and requests or items of requests that the device refused.
    pub protocol: u64,
    /// Requests that the device or this version does not support, readings that could not be stored, and panics of the
    /// collector.
    pub other: u64,
}

/// Filter of a device list; both fields match exactly.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    /// Name of the device.
    pub name: Option<String>,
    /// Protocol of the device.
    pub protocol: Option<Protocol>,
    /// Part of the matching devices that is returned.
    pub page: Pagination,
}
