//! What there is, as rows of a file.

use serde_json::Value;

use super::nouns::{blank_device, device_values, stream_values};
use crate::domain::DeviceId;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::StreamSpec;

/// A device or a stream with the fields that hold something else than their default.
pub struct Noun {
    pub name: String,
    said: Vec<(&'static str, Value)>,
}

impl Noun {
    /// A protocol is always said: a device without any field is one that is only named.
    pub fn device(spec: &DeviceSpec) -> Noun {
        let defaults = device_values(&blank_device(""));
        let said = device_values(spec).into_iter().zip(defaults);
        let said = said.filter(|(own, default)| own.0 == "protocol" || own.1 != default.1);
        Noun { name: spec.name.clone(), said: said.map(|(own, _)| own).collect() }
    }

    /// A type is always said.
    pub fn stream(spec: &StreamSpec, group: Option<&str>) -> Noun {
        let defaults = stream_values(&StreamSpec::new("", DeviceId(0)), None);
        let said = stream_values(spec, group).into_iter().zip(defaults);
        let said = said.filter(|(own, default)| own.0 == "type" || own.1 != default.1);
        Noun { name: spec.name.clone(), said: said.map(|(own, _)| own).collect() }
    }

    /// What a field holds; `None` for its default.
    pub fn said(&self, field: &str) -> Option<&Value> {
        self.said.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }
}
