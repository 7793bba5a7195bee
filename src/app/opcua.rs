//! What an OPC UA server has, for somebody who sets a device up.

use std::sync::Arc;

use super::App;
use crate::domain::address_space::Tree;
use crate::domain::device::{Device, Protocol};
use crate::domain::principal::Access;
use crate::domain::{DeviceId, Error, Principal, Result};

impl App {
    /// The device, for a principal that may speak to it itself, if it is one of OPC UA.
    pub fn device_for_browse(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        let device = self.device_to_speak_to(principal, id, Access::Read)?;
        if device.spec.protocol != Protocol::Opcua {
            return Err(Error::invalid("Device protocol is not opcua."));
        }
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        Ok(device)
    }

    /// A node of its server and `depth` levels below, bounded in number.
    pub async fn browse_opcua(
        &self,
        principal: &Principal,
        id: DeviceId,
        node: &str,
        depth: usize,
    ) -> Result<Tree> {
        self.device_for_browse(principal, id)?;
        self.speakers()?.browse(id, node, depth).await
    }
}
