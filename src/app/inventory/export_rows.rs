//! Rows of an inventory export.

use serde_json::Value;

use super::file_fields::{
    DEVICE_DEFAULTS, DeviceNames, NamedValues, STREAM_DEFAULTS, device_fields, stream_fields,
};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::StreamSpec;

/// A device or a stream with the fields that differ from their default.
pub struct ExportRow {
    pub name: String,
    fields: NamedValues,
}

impl ExportRow {
    /// Returns a device's row. The protocol is always included: a device without any field would mean one that is only
    /// named.
    pub fn device(spec: &DeviceSpec, names: DeviceNames<'_>) -> ExportRow {
        let own = device_fields(spec, names).into_iter().zip(DEVICE_DEFAULTS.iter());
        let own = own.filter(|(own, default)| own.0 == "protocol" || own.1 != default.1);
        ExportRow { name: spec.name.clone(), fields: own.map(|(own, _)| own).collect() }
    }

    /// Returns a stream's row. The type is always included.
    pub fn stream(spec: &StreamSpec, group: Option<&str>) -> ExportRow {
        let own = stream_fields(spec, group).into_iter().zip(STREAM_DEFAULTS.iter());
        let own = own.filter(|(own, default)| own.0 == "type" || own.1 != default.1);
        ExportRow { name: spec.name.clone(), fields: own.map(|(own, _)| own).collect() }
    }

    /// Returns the fields with their values, in the order of export.
    pub fn fields(&self) -> &[(&'static str, Value)] {
        &self.fields
    }

    /// Returns a field's value; `None` at its default.
    pub fn field(&self, field: &str) -> Option<&Value> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }
}
