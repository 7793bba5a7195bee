//! Collectors: poll devices and hand what they said to a sink. One folder per protocol; everything beside them is
//! shared by all. `address`, `point`, `client`, `line` and `link` are the seam: what they say of every protocol they pass on
//! to the one at hand, and `registers` is what the protocols of numbered registers have in common.
//!
//! Owns connections, schedules, quality and deadband. Deliberately knows neither where devices are kept nor where
//! readings go: those are the ports `Plant` and `SampleSink`.

pub mod codec;
pub mod content;
pub mod direct;
pub mod fault;
pub mod fenet;
pub mod http;
pub mod io;
pub mod melsec;
pub mod modbus;
pub mod opcua;
pub mod registers;
pub mod runtime;
pub mod value;

mod address;
mod backoff;
mod board;
mod browse;
mod channel;
mod check;
mod client;
mod device;
mod generated;
mod line;
mod link;
mod meter;
mod networks;
mod point;
mod poller;
mod schedule;
mod settings;
mod spoken;
mod tags;
mod writable;

#[cfg(test)]
mod generated_tests;
#[cfg(test)]
mod poller_tests;
#[cfg(test)]
mod world;

use address::Address;

use crate::domain::FieldError;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::web::check_pointer;

pub use check::device_problems;
pub use client::Means;
pub use networks::Networks;
pub use runtime::{CollectOptions, Collectors};

/// Whether `path` can name a stream's place on a device of this protocol. The error is for the field `path`.
///
/// Protocols without a grammar of their own here take any text; whether a path must be there at all is the
/// caller's rule (`Protocol::needs_path`).
pub fn check_path(protocol: Protocol, path: &str) -> Result<(), FieldError> {
    match protocol {
        Protocol::Modbus | Protocol::Melsec | Protocol::Fenet | Protocol::Opcua => {
            let parsed = Address::parse(&DeviceSpec::new("", protocol), path);
            parsed.map(drop).map_err(|error| FieldError::new("path", error))
        }
        Protocol::Http => check_pointer(path),
        Protocol::Ai
        | Protocol::Virtual
        | Protocol::File
        | Protocol::Mqtt
        | Protocol::Vnc
        | Protocol::V4l2 => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_obeys_its_protocol() {
        for (protocol, path, is_valid) in [
            (Protocol::Modbus, "hr:100", true),
            (Protocol::Modbus, "D100", false),
            (Protocol::Modbus, "", false),
            (Protocol::Melsec, "D100", true),
            (Protocol::Melsec, "hr:100", false),
            (Protocol::Melsec, "", false),
            (Protocol::Fenet, "%DW100", true),
            (Protocol::Fenet, "D100", false),
            (Protocol::Opcua, " ", false),
            (Protocol::Opcua, "Temp", false),
            (Protocol::Opcua, "ns=2;s=Line1.Temp", true),
            (Protocol::Virtual, "", true),
            (Protocol::Http, "/data/0/value", true),
            (Protocol::Http, "data.value", false),
        ] {
            let checked = check_path(protocol, path);
            assert_eq!(checked.is_ok(), is_valid, "{protocol} {path}: {checked:?}");
        }
        assert_eq!(check_path(Protocol::Modbus, "100").unwrap_err().field, "path");
    }
}

#[cfg(test)]
mod fuzz_tests;
