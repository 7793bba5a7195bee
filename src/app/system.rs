//! The server itself: version, uptime, and what it holds. What covers all organizations is for those who see the host.

use std::time::{Duration, Instant};

use super::App;
use super::body_memory::BodyMemoryBudget;
use super::resident_memory::resident_bytes;
use crate::domain::device::DeviceFilter;
use crate::domain::server_status::{DiskSpace, MemoryStatus, OrganizationUsage, ServerStatus, SystemStatus};
use crate::domain::{Clock, Micros, Principal, Resource, Result, Scope};
use crate::host::disk_space;
use crate::host::process_limits;

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

impl App {
    /// Returns what the server is and holds, as far as the principal sees it.
    pub async fn system_status(&self, principal: &Principal) -> Result<SystemStatus> {
        let scope = Scope::read(Resource::System);
        principal.require(scope)?;
        let server = match self.require_host(principal, scope) {
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
            devices: catalog.devices(principal, &DeviceFilter::default()).len(),
            streams: catalog.visible_streams(principal).len(),
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
            running_queries: self.engine.running_queries(),
        }
    }

    async fn disk_space(&self) -> Option<DiskSpace> {
        let dir = self.settings.data_dir.clone();
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
