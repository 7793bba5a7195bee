//! What a monitoring system asks for: the collectors of every device in numbers, whatever its organization.

use super::{App, plant};
use crate::domain::device::{DeviceStatus, Protocol};
use crate::domain::{DeviceId, Principal, Resource, Result, Scope};

/// One device's collector.
pub struct Measured {
    pub device: DeviceId,
    pub protocol: Protocol,
    pub status: DeviceStatus,
}

impl App {
    /// Every device by id, for who may look at the machine.
    pub fn metrics(&self, principal: &Principal) -> Result<Vec<Measured>> {
        self.require_host(principal, Scope::read(Resource::System))?;
        Ok(self.measured())
    }

    /// The same for anybody; `None` unless the configuration says so.
    pub fn public_metrics(&self) -> Option<Vec<Measured>> {
        self.settings.metrics_public.then(|| self.measured())
    }

    fn measured(&self) -> Vec<Measured> {
        let devices = self.store.catalog().all_devices();
        let measured = devices.iter().map(|device| Measured {
            device: device.id,
            protocol: device.spec.protocol,
            status: plant::status(&self.collectors, device),
        });
        measured.collect()
    }
}
