//! Updates of one datastream, or of several of one device.

use serde_json::Value;

use super::writes::ValueWrites;
use super::{Blynk, require_with_view, value_mismatch};
use crate::app::token::ClientAccess;
use crate::domain::client::Permission;
use crate::domain::{DeviceId, Result};

/// A value for a datastream.
#[derive(Debug, Clone, PartialEq)]
pub struct DatastreamValue {
    /// Id of the datastream, which is its channel.
    pub datastream: i32,
    pub value: Value,
}

impl Blynk {
    /// Sets a datastream to a value now.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `NotFound` for a device or a datastream that the token does not see; `Invalid`
    /// for a value that the datastream does not take; `Busy` when too many commands of the device wait; as
    /// `Store::write`.
    pub async fn update(&self, access: &ClientAccess, device: DeviceId, new: DatastreamValue) -> Result<()> {
        require_with_view(access, Permission::OrgDevicesControl)?;
        let device = self.visible_device(access, device)?;
        let stream = self.visible_datastream(access, &device, new.datastream)?;
        let mut writes = ValueWrites::new(self, access);
        if !writes.add(&stream, &new.value) {
            return Err(value_mismatch());
        }
        writes.store().await
    }

    /// Sets datastreams of a device to values now. Unknown datastreams, and values that a datastream does not take, are
    /// skipped; of several values for one the last counts.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `NotFound` for a device that the token does not see; `Busy` when too many
    /// commands of the device wait; as `Store::write`.
    pub async fn update_many(
        &self,
        access: &ClientAccess,
        device: DeviceId,
        values: Vec<DatastreamValue>,
    ) -> Result<()> {
        require_with_view(access, Permission::OrgDevicesControl)?;
        let device = self.visible_device(access, device)?;
        let mut writes = ValueWrites::new(self, access);
        for new in values {
            if let Ok(stream) = self.visible_datastream(access, &device, new.datastream) {
                writes.add(&stream, &new.value);
            }
        }
        writes.store().await
    }
}
