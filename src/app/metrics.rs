//! Metrics for monitoring systems: the collector of every device and every model, across organizations, and the memory
//! budgets of the process.

use std::sync::Arc;

use super::App;
use super::ai::ModelStatus;
use super::alert::counters::AlertCounts;
use super::mqtt::metrics::MqttMetrics;
use super::notification::counters::NotificationCounts;
use super::readings::counters::ReadingCounts;
use crate::domain::cluster::{ClusterNode, SpreadTotals};
use crate::domain::device::{DeviceStatus, Protocol};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::server_status::ServerStatus;
use crate::domain::{DeviceId, Micros, ModelId, Principal, Resource, Result, Scope};
use crate::query::spread::Spread;

/// The measured values.
pub struct Metrics {
    /// Devices, by id.
    pub devices: Vec<DeviceMetrics>,
    /// Models, by id.
    pub models: Vec<(ModelId, ModelStatus)>,
    /// When the server started.
    pub started_at: Micros,
    /// Disk, log, lake, memory and connections of the process.
    pub server: ServerStatus,
    /// Readings received over MQTT and MK since the start, and those refused.
    pub readings: ReadingCounts,
    /// The MQTT broker.
    pub mqtt: MqttMetrics,
    /// Deliveries of notifications.
    pub notifications: NotificationCounts,
    /// Evaluation of alert rules.
    pub alerts: AlertCounts,
    /// Nodes of the cluster at the last renewal; `None` where there is no cluster.
    pub nodes: Option<Arc<Vec<ClusterNode>>>,
    /// Queries on several nodes; `None` on a node that has no part in them.
    pub spread: Option<SpreadTotals>,
}

/// The collector status of one device.
pub struct DeviceMetrics {
    pub device: DeviceId,
    pub protocol: Protocol,
    pub status: DeviceStatus,
}

impl App {
    /// Returns every device and model, for a principal with access to the machine.
    pub async fn metrics(&self, principal: &Principal) -> Result<Metrics> {
        self.require_host(principal, Scope::read(Resource::System))?;
        Ok(self.collect_metrics().await)
    }

    /// Returns every device and model without authentication; `None` unless the configuration allows it.
    pub async fn public_metrics(&self) -> Option<Metrics> {
        if !self.settings.metrics_public {
            return None;
        }
        Some(self.collect_metrics().await)
    }

    async fn collect_metrics(&self) -> Metrics {
        let devices = self.store.catalog().all_devices();
        let measured = devices.iter().map(|device| DeviceMetrics {
            device: device.id,
            protocol: device.spec.protocol,
            status: self.states.status(device),
        });
        let models = self.store.catalog().all_models();
        let models = models.iter().map(|model| (model.id, self.models.status_of_model(model))).collect();
        let devices = measured.collect();
        Metrics {
            devices,
            models,
            started_at: self.start.at,
            server: self.server_status().await,
            readings: self.readings.counters.counts(),
            mqtt: self.mqtt_metrics(),
            notifications: self.notifications.counters.counts(),
            alerts: self.alerts.counters.counts(self.store.current_position().seq),
            nodes: self.settings.cluster.node.as_ref().map(|_| self.cluster_nodes()),
            spread: self.statements.tasks().map(Spread::totals),
        }
    }
}
