//! Collectors: poll devices and hand their readings to a sink.
//!
//! One folder or file per protocol, listed in `registry`; everything beside them is shared by all protocols. A protocol
//! implements the traits in `protocol`, `client` and `source` (docs/adding-a-protocol.md shows how). `registers` is
//! shared by the protocols with numbered registers.
//!
//! The module owns connections, schedules, quality and deadband. It deliberately knows neither where devices are
//! stored nor where readings go: those are the ports `DeviceRegistry` and `SampleSink`.

pub mod codec;
pub mod device_value;
pub mod discover;
pub mod eip;
pub mod fault;
pub mod fenet;
pub mod http;
pub mod io;
pub mod melsec;
pub mod modbus;
pub mod mqtt;
pub mod numeric_value;
pub mod one_shot;
pub mod opcua;
pub mod registers;
pub mod runtime;
pub mod s7;

mod address;
mod answer_check;
mod backoff;
mod browse;
mod client;
mod collector_signal;
mod connection_usage;
mod deadband;
mod device_test;
mod duration_stats;
mod json_value;
mod learned_expiry;
mod line_silence;
mod networks;
mod peer;
mod plain_value;
mod point;
mod poller;
mod ports;
mod protocol;
mod reading_time;
mod recent_answers;
mod register_values;
mod registry;
mod request_number;
mod request_socket;
mod schedule;
mod serial;
mod settings;
mod shared_connection;
mod silent_parts;
mod source;
mod source_clock;
mod status_cell;
mod stored_state;
mod supervisor;
mod validate;
mod virtual_device;
mod write_allowlist;
mod write_locks;

#[cfg(test)]
mod address_docs_tests;
#[cfg(test)]
mod array_write_tests;
#[cfg(test)]
mod lost_tests;
#[cfg(test)]
mod pause_tests;
#[cfg(test)]
mod poller_sink_tests;
#[cfg(test)]
mod poller_tests;
#[cfg(test)]
mod repeated_answer_tests;
#[cfg(test)]
mod settings_docs_tests;
#[cfg(test)]
mod test_harness;
#[cfg(test)]
mod virtual_device_tests;

use self::address::DeviceAddress;
use crate::domain::FieldError;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{StreamKind, StreamSpec};

pub use client::ConnectContext;
pub use networks::AllowedNetworks;
pub use ports::CollectOptions;
pub use runtime::Collectors;
pub use serial::AllowedSerialPorts;
pub use validate::device_problems;

/// Checks that `path` is a valid stream address on a device of this protocol. The error is for the field `path`.
///
/// Protocols without an address grammar here accept any text. Whether a path is required at all is the caller's rule
/// (`Protocol::needs_path`).
pub fn check_path(protocol: Protocol, path: &str) -> Result<(), FieldError> {
    registry::find(protocol).map_or(Ok(()), |known| known.check_path(path))
}

/// Checks that a device of this protocol can hold values of a type at an address. The error is for the field `type`.
pub fn check_kind(protocol: Protocol, path: &str, kind: StreamKind) -> Result<(), FieldError> {
    registry::find(protocol).map_or(Ok(()), |known| known.check_kind(path, kind))
}

/// Checks the word order that the metadata of a stream of this device names. The error is for the field `metadata`.
pub fn check_word_order(device: &DeviceSpec, stream: &StreamSpec) -> Result<(), FieldError> {
    registry::find(device.protocol).map_or(Ok(()), |known| known.check_word_order(device, stream))
}

/// Returns a text that is the same for all spellings of an address on a device; `None` for a text that is no address there.
pub fn canonical_address(device: &DeviceSpec, text: &str) -> Option<String> {
    let address = registry::parse_address(device, text).ok()?;
    let name = address.to_string();
    // Letter case makes no difference in a tag.
    Some(if matches!(address, DeviceAddress::Tag(_)) { name.to_ascii_lowercase() } else { name })
}

/// The node with which a browse of such a device begins; `None` for a protocol that is not browsed.
pub fn browse_root(protocol: Protocol) -> Option<&'static str> {
    registry::find(protocol).and_then(|known| known.browse_root())
}

