//! Metrics for monitoring systems: the collector of every device and every model, across organizations, and the memory
//! budgets of the process.

use std::sync::Arc;

use super::AppSettings;
use super::access::AccessControl;
use super::ai::{ModelService, ModelStatus};
use super::alert::AlertService;
use super::alert::counters::AlertCounts;
use super::cluster::KnownNodes;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::mqtt::BrokerState;
use super::mqtt::metrics::MqttMetrics;
use super::notification::Notifications;
use super::notification::counters::NotificationCounts;
use super::readings::counters::{ReadingCounters, ReadingCounts};
use super::sql::Statements;
use super::system::ServerState;
use crate::domain::cluster::{ClusterNode, SpreadTotals};
use crate::domain::device::{DeviceStatus, Protocol};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::server_status::ServerStatus;
use crate::domain::{DeviceId, Micros, ModelId, Principal, Resource, Result, Scope};
use crate::query::spread::Spread;
use crate::store::Store;

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

/// The parts of the server that are measured.
pub(super) struct MetricSources {
    pub server: Arc<ServerState>,
    pub models: Arc<ModelService>,
    pub notifications: Arc<Notifications>,
    pub alerts: Arc<AlertService>,
    pub statements: Arc<Statements>,
    pub broker: Arc<BrokerState>,
    pub readings: Arc<ReadingCounters>,
    pub nodes: KnownNodes,
}

/// Metrics of the whole server, for monitoring systems.
pub struct ServerMetrics {
    store: Arc<Store>,
    states: CollectorStates,
    access: Arc<AccessControl>,
    sources: MetricSources,
    /// Whether they need no authentication.
    is_public: bool,
    /// Whether the server is a node of a cluster.
    is_node: bool,
}

impl ServerMetrics {
    pub(super) fn new(
        parts: &CoreParts,
        access: Arc<AccessControl>,
        sources: MetricSources,
        settings: &AppSettings,
    ) -> Self {
        let (is_public, is_node) = (settings.metrics_public, settings.cluster.node.is_some());
        Self { store: parts.store.clone(), states: parts.states.clone(), access, sources, is_public, is_node }
    }

    /// Returns every device and model, for a principal with access to the machine.
    pub async fn metrics(&self, principal: &Principal) -> Result<Metrics> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        Ok(self.collect_metrics().await)
    }

    /// Returns every device and model without authentication; `None` unless the configuration allows it.
    pub async fn public_metrics(&self) -> Option<Metrics> {
        if !self.is_public {
            return None;
        }
        Some(self.collect_metrics().await)
    }

    async fn collect_metrics(&self) -> Metrics {
        let MetricSources {
            server,
            models: service,
            notifications,
            alerts,
            statements,
            broker,
            readings,
            nodes,
        } = &self.sources;
        let devices = self.store.catalog().devices.all_devices();
        let measured = devices.iter().map(|device| DeviceMetrics {
            device: device.id,
            protocol: device.spec.protocol,
            status: self.states.status(device),
        });
        let models = self.store.catalog().models.all_models();
        let models = models.iter().map(|model| (model.id, service.status_of_model(model))).collect();
        let devices = measured.collect();
        Metrics {
            devices,
            models,
            started_at: server.start.at,
            server: server.server_status().await,
            readings: readings.counts(),
            mqtt: broker.metrics(),
            notifications: notifications.counters.counts(),
            alerts: alerts.counters.counts(self.store.current_position().seq),
            nodes: self.is_node.then(|| nodes.read().clone()),
            spread: statements.tasks().map(Spread::totals),
        }
    }
}
