//! What a monitoring system asks for: the collectors of every device and every model in numbers, whatever their organization.

use super::ai::ModelStatus;
use super::{App, plant};
use crate::domain::device::{DeviceStatus, Protocol};
use crate::domain::{DeviceId, ModelId, Principal, Resource, Result, Scope};

/// Everything that is measured.
pub struct Metrics {
    /// By id.
    pub devices: Vec<Measured>,
    /// Those that live models have told of, by id.
    pub models: Vec<(ModelId, ModelStatus)>,
}

/// One device's collector.
pub struct Measured {
    pub device: DeviceId,
    pub protocol: Protocol,
    pub status: DeviceStatus,
}

impl App {
    /// Every device and model, for who may look at the machine.
    pub fn metrics(&self, principal: &Principal) -> Result<Metrics> {
        self.require_host(principal, Scope::read(Resource::System))?;
        Ok(self.measured())
    }

    /// The same for anybody; `None` unless the configuration says so.
    pub fn public_metrics(&self) -> Option<Metrics> {
        self.settings.metrics_public.then(|| self.measured())
    }

    fn measured(&self) -> Metrics {
        let devices = self.store.catalog().all_devices();
        let measured = devices.iter().map(|device| Measured {
            device: device.id,
            protocol: device.spec.protocol,
            status: plant::status(&self.collectors, device),
        });
        let models = self.store.catalog().all_models();
        let models = models.iter().map(|model| (model.id, self.status_of_model(model))).collect();
        Metrics { devices: measured.collect(), models }
    }
}
