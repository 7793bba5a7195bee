//! Whether a device can be collected from as it is set up, asked before it is stored.

use super::client::Endpoint;
use super::io;
use super::opcua;
use super::registers;
use super::writable::Writable;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::{FieldError, Result};

/// Fields of a device that a protocol reads besides its metadata, as callers name them.
const FIELDS: [&str; 7] = ["protocol", "host", "port", "unit", "username", "password", "timeout"];

/// What is wrong with the settings of a device's protocol. A setting of the metadata is told under the field `metadata`,
/// the message beginning with its name. What no protocol reads is the owner's own and never wrong.
pub fn device_problems(spec: &DeviceSpec) -> Vec<FieldError> {
    if !io::supports(spec.protocol) {
        return Vec::new();
    }
    let polled: Result<()> = match spec.protocol {
        Protocol::Opcua => opcua::endpoint::subscribes(spec).map(drop),
        _ => registers::link::max_gap(spec).map(drop),
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
