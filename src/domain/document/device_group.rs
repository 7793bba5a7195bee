//! Groups of devices: those that carry every tag of the group, and those that are named one by one.

use serde::{Deserialize, Serialize};

use super::rules::{MAX_NAME, MAX_TEXT, check_optional, check_required, check_tags};
use super::{DocumentContent, DocumentReference, ReferenceTarget, RowVisibility};
use crate::domain::{DeviceId, FieldError};

/// Most devices that are named one by one.
const MAX_DEVICES: usize = 10_000;

/// Settable fields of a group.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeviceGroupSpec {
    /// 1..=255 characters, unique in the organization.
    pub name: String,
    /// At most 4000 characters.
    pub description: Option<String>,
    /// A device that carries all of them is a member; without tags none is by them.
    pub tags: Vec<String>,
    /// Members that are named, at most 10,000; those deleted since are ignored.
    pub devices: Vec<DeviceId>,
}

impl DeviceGroupSpec {
    /// Whether a device with these tags is a member by its tags.
    pub fn includes_tags(&self, tags: &[String]) -> bool {
        !self.tags.is_empty() && self.tags.iter().all(|tag| tags.contains(tag))
    }
}

impl DocumentContent for DeviceGroupSpec {
    fn unique_name(&self) -> String {
        self.name.clone()
    }

    fn unique_title(&self) -> String {
        format!("A device group with the name '{}' exists", self.name)
    }

    fn references(&self) -> Vec<DocumentReference> {
        let named = |(index, id): (usize, &DeviceId)| {
            DocumentReference::new(format!("devices[{index}]"), ReferenceTarget::Device(*id))
        };
        self.devices.iter().enumerate().map(named).collect()
    }

    fn retain_visible(&mut self, rows: &dyn RowVisibility) {
        self.devices.retain(|device| rows.sees_device(*device));
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        check_optional(&mut found, "description", self.description.as_deref().unwrap_or_default(), MAX_TEXT);
        check_tags(&mut found, &self.tags);
        if self.devices.len() > MAX_DEVICES {
            found.push(FieldError::new("devices", format!("size must be between 0 and {MAX_DEVICES}")));
        }
        found
    }
}
