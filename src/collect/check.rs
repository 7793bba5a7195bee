//! Whether a device can be collected from as it is set up, asked before it is stored.

use super::client::Endpoint;
use super::opcua;
use super::registers;
use super::spoken::Spoken;
use super::writable::Writable;
use crate::domain::device::DeviceSpec;
use crate::domain::{FieldError, Result};

/// Fields of a device that a protocol reads besides its metadata, as callers name them.
const FIELDS: [&str; 7] = ["protocol", "host", "port", "unit", "username", "password", "timeout"];

/// What is wrong with the settings of a device's protocol. A setting of the metadata is told under the field `metadata`,
/// the message beginning with its name. What no protocol reads is the owner's own and never wrong.
pub fn device_problems(spec: &DeviceSpec) -> Vec<FieldError> {
    let polled: Result<()> = match Spoken::of(spec.protocol) {
        None => return Vec::new(),
        Some(Spoken::Opcua) => opcua::endpoint::subscribes(spec).map(drop),
        Some(Spoken::Modbus | Spoken::Melsec | Spoken::Fenet) => registers::link::max_gap(spec).map(drop),
    };
    let checks = [Endpoint::of(spec).map(drop), polled, Writable::of(spec).map(drop)];
    checks.into_iter().filter_map(Result::err).flat_map(|error| error.fields).map(under_its_field).collect()
}

fn under_its_field(problem: FieldError) -> FieldError {
    if FIELDS.contains(&&*problem.field) {
        return problem;
    }
    FieldError::new("metadata", format!("{}: {}", problem.field, problem.message))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
