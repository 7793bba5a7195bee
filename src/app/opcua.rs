//! Browses the address space of an OPC UA server, for setting up a device.

use std::sync::Arc;

use super::App;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::{Device, Protocol};
use crate::domain::principal::Access;
use crate::domain::{DeviceId, Error, Principal, Result};

impl App {
    /// Returns the OPC UA device for a principal that may access it directly.
    pub fn device_for_browse(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        let device = self.device_for_direct_access(principal, id, Access::Read)?;
        if device.spec.protocol != Protocol::Opcua {
            return Err(Error::invalid("Device protocol is not opcua."));
        }
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        Ok(device)
    }

    /// Returns a node of the device's server and `depth` levels below it; the number of nodes is limited.
    pub async fn browse_opcua(
        &self,
        principal: &Principal,
        id: DeviceId,
        node: &str,
        depth: usize,
    ) -> Result<BrowseTree> {
        self.device_for_browse(principal, id)?;
        self.running_collectors()?.browse(id, node, depth).await
    }
}
