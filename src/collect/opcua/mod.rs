//! OPC UA client: from a device's settings to values with quality and time, by polling or by subscription.
//!
//! Node ids, settings, values and status codes are pure. `pki` is the certificate store, `session` opens, drives and
//! ends a connection, `client` sends requests over it, `isolation` finds the nodes for which a server refuses whole
//! calls, and `source` is the polling source for the collector.

pub mod browse;
pub mod client;
pub mod endpoint;
pub mod node;
pub mod one_shot;
pub mod pki;
pub mod status;
pub mod variant;

pub(super) mod source;

mod browse_accumulator;
mod call_size;
mod endpoint_selection;
mod faulty_nodes;
mod group_subscription;
mod identify;
mod isolation;
mod memory_size;
mod monitored_items;
mod namespaces;
mod node_reads;
mod notification_queue;
mod operation_limits;
mod poll_group;
mod protocol;
mod server_link;
mod session;
mod subscription;
mod transport;

use opcua::types::StatusCode;

pub use identify::identify;
pub use protocol::Opcua;

use super::fault::{DeviceErrorCode, DeviceFault, ErrorCodeFormat, RefusalKind};

const STATUS_CODE: ErrorCodeFormat =
    ErrorCodeFormat { name: "status", hex_digits: 8, is_named_in_decimal: false };

/// Converts a status to a refusal, as defined for all protocols.
fn refused(status: StatusCode) -> DeviceFault {
    let meaning = match StatusCode::from(status.bits() & 0xFFFF_0000) {
        StatusCode::BadNodeIdUnknown | StatusCode::BadNodeIdInvalid => RefusalKind::NoSuchRegister,
        _ => RefusalKind::Other,
    };
    let name = status.sub_code().name();
    let words = if name == "Invalid" { "the server refuses" } else { name };
    // Without the info bits of a single value.
    let code = DeviceErrorCode { number: status.bits() & 0xFFFF_0000, format: STATUS_CODE };
    DeviceFault::Refused { code, words, meaning }
}

#[cfg(test)]
mod fake_calls;
#[cfg(test)]
mod fuzz_tests;
