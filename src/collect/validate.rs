//! Validates the protocol settings of a device before it is stored.

use super::registry;
use super::write_allowlist::WriteAllowlist;
use crate::domain::device::DeviceSpec;
use crate::domain::{FieldError, Result};

/// Device fields besides the metadata that a protocol reads, by their API names.
const DEVICE_FIELDS: [&str; 7] = ["protocol", "host", "port", "unit", "username", "password", "timeout"];

/// Returns the problems in the settings of a device's protocol. A problem in the metadata is reported for the field
/// `metadata`, with a message that begins with the setting's name. Metadata that no protocol reads belongs to the
/// device's owner and is never wrong.
pub fn device_problems(spec: &DeviceSpec) -> Vec<FieldError> {
    let Some(protocol) = registry::find(spec.protocol).filter(|_| spec.has_registers()) else {
        return Vec::new();
    };
    let checks = [
        protocol.endpoint(spec).map(drop),
        protocol.check_polling(spec),
        WriteAllowlist::from_spec(spec).map(drop),
    ];
    checks.into_iter().filter_map(Result::err).flat_map(|error| error.fields).map(under_its_field).collect()
}

fn under_its_field(problem: FieldError) -> FieldError {
    if DEVICE_FIELDS.contains(&&*problem.field) {
        return problem;
    }
    FieldError::new("metadata", format!("{}: {}", problem.field, problem.message))
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
