//! Faults between the server and a device, worded for the person who reads `last_error`.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::domain::{Error, Kind};

/// Why a request got no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeviceFault {
    #[error("connection to {address} failed: {reason}")]
    Unreachable { address: String, reason: String },
    /// The connection was open and is lost.
    #[error("connection to {address} lost: {reason}")]
    Closed { address: String, reason: String },
    #[error("{address} did not answer within {} s", .after.as_secs_f64())]
    Timeout { address: String, after: Duration },
    /// The answer broke the protocol; nothing after it on that connection can be trusted.
    #[error("{address} broke the protocol: {reason}")]
    Malformed { address: String, reason: String },
    /// The device understood the request and refused it; the connection is in order.
    #[error("{words} ({code})")]
    Refused { code: DeviceErrorCode, words: &'static str, meaning: RefusalKind },
    /// The request does not fit what the device offers; nothing was sent.
    #[error("{field}: {words}")]
    Unsupported { field: &'static str, words: String },
}

/// A device's own code for a refusal. `Display` names it as its protocol does; `UpperHex` prints the number alone, as
/// wide as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceErrorCode {
    Modbus(u8),
    Melsec(u16),
    Fenet(u16),
    /// A status code without the info bits of a single value.
    Opcua(u32),
    Http(u16),
}

/// What a refusal means for later requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Repeating never helps: there is no such register.
    NoSuchRegister,
    /// Repeating never helps: too many registers in one request, or an invalid value.
    InvalidCountOrValue,
    /// Repeating never helps: there is no such command.
    NoSuchCommand,
    /// The device failed to execute the request, maybe because of one of the registers.
    Failed,
    /// A gateway or proxy answered; the device itself is out of reach.
    DeviceUnreachable,
    Other,
}

impl fmt::Display for DeviceErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceErrorCode::Modbus(code) => write!(f, "exception {code}"),
            DeviceErrorCode::Melsec(_) => write!(f, "end code {self:X}"),
            DeviceErrorCode::Fenet(_) => write!(f, "error code {self:X}"),
            DeviceErrorCode::Opcua(code) => write!(f, "status {code:08X}"),
            DeviceErrorCode::Http(code) => write!(f, "status {code}"),
        }
    }
}

impl fmt::UpperHex for DeviceErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceErrorCode::Modbus(code) => write!(f, "{code:02X}"),
            DeviceErrorCode::Melsec(code) | DeviceErrorCode::Fenet(code) => write!(f, "{code:04X}"),
            DeviceErrorCode::Opcua(code) => write!(f, "{code:08X}"),
            // HTTP status codes have no form other than the decimal one.
            DeviceErrorCode::Http(code) => write!(f, "{code}"),
        }
    }
}

impl DeviceFault {
    /// Whether the device itself is out of reach, so that none of its tags can be read now.
    pub fn is_connection_loss(&self) -> bool {
        match self {
            DeviceFault::Unreachable { .. }
            | DeviceFault::Closed { .. }
            | DeviceFault::Timeout { .. }
            | DeviceFault::Malformed { .. } => true,
            DeviceFault::Refused { meaning, .. } => *meaning == RefusalKind::DeviceUnreachable,
            DeviceFault::Unsupported { .. } => false,
        }
    }
}

impl From<DeviceFault> for Error {
    fn from(fault: DeviceFault) -> Self {
        let kind = match fault {
            DeviceFault::Unsupported { field, words } => return Error::field(field, words),
            DeviceFault::Timeout { .. } => Kind::Timeout,
            DeviceFault::Unreachable { .. }
            | DeviceFault::Closed { .. }
            | DeviceFault::Malformed { .. }
            | DeviceFault::Refused { .. } => Kind::DeviceFault,
        };
        Error::new(kind, fault.to_string())
    }
}

/// Describes an I/O error without the operating system's numbers.
pub fn describe_io_error(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset",
        io::ErrorKind::ConnectionAborted => "connection aborted",
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "closed by the device",
        io::ErrorKind::HostUnreachable => "host unreachable",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::TimedOut => "timed out",
        _ => return error.to_string(),
    };
    words.to_owned()
}
