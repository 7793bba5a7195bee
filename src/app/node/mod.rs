//! Work that a running server does by itself: its part in the cluster, the collectors' ports, maintenance, events about clocks
//! and messages of virtual devices.

use std::sync::Arc;

use super::AppSettings;
use super::cluster::{ClusterMembership, KnownNodes};
use super::collector_ports::CollectorPorts;
use super::core_parts::CoreParts;
use super::device_clock::DeviceClocks;
use super::event::Events;
use super::export::Exports;
use super::jobs::Jobs;
use super::maintenance::{Maintenance, MaintenanceCalls};
use super::media::captures::Captures;
use super::messages::Messages;
use super::mk::objects::Objects;
use super::quarantine::Quarantine;
use super::server_clock::ServerClock;
use super::virtual_data::VirtualData;
use crate::domain::ports::HttpClient;

/// The services of a running server.
pub struct NodeServices {
    pub cluster: Arc<ClusterMembership>,
    pub collector_ports: Arc<CollectorPorts>,
    pub device_clocks: Arc<DeviceClocks>,
    pub maintenance: Arc<Maintenance>,
    pub server_clock: Arc<ServerClock>,
    pub virtual_data: Arc<VirtualData>,
}

/// Services that those of a running server call, and what they share with others.
pub(super) struct NodeCalls {
    pub captures: Arc<Captures>,
    pub events: Arc<Events>,
    pub exports: Arc<Exports>,
    pub jobs: Arc<Jobs>,
    pub messages: Arc<Messages>,
    pub objects: Arc<Objects>,
    pub quarantine: Arc<Quarantine>,
    pub nodes: KnownNodes,
    pub web: Arc<dyn HttpClient>,
}

impl NodeServices {
    /// Builds each service after those that it calls.
    pub(super) fn new(parts: &CoreParts, calls: NodeCalls, settings: &AppSettings) -> Self {
        let NodeCalls { captures, events, exports, jobs, messages, objects, quarantine, nodes, web } = calls;
        let cluster = Arc::new(ClusterMembership::new(parts, nodes, &settings.cluster));
        let of_maintenance =
            MaintenanceCalls { cluster: cluster.clone(), captures, exports, jobs, objects, quarantine };
        Self {
            cluster,
            collector_ports: Arc::new(CollectorPorts::new(&parts.states, web)),
            device_clocks: Arc::new(DeviceClocks::new(parts, events.clone())),
            maintenance: Arc::new(Maintenance::new(parts, of_maintenance, settings.audit_keep)),
            server_clock: Arc::new(ServerClock::new(parts, events)),
            virtual_data: Arc::new(VirtualData::new(parts, messages)),
        }
    }
}
