//! What can go wrong between us and a device, in words for the person who reads `last_error`.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::domain::{Error, Kind};

/// Why a request got no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error("connection to {address} failed: {reason}")]
    Unreachable { address: String, reason: String },
    /// The connection was open and is no more.
    #[error("connection to {address} lost: {reason}")]
    Closed { address: String, reason: String },
    #[error("{address} did not answer within {} s", .after.as_secs_f64())]
    Timeout { address: String, after: Duration },
    /// The answer broke the protocol; nothing after it on that connection can be trusted.
    #[error("{address} broke the protocol: {reason}")]
    Malformed { address: String, reason: String },
    /// The device understood and declined; the connection is in order.
    #[error("{words} ({code})")]
    Refused { code: Code, words: &'static str, meaning: Meaning },
    /// What is asked for does not fit what the device says it has; nothing was sent.
    #[error("{field}: {words}")]
    Unfit { field: &'static str, words: String },
}

/// A device's own number for why it declined. `Display` names it as its protocol does, upper hexadecimal is the number
/// alone, as wide as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Modbus(u8),
    Melsec(u16),
    Fenet(u16),
    /// A status code without the bits of a single value.
    Opcua(u32),
    Http(u16),
}

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A repeat never cures it: there is no such register.
    NoSuchRegister,
    /// The same for so many of them in one request, or for this value.
    NoSuchCount,
    /// Nor is there such a command.
    NoSuchCommand,
    /// The device failed at it, maybe because of one of the registers.
    Failed,
    /// Who answers is not the device, which is out of reach.
    DeviceIsAway,
    Other,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::Modbus(code) => write!(f, "exception {code}"),
            Code::Melsec(_) => write!(f, "end code {self:X}"),
            Code::Fenet(_) => write!(f, "error code {self:X}"),
            Code::Opcua(code) => write!(f, "status {code:08X}"),
            Code::Http(code) => write!(f, "status {code}"),
        }
    }
}

impl fmt::UpperHex for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::Modbus(code) => write!(f, "{code:02X}"),
            Code::Melsec(code) | Code::Fenet(code) => write!(f, "{code:04X}"),
            Code::Opcua(code) => write!(f, "{code:08X}"),
            // It has no other form than the decimal one.
            Code::Http(code) => write!(f, "{code}"),
        }
    }
}

impl Fault {
    /// Whether the device itself is out of reach, so that no tag of it can be read now.
    pub fn is_loss(&self) -> bool {
        match self {
            Fault::Unreachable { .. }
            | Fault::Closed { .. }
            | Fault::Timeout { .. }
            | Fault::Malformed { .. } => true,
            Fault::Refused { meaning, .. } => *meaning == Meaning::DeviceIsAway,
            Fault::Unfit { .. } => false,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Unfit { field, words } => return Error::field(field, words),
            Fault::Timeout { .. } => Kind::Timeout,
            Fault::Unreachable { .. }
            | Fault::Closed { .. }
            | Fault::Malformed { .. }
            | Fault::Refused { .. } => Kind::DeviceFault,
        };
        Error::new(kind, fault.to_string())
    }
}

/// An I/O error without the operating system's numbers.
pub fn reason(error: &io::Error) -> String {
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
