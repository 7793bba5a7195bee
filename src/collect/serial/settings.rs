//! Address and settings of a serial line, and the times that follow from them.

use std::path::{Component, Path};
use std::time::Duration;

use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::settings::ProtocolSettings;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// Speeds that may be set, bits per second.
pub const BAUD_RATES: &[u32] = &[
    300, 600, 1200, 2400, 4800, 9600, 14_400, 19_200, 28_800, 38_400, 57_600, 76_800, 115_200, 230_400,
    460_800, 921_600,
];
/// Names of the parities.
pub const PARITIES: &[&str] = &["even", "odd", "none"];
/// Numbers of stop bits that may be set.
pub const STOP_BITS: &[u32] = &[1, 2];
/// A frame of RTU needs bytes of 8 bits. Modbus over Serial Line V1.02, section 2.5.1.
const DATA_BITS: &[u32] = &[8];
/// Above this speed the silence no longer shrinks. Modbus over Serial Line V1.02, section 2.5.1.1.
const FASTEST_PROPORTIONAL_BAUD: u32 = 19_200;
const SHORTEST_SILENCE: Duration = Duration::from_micros(1750);

/// Parity bit of each character; even is the default (Modbus over Serial Line V1.02, section 2.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    Even,
    Odd,
    None,
}

/// Speed and format of the characters on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SerialSettings {
    /// Bits per second, one of `BAUD_RATES`.
    pub baud: u32,
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u32,
}

impl SerialSettings {
    /// Reads the settings `baud`, `parity`, `stop_bits` and `data_bits` of a device. The defaults are those of the
    /// Modbus specification: 19200 baud, even parity, one stop bit, or two without parity.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting and its valid values.
    pub fn from_spec(spec: &DeviceSpec) -> Result<SerialSettings> {
        let settings = ProtocolSettings(&spec.metadata);
        let parity = settings
            .choice("parity", &[("even", Parity::Even), ("odd", Parity::Odd), ("none", Parity::None)])?;
        let default_stop_bits = if parity == Parity::None { 2 } else { 1 };
        settings.number_choice("data_bits", DATA_BITS, 8)?;
        Ok(SerialSettings {
            baud: settings.number_choice("baud", BAUD_RATES, 19_200)?,
            parity,
            stop_bits: settings.number_choice("stop_bits", STOP_BITS, default_stop_bits)?,
        })
    }

    /// Time that `count` characters take on the line.
    pub fn transmission(&self, count: usize) -> Duration {
        let parity_bits = if self.parity == Parity::None { 0 } else { 1 };
        let bits = 1 + 8 + parity_bits + self.stop_bits;
        let seconds = f64::from(bits) / f64::from(self.baud);
        Duration::from_secs_f64(seconds).saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Shortest silence between two frames: 3.5 characters, above 19200 baud 1.75 ms.
    pub fn silence(&self) -> Duration {
        if self.baud > FASTEST_PROPORTIONAL_BAUD { SHORTEST_SILENCE } else { self.transmission(7) / 2 }
    }
}

/// A serial port as the address of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialAddress {
    /// Path below `/dev/`, as the user wrote it.
    pub path: String,
    pub settings: SerialSettings,
    /// For each request, from the turn on the line on.
    pub timeout: Duration,
    pub usage: ConnectionUsage,
}

impl SerialAddress {
    /// Whether a device's host is the path of a serial port.
    pub fn is_path(host: &str) -> bool {
        host.starts_with('/')
    }

    /// Builds the address of a device whose host is a path.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<SerialAddress> {
        if !is_below_dev(&spec.host) {
            return Err(Error::field("host", "A serial port is a path below /dev/, such as /dev/ttyUSB0."));
        }
        if spec.port.is_some() {
            return Err(Error::field("port", "A device at a serial port has no port number."));
        }
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        let (settings, usage) = (SerialSettings::from_spec(spec)?, ConnectionUsage::from_spec(spec)?);
        Ok(SerialAddress { path: spec.host.clone(), settings, timeout, usage })
    }
}

/// Whether a text is a path below `/dev/` that does not lead up again.
fn is_below_dev(path: &str) -> bool {
    let below = Path::new(path).strip_prefix("/dev");
    below.is_ok_and(|below| {
        let mut parts = below.components().peekable();
        parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
    })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