/// Address of the server of an OPC UA device, by which `Pki::shown_at` knows it; `None` for settings without one.
pub fn opcua_url(device: &DeviceSpec) -> Option<String> {
    opcua::endpoint::OpcuaEndpoint::from_spec(device).ok().map(|endpoint| endpoint.url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_equal() {
        let key = |protocol, text| canonical_address(&DeviceSpec::new("", protocol), text);
        assert_eq!(key(Protocol::Modbus, "40001"), key(Protocol::Modbus, "HR:0"));
        assert_eq!(key(Protocol::Eip, "Motor.Speed"), key(Protocol::Eip, "motor.speed"));
        assert_ne!(key(Protocol::Modbus, "hr:0"), key(Protocol::Modbus, "ir:0"));
        assert_eq!(key(Protocol::Modbus, "D100"), None);
    }

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
            (Protocol::S7, "DB1.DBD0", true),
            (Protocol::S7, "D100", false),
            (Protocol::Eip, "Program:Main.axes[2].on.3", true),
            (Protocol::Eip, "hr:100", true),
            (Protocol::Eip, "100", false),
            (Protocol::Opcua, " ", false),
            (Protocol::Opcua, "Temp", false),
            (Protocol::Opcua, "ns=2;s=Line1.Temp", true),
            (Protocol::Mqtt, "line/+/temp#/value", true),
            (Protocol::Mqtt, "plant/edge1/press#Motor/speed", true),
            (Protocol::Mqtt, "line/#/temp", false),
            (Protocol::Virtual, "", true),
            (Protocol::Http, "/data/0/value", true),
            (Protocol::Http, "data.value", false),
        ] {
            let checked = check_path(protocol, path);
            assert_eq!(checked.is_ok(), is_valid, "{protocol} {path}: {checked:?}");
        }
        assert_eq!(check_path(Protocol::Modbus, "100").unwrap_err().field, "path");
    }

    #[test]
    fn registers_hold_numbers_unless_their_address_names_another_type() {
        for (protocol, path) in [
            (Protocol::Modbus, "hr:0"),
            (Protocol::Melsec, "D0"),
            (Protocol::Fenet, "%DW0"),
            (Protocol::S7, "DB1.DBW0"),
        ] {
            for kind in StreamKind::ALL {
                let checked = check_kind(protocol, path, kind);
                assert_eq!(checked.is_ok(), kind.is_register_kind(), "{protocol} {kind}");
                let checked = check_kind(protocol, &format!("{path}[3]"), kind);
                let is_list = matches!(kind, StreamKind::Text | StreamKind::Json);
                assert_eq!(checked.is_ok(), is_list, "{protocol} {kind}");
                let checked = check_kind(protocol, &format!("{path}:text20"), kind);
                assert_eq!(checked.is_ok(), kind == StreamKind::Text, "{protocol} {kind}");
            }
        }
        for (path, kind, message) in [
            (
                "HR0",
                StreamKind::Text,
                "A register holds no value of type text: use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, \
                 fp16, fp32, fp64, or name the length of the text in the path, such as hr:0:text20.",
            ),
            (
                "hr:0:INT",
                StreamKind::Uint16,
                "hr:0:int16 holds int16, which is no uint16: use one of int16, int32, int64, fp32, fp64, enum.",
            ),
            (
                "hr:0",
                StreamKind::Enum,
                "A register holds no value of type enum: use one of bit, byte, int16, int32, int64, uint16, uint32, uint64, fp16, \
                 fp32, fp64, or name the register's type in the path, such as hr:0:uint16.",
            ),
            (
                "hr:0[3]",
                StreamKind::Fp64,
                "hr:0:uint16[3] holds uint16[3], which is no fp64: use one of text, json.",
            ),
        ] {
            let error = check_kind(Protocol::Modbus, path, kind).unwrap_err();
            assert_eq!((&*error.field, &*error.message), ("type", message));
        }
        assert_eq!(check_kind(Protocol::Modbus, "100", StreamKind::Text), Ok(()), "the path is wrong");
        for protocol in [Protocol::Eip, Protocol::Opcua, Protocol::Mqtt, Protocol::Http, Protocol::Vnc] {
            assert_eq!(check_kind(protocol, "a", StreamKind::Text), Ok(()), "{protocol}");
        }
    }
}

#[cfg(test)]
mod fuzz_tests;
