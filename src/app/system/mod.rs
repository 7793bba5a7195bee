//! The server itself: version, uptime, and what it holds. What covers all organizations is for those who see the host.
//!
//! The life of one server, as it is shown. Its start is noted when the parts are wired. Each listener adds itself as it begins
//! and is counted until it is gone (`connections.rs`); the certificates are set at the start and whenever their files are read
//! again (`cli/reload/`). `GET /api/system/` and GraphQL ask for the status: version, uptime and the numbers of the caller's
//! organization, and, for an unrestricted principal of the default organization, the facts of the whole process: disk, store,
//! memory and its budgets, connections and running queries. They are read from their owners at each request; nothing is counted
//! here. Metrics show the same facts (`app/metrics.rs`). Probes ask without a key whether parts are healthy, which says nothing
//! else (`health.rs`): one probe of the disk serves all who ask within seconds.

pub mod connections;
pub mod health;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::connections::ListenerGauges;
use self::health::DiskProbe;
use super::access::AccessControl;
use super::ai::ModelService;
use super::body_memory::BodyMemoryBudget;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::resident_memory::resident_bytes;
use crate::domain::device::DeviceFilter;
use crate::domain::server_status::{
    CertificateStatus, DiskSpace, MemoryStatus, OrganizationUsage, ServerStatus, SystemStatus,
};
use crate::domain::{Clock, Micros, Principal, Resource, Result, Scope};
use crate::host::disk_space;
use crate::host::process_limits;
use crate::query::Engine;
use crate::store::Store;

/// A file system that does not answer within this time has unknown space.
const DISK_TIMEOUT: Duration = Duration::from_secs(5);

/// When the server started.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartTime {
    pub(super) at: Micros,
    since: Instant,
}

impl StartTime {
    pub(super) fn new(clock: &dyn Clock) -> StartTime {
        StartTime { at: clock.now(), since: Instant::now() }
    }
}

/// The server itself: what it is and holds, and how its parts are.
pub struct ServerState {
    store: Arc<Store>,
    engine: Arc<Engine>,
    states: CollectorStates,
    access: Arc<AccessControl>,
    models: Arc<ModelService>,
    data_dir: PathBuf,
    pub(super) start: StartTime,
    connections: ListenerGauges,
    certificates: Mutex<Vec<CertificateStatus>>,
    disk_probe: DiskProbe,
}

impl ServerState {
    pub(super) fn new(
        parts: &CoreParts,
        access: Arc<AccessControl>,
        models: Arc<ModelService>,
        data_dir: PathBuf,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            states: parts.states.clone(),
            access,
            models,
            data_dir,
            start: StartTime::new(parts.clock.as_ref()),
            connections: ListenerGauges::default(),
            certificates: Mutex::default(),
            disk_probe: DiskProbe::default(),
        }
    }

    /// Sets the certificates that metrics show.
    pub fn set_certificates(&self, certificates: Vec<CertificateStatus>) {
        *self.certificates.lock() = certificates;
    }

    /// Returns what the server is and holds, as far as the principal sees it.
    pub async fn system_status(&self, principal: &Principal) -> Result<SystemStatus> {
        let scope = Scope::read(Resource::System);
        principal.require(scope)?;
        let server = match self.access.require_host(principal, scope) {
            Ok(()) => Some(self.server_status().await),
            Err(_) => None,
        };
        Ok(SystemStatus {
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.start.at,
            uptime: self.start.since.elapsed(),
            organization: self.organization_usage(principal),
            server,
        })
    }

    fn organization_usage(&self, principal: &Principal) -> OrganizationUsage {
        let catalog = self.store.catalog();
        OrganizationUsage {
            devices: catalog.devices.devices(principal, &DeviceFilter::default()).len(),
            streams: catalog.streams.visible_streams(principal).len(),
            running_queries: self.engine.running(principal).len(),
            lake_bytes: (!principal.is_restricted()).then(|| self.store.lake_bytes(principal.org)),
        }
    }

    /// Returns the facts of the whole process. The caller has checked who asks.
    pub(super) async fn server_status(&self) -> ServerStatus {
        let mut budgets = vec![BodyMemoryBudget::usage_of_process(), self.engine.memory_usage()];
        budgets.extend(self.store.memory_usage());
        budgets.push(self.models.ai.detectors.usage());
        ServerStatus {
            disk: self.disk_space().await,
            store: self.store.status(),
            memory: MemoryStatus {
                resident_bytes: resident_bytes(),
                large_body_limit_bytes: BodyMemoryBudget::large_body_limit(),
                address_space_limit_bytes: process_limits::address_space(),
                budgets,
            },
            connections: self.connections.read(),
            certificates: self.certificates.lock().clone(),
            running_queries: self.engine.running_queries(),
        }
    }

    async fn disk_space(&self) -> Option<DiskSpace> {
        let dir = self.data_dir.clone();
        let read = tokio::task::spawn_blocking(move || disk_space::of_path(&dir));
        match tokio::time::timeout(DISK_TIMEOUT, read).await {
            Ok(Ok(Ok(space))) => Some(space),
            failed => {
                tracing::warn!(?failed, "the space of the data directory is unknown");
                None
            }
        }
    }
}
