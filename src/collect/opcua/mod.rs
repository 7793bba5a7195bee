//! OPC UA: from a device's settings to values with their quality and time, by polling or by subscription.
//!
//! Node ids, settings, values and status codes are pure; `pki` is the folder of certificates; `session` opens, drives and
//! ends a connection, `client` asks over it, and `link` is what the collector sees.

pub mod browse;
pub mod client;
pub mod direct;
pub mod endpoint;
pub mod node;
pub mod pki;
pub mod status;
pub mod variant;

pub(super) mod link;

mod gather;
mod intake;
mod offer;
mod session;
mod subscription;
mod transport;
mod weight;

use opcua::types::StatusCode;

use super::fault::{Code, Fault, Meaning};

/// What a server declined, in the terms of every protocol.
fn refused(status: StatusCode) -> Fault {
    let meaning = match StatusCode::from(status.bits() & 0xFFFF_0000) {
        StatusCode::BadNodeIdUnknown | StatusCode::BadNodeIdInvalid => Meaning::NoSuchRegister,
        _ => Meaning::Other,
    };
    let name = status.sub_code().name();
    let words = if name == "Invalid" { "the server refuses" } else { name };
    Fault::Refused { code: Code::Opcua(status.bits() & 0xFFFF_0000), words, meaning }
}

#[cfg(test)]
mod fuzz_tests;
