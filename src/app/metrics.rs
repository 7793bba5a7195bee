//! Metrics for monitoring systems: the collector of every device and every model, across organizations, and the memory
//! budgets of the process.

use super::App;
use super::ai::ModelStatus;
use super::body_memory::BodyMemoryBudget;
use super::mqtt::metrics::MqttMetrics;
use super::notification::counters::NotificationCounts;
use super::readings::counters::ReadingCounts;
use super::resident_memory::resident_bytes;
use crate::domain::device::{DeviceStatus, Protocol};
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::ports::DeviceStatusSource;
use crate::domain::{DeviceId, ModelId, Principal, Resource, Result, Scope};

/// The measured values.
pub struct Metrics {
    /// Devices, by id.
    pub devices: Vec<DeviceMetrics>,
    /// Models, by id.
    pub models: Vec<(ModelId, ModelStatus)>,
    /// Memory budgets of the process.
    pub memory: Vec<MemoryUsage>,
    /// Readings received over MQTT and MK since the start, and those refused.
    pub readings: ReadingCounts,
    /// Resident memory of the process, where the operating system states it.
    pub resident_bytes: Option<usize>,
    /// The MQTT broker.
    pub mqtt: MqttMetrics,
    /// Deliveries of notifications.
    pub notifications: NotificationCounts,
    /// Alerts since the start that were not raised because their rule had raised enough.
    pub suppressed_alerts: u64,
}

/// The collector status of one device.
pub struct DeviceMetrics {
    pub device: DeviceId,
    pub protocol: Protocol,
    pub status: DeviceStatus,
}

impl App {
    /// Returns every device and model, for a principal with access to the machine.
    pub fn metrics(&self, principal: &Principal) -> Result<Metrics> {
        self.require_host(principal, Scope::read(Resource::System))?;
        Ok(self.collect_metrics())
    }

    /// Returns every device and model without authentication; `None` unless the configuration allows it.
    pub fn public_metrics(&self) -> Option<Metrics> {
        self.settings.metrics_public.then(|| self.collect_metrics())
    }

    fn collect_metrics(&self) -> Metrics {
        let devices = self.store.catalog().all_devices();
        let measured = devices.iter().map(|device| DeviceMetrics {
            device: device.id,
            protocol: device.spec.protocol,
            status: self.states.status(device),
        });
        let models = self.store.catalog().all_models();
        let models = models.iter().map(|model| (model.id, self.status_of_model(model))).collect();
        let mut memory = vec![BodyMemoryBudget::usage_of_process(), self.engine.memory_usage()];
        memory.extend(self.store.memory_usage());
        memory.push(self.ai.detectors.usage());
        Metrics {
            devices: measured.collect(),
            models,
            memory,
            readings: self.readings.counters.counts(),
            resident_bytes: resident_bytes(),
            mqtt: self.mqtt_metrics(),
            notifications: self.notifications.counters.counts(),
            suppressed_alerts: self.alerts.suppressed(),
        }
    }
}
