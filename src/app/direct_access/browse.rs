//! Browses what a device offers, for setting up its streams: the nodes of an OPC UA server, the tags of a controller.

use std::sync::Arc;

use super::DirectAccess;
use crate::collect;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::{Device, Protocol};
use crate::domain::principal::Access;
use crate::domain::{DeviceId, Error, Principal, Result};

impl DirectAccess {
    /// Returns a device that is browsed, for a principal that may access it directly.
    ///
    /// # Errors
    /// `Invalid` for a protocol without browsing, `Conflict` for a disabled device.
    pub fn device_for_browse(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        let device = self.device_for_direct_access(principal, id, Access::Read)?;
        if collect::browse_root(device.spec.protocol).is_none() {
            let message = format!("Devices of protocol \"{}\" are not browsed.", device.spec.protocol);
            return Err(Error::invalid(message));
        }
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        Ok(device)
    }

    /// Returns an OPC UA device that is browsed, for a principal that may access it directly.
    ///
    /// # Errors
    /// `Invalid` for another protocol, `Conflict` for a disabled device.
    pub fn opcua_device_for_browse(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        let device = self.device_for_direct_access(principal, id, Access::Read)?;
        if device.spec.protocol != Protocol::Opcua {
            return Err(Error::invalid("Device protocol is not opcua."));
        }
        self.device_for_browse(principal, id)
    }

    /// Returns a node of the device, by default its root, and `depth` levels below it; the number of nodes is limited.
    pub async fn browse_device(
        &self,
        principal: &Principal,
        id: DeviceId,
        node: Option<&str>,
        depth: usize,
    ) -> Result<BrowseTree> {
        let device = self.device_for_browse(principal, id)?;
        let node = node.or(collect::browse_root(device.spec.protocol)).unwrap_or_default();
        self.states.running()?.browse(id, node, depth).await
    }
}
