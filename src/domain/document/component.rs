//! Components: named bundles of streams of one device. The streams of a component are those whose name begins with its
//! key and a dot.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rules::{MAX_NAME, check_key, check_metadata, check_required};
use super::{DocumentContent, DocumentKind, DocumentReference, ReferenceTarget};
use crate::domain::{DeviceId, Error, FieldError, Result};

/// Most characters of a component's key: with the key of a sensor it fits into the name of a stream.
const MAX_KEY: usize = 64;

/// Settable fields of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentSpec {
    /// Device that it belongs to; fixed.
    pub device: DeviceId,
    /// 1..=64 letters, digits, `_` and `-`; unique on the device.
    pub key: String,
    /// 1..=255 characters.
    pub name: String,
    /// Profile of its readings.
    pub sensor_profile: Option<Uuid>,
    /// User-defined, at most 16 KiB of JSON.
    pub metadata: Map<String, Value>,
}

impl ComponentSpec {
    /// Beginning of the names of its streams.
    pub fn stream_prefix(&self) -> String {
        format!("{}.", self.key)
    }
}

impl DocumentContent for ComponentSpec {
    fn unique_name(&self) -> String {
        format!("{}/{}", self.device, self.key)
    }

    fn unique_title(&self) -> String {
        format!("A component with the key '{}' exists on this device", self.key)
    }

    fn device(&self) -> Option<DeviceId> {
        Some(self.device)
    }

    fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        let profile = self.sensor_profile;
        profile.map(|id| ReferenceTarget::Document(DocumentKind::SensorProfile, id)).into_iter().collect()
    }

    fn check_change(&self, stored: &Self) -> Result<()> {
        if stored.device != self.device {
            return Err(Error::conflict("deviceId of a component cannot be changed"));
        }
        Ok(())
    }

    fn references(&self) -> Vec<DocumentReference> {
        let device = DocumentReference::new("device", ReferenceTarget::Device(self.device));
        let profile = self.sensor_profile.map(|id| {
            let target = ReferenceTarget::Document(DocumentKind::SensorProfile, id);
            DocumentReference::new("sensor_profile", target)
        });
        [Some(device), profile].into_iter().flatten().collect()
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_key(&mut found, "key", &self.key, MAX_KEY, "");
        check_required(&mut found, "name", &self.name, MAX_NAME);
        check_metadata(&mut found, &self.metadata);
        found
    }
}
