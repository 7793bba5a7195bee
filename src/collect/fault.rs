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
    /// Bytes arrived that answer no request. No answer of the connection can be told from another's any more.
    #[error("{address} broke the protocol: {reason}")]
    Unsolicited { address: String, reason: String },
    /// A request or its answer is larger than the device or this server allows; a smaller one may work.
    #[error("{address}: a call or its answer exceeds a limit: {reason}")]
    LimitExceeded { address: String, reason: String },
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
pub struct DeviceErrorCode {
    /// The number as received.
    pub number: u32,
    /// How the protocol writes it.
    pub format: ErrorCodeFormat,
}

/// How a protocol writes its error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCodeFormat {
    /// The protocol's name of such a code: `end code`, `status`.
    pub name: &'static str,
    /// Hexadecimal digits of a code on the wire; 0 where the only form is decimal.
    pub hex_digits: usize,
    /// Whether the code is written in decimal after its name.
    pub is_named_in_decimal: bool,
}

/// Meaning of a refusal for later requests.
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
    /// The device is at work on something else: the same request may succeed in a moment.
    Busy,
    /// A gateway or proxy answered; the device itself is out of reach.
    DeviceUnreachable,
    Other,
}

impl fmt::Display for DeviceErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeviceErrorCode { number, format } = self;
        if format.is_named_in_decimal {
            write!(f, "{} {number}", format.name)
        } else {
            write!(f, "{} {self:X}", format.name)
        }
    }
}

impl fmt::UpperHex for DeviceErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.format.hex_digits {
            0 => write!(f, "{}", self.number),
            digits => write!(f, "{:0digits$X}", self.number),
        }
    }
}

impl DeviceFault {
    /// Fault for settings of which no endpoint can be made.
    pub fn from_settings(error: Error) -> DeviceFault {
        DeviceFault::Unsupported { field: "settings", words: error.full_message() }
    }

    /// Whether the connection is at fault, so that a new one may be in order: one that had worked and is closed, as many devices
    /// close idle ones, or one with bytes on it that answer no request.
    pub fn is_of_connection(&self, had_worked: bool) -> bool {
        match self {
            DeviceFault::Closed { .. } => had_worked,
            DeviceFault::Unsolicited { .. } => true,
            _ => false,
        }
    }

    /// Whether the device itself is out of reach, so that none of its tags can be read now.
    pub fn is_connection_loss(&self) -> bool {
        match self {
            DeviceFault::Unreachable { .. }
            | DeviceFault::Closed { .. }
            | DeviceFault::Timeout { .. }
            | DeviceFault::Malformed { .. }
            | DeviceFault::Unsolicited { .. } => true,
            DeviceFault::Refused { meaning, .. } => *meaning == RefusalKind::DeviceUnreachable,
            DeviceFault::LimitExceeded { .. } | DeviceFault::Unsupported { .. } => false,
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
            | DeviceFault::Unsolicited { .. }
            | DeviceFault::LimitExceeded { .. }
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
