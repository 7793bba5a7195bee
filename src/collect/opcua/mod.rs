//! OPC UA client: from a device's settings to values with quality and time, by polling or by subscription.
//!
//! Node ids, settings, values and status codes are pure. `pki` is the certificate store, `session` opens, drives and
//! ends a connection, `client` sends requests over it, and `source` is the polling source for the collector.

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
mod endpoint_selection;
mod memory_size;
mod notification_queue;
mod session;
mod subscription;
mod transport;

use opcua::types::StatusCode;

use super::fault::{DeviceErrorCode, DeviceFault, RefusalKind};

/// Converts a status to a refusal, as defined for all protocols.
fn refused(status: StatusCode) -> DeviceFault {
    let meaning = match StatusCode::from(status.bits() & 0xFFFF_0000) {
        StatusCode::BadNodeIdUnknown | StatusCode::BadNodeIdInvalid => RefusalKind::NoSuchRegister,
        _ => RefusalKind::Other,
    };
    let name = status.sub_code().name();
    let words = if name == "Invalid" { "the server refuses" } else { name };
    DeviceFault::Refused { code: DeviceErrorCode::Opcua(status.bits() & 0xFFFF_0000), words, meaning }
}

#[cfg(test)]
mod fuzz_tests;
