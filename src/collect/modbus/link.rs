//! How a Modbus device is reached: over TCP, or on a serial line; its settings and its faults.

use std::time::Duration;

use super::exchange::ExchangeError;
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::peer::{Peer, Transport};
use crate::collect::serial::SerialAddress;
use crate::collect::settings::ProtocolSettings;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// Addresses of devices on a serial line; 0 is for all devices, which then answer nothing. Modbus over Serial Line V1.02,
/// section 2.2.
const SERIAL_UNITS: std::ops::RangeInclusive<u8> = 1..=247;

/// How frames are delimited on the TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModbusFraming {
    /// MBAP header with a transaction id.
    Tcp,
    /// Serial frames with a CRC, as serial device servers pass them on.
    RtuOverTcp,
}

impl ModbusFraming {
    /// Bytes of an answer before its unit: an MBAP header has six, a serial frame begins with it.
    pub fn unit_position(self) -> usize {
        match self {
            ModbusFraming::Tcp => 6,
            ModbusFraming::RtuOverTcp => 0,
        }
    }
}

/// Way to a device.
#[derive(Debug, Clone, PartialEq)]
pub enum ModbusLink {
    Network(NetworkLink),
    /// A unit among others on a line, with frames of RTU.
    Serial {
        address: SerialAddress,
        unit: u8,
        is_echoed: bool,
    },
}

/// TCP connection to a device, or to a gateway with several units.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkLink {
    pub peer: Peer,
    pub framing: ModbusFraming,
    /// Whether every request comes back before its answer.
    pub is_echoed: bool,
    /// Whether all devices at this address have one connection.
    pub is_shared: bool,
}

/// Values of the setting `framing`; a host that is a path has frames of RTU without it.
#[derive(Clone, Copy, PartialEq)]
enum FramingSetting {
    Network(ModbusFraming),
    Rtu,
}

const NETWORK_FRAMINGS: [(&str, FramingSetting); 2] = [
    ("tcp", FramingSetting::Network(ModbusFraming::Tcp)),
    ("rtu_over_tcp", FramingSetting::Network(ModbusFraming::RtuOverTcp)),
];
const SERIAL_FRAMINGS: [(&str, FramingSetting); 1] = [("rtu", FramingSetting::Rtu)];

impl ModbusLink {
    /// Chooses the way by a device's host: a path is a serial port.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<ModbusLink> {
        let settings = ProtocolSettings(&spec.metadata);
        let is_echoed = settings.boolean("echo", false)?;
        if SerialAddress::is_path(&spec.host) {
            settings.choice("framing", &SERIAL_FRAMINGS)?;
            if !SERIAL_UNITS.contains(&spec.unit) {
                return Err(Error::field("unit", "A device at a serial port has a unit from 1 to 247."));
            }
            let address = SerialAddress::from_spec(spec)?;
            return Ok(ModbusLink::Serial { address, unit: spec.unit, is_echoed });
        }
        match settings.choice("framing", &[NETWORK_FRAMINGS[0], NETWORK_FRAMINGS[1], SERIAL_FRAMINGS[0]])? {
            FramingSetting::Network(ModbusFraming::Tcp) if is_echoed => {
                Err(Error::field("echo", "true requires the framing \"rtu_over_tcp\", or a serial port."))
            }
            FramingSetting::Network(framing) => {
                let is_shared = settings.boolean("shared_connection", true)?;
                let peer = Peer::from_spec(spec, Transport::Tcp)?;
                Ok(ModbusLink::Network(NetworkLink { peer, framing, is_echoed, is_shared }))
            }
            FramingSetting::Rtu => {
                let words = "\"rtu\" requires a serial port as the host, such as /dev/ttyUSB0.";
                Err(Error::field("framing", words))
            }
        }
    }

    /// Time limit for connecting and for each request.
    pub fn timeout(&self) -> Duration {
        match self {
            ModbusLink::Network(NetworkLink { peer, .. }) => peer.timeout,
            ModbusLink::Serial { address, .. } => address.timeout,
        }
    }

    /// Pauses and use of the connection, or of the line.
    pub fn usage(&self) -> ConnectionUsage {
        match self {
            ModbusLink::Network(NetworkLink { peer, .. }) => peer.usage,
            ModbusLink::Serial { address, .. } => address.usage,
        }
    }

    fn address(&self) -> String {
        match self {
            ModbusLink::Network(NetworkLink { peer, .. }) => peer.address(),
            ModbusLink::Serial { address, unit, .. } => format!("unit {unit} at {}", address.path),
        }
    }

    /// Fault for a request that got no answer.
    pub fn fault(&self, error: ExchangeError) -> DeviceFault {
        error.at(self.address(), self.timeout())
    }

    /// Fault for a connection that is found closed.
    pub fn closed(&self, reason: String) -> DeviceFault {
        self.fault(ExchangeError::Closed(reason))
    }

    /// Fault for an answer that made no sense.
    pub fn malformed(&self, reason: String) -> DeviceFault {
        self.fault(ExchangeError::Malformed(reason))
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
