//! Implements the collectors' ports: the catalog as their device registry, the store as their sample sink, and their
//! states as SQL sees them.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::device_presence::DevicePresence;
use crate::collect::Collectors;
use crate::collect::opcua::pki::Pki;
use crate::domain::arrival::AheadBound;
use crate::domain::device::{Device, DeviceState, DeviceStatus};
use crate::domain::mqtt::status::SessionStatus;
use crate::domain::ports::{
    BoxFuture, DeviceRegistry, DeviceStatusSource, HttpClient, MqttSessionSource, SampleSink,
};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope, StreamId};
use crate::host::private_file;
use crate::store::Store;

/// Device states of the collectors, empty until a server starts them, and of the MQTT broker with its sessions; beside them the last
/// contact that the store knows.
#[derive(Clone)]
pub struct CollectorStates {
    store: Arc<Store>,
    pub(super) collectors: Arc<OnceLock<Arc<Collectors>>>,
    pub(super) presence: Arc<DevicePresence>,
    sessions: Arc<OnceLock<Arc<dyn MqttSessionSource>>>,
}

impl CollectorStates {
    /// Makes the states over a store, which knows when readings of devices arrived.
    pub fn new(store: Arc<Store>) -> CollectorStates {
        CollectorStates {
            store,
            collectors: Arc::default(),
            presence: Arc::default(),
            sessions: Arc::default(),
        }
    }

    /// Returns the running collectors.
    ///
    /// # Errors
    /// `Unavailable` in a process that has none.
    pub(super) fn running(&self) -> Result<&Arc<Collectors>> {
        self.collectors.get().ok_or_else(|| Error::unavailable("device collection does not run here"))
    }

    /// Attaches the sessions of the MQTT broker; only the first call counts.
    pub(super) fn attach_sessions(&self, sessions: Arc<dyn MqttSessionSource>) {
        self.sessions.get_or_init(|| sessions);
    }

    /// Notifies the collector, if one runs, of a change of a device or its streams.
    pub(super) fn tell_collectors(&self, id: DeviceId) {
        if let Some(collectors) = self.collectors.get() {
            collectors.device_changed(id);
        }
    }
}

impl DeviceStatusSource for CollectorStates {
    /// Collectors learn of a change a moment later, and a device that was just disabled must not be shown as online. A device that
    /// nobody asks was seen last when it sent a reading, by whatever interface, and its clock is judged by what it sends.
    fn status(&self, device: &Device) -> DeviceStatus {
        let known = self.collectors.get().and_then(|collectors| collectors.status(device.id));
        let mut known = self.presence.refine(device.id, &device.spec, known.unwrap_or_default());
        if !device.spec.has_registers() {
            known.last_seen = known.last_seen.max(self.store.last_contact(device.id));
            known.clock_offset_s = known.clock_offset_s.or(self.store.sender_clock_offset_s(device.id));
        }
        if device.spec.enabled { known } else { DeviceStatus { state: DeviceState::Disabled, ..known } }
    }

    fn mqtt_sessions(&self, who: &Principal) -> Vec<SessionStatus> {
        self.sessions.get().map(|sessions| sessions.statuses(who)).unwrap_or_default()
    }
}

/// Parts of the application that collectors use, and the place where they are attached to it.
pub struct CollectorPorts {
    states: CollectorStates,
    web: Arc<dyn HttpClient>,
}

impl CollectorPorts {
    pub(super) fn new(states: &CollectorStates, web: Arc<dyn HttpClient>) -> Self {
        Self { states: states.clone(), web }
    }

    /// Returns the devices that collectors poll.
    pub fn plant(&self) -> Arc<dyn DeviceRegistry> {
        Arc::new(CatalogPlant(self.states.store.clone()))
    }

    /// Returns the sink that collectors write to.
    pub fn sample_sink(&self) -> Arc<dyn SampleSink> {
        Arc::new(StoreSink(self.states.store.clone()))
    }

    /// Returns how far ahead of its receipt the time of a source may be.
    pub fn ahead_bound(&self) -> AheadBound {
        self.states.store.ahead_bound()
    }

    /// Returns the HTTP client of the collectors. It has the same egress policy as URLs given by callers.
    pub fn web(&self) -> Arc<dyn HttpClient> {
        self.web.clone()
    }

    /// Attaches the running collectors; only the first call counts.
    pub fn attach_collectors(&self, collectors: Arc<Collectors>) {
        self.states.collectors.get_or_init(|| collectors);
    }
}

/// Returns the certificate store of a data directory. Only the directory's owner may read its private key.
pub fn pki(data_dir: &Path) -> Pki {
    Pki::new(data_dir.join("pki"), |path, make| private_file::read_or_make(path, make))
}

struct CatalogPlant(Arc<Store>);

impl DeviceRegistry for CatalogPlant {
    fn devices(&self) -> Vec<Arc<Device>> {
        self.0.catalog().devices.all_devices()
    }

    fn device(&self, id: DeviceId) -> Option<(Arc<Device>, Vec<Arc<Stream>>)> {
        self.0.catalog().devices.device_with_streams(id)
    }

    /// Reads as the device itself: only its own streams.
    fn newest_readings(&self, device: &Device, streams: &[StreamId]) -> Vec<Reading> {
        self.0.newest_of_many(&as_device(device, Scope::read(Resource::Value)), streams)
    }
}

/// The device itself with one scope: it sees its own streams alone.
fn as_device(device: &Device, scope: Scope) -> Principal {
    Principal::device(device.org, device.id, [scope].into_iter().collect())
}

struct StoreSink(Arc<Store>);

impl SampleSink for StoreSink {
    /// Writes as the device itself: only its own streams.
    fn write(&self, device: &Device, readings: Readings) -> BoxFuture<'_, Result<()>> {
        let principal = as_device(device, Scope::write(Resource::Value));
        Box::pin(async move { self.0.write(&principal, readings).await.map(drop) })
    }
}
