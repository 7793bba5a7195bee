//! What joins the collectors to the rest: the catalog as their plant, the store as their sink, and their states as
//! SQL sees them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::App;
use crate::collect::Collectors;
use crate::collect::opcua::pki::Pki;
use crate::domain::device::{Device, DeviceState, DeviceStatus};
use crate::domain::ports::{BoxFuture, DeviceStates, Plant, SampleSink, Web};
use crate::domain::principal::Caller;
use crate::domain::reading::Readings;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Principal, Resource, Result, Scope};
use crate::host::private_file;
use crate::store::Store;

/// The collectors' states, empty until a server starts them.
#[derive(Clone, Default)]
pub struct States(Arc<OnceLock<Arc<Collectors>>>);

impl States {
    pub(super) fn collectors(&self) -> Arc<OnceLock<Arc<Collectors>>> {
        self.0.clone()
    }
}

impl DeviceStates for States {
    fn status(&self, device: &Device) -> DeviceStatus {
        status(&self.0, device)
    }
}

/// What is known of a device. Collectors hear of a change a moment later; nobody may read "online" of what was just
/// disabled.
pub(super) fn status(collectors: &OnceLock<Arc<Collectors>>, device: &Device) -> DeviceStatus {
    let known = collectors.get().and_then(|collectors| collectors.status(device.id)).unwrap_or_default();
    if device.spec.enabled { known } else { DeviceStatus { state: DeviceState::Disabled, ..known } }
}

impl App {
    /// What collectors poll.
    pub fn plant(&self) -> Arc<dyn Plant> {
        Arc::new(CatalogPlant(self.store.clone()))
    }

    /// Where collectors write.
    pub fn sample_sink(&self) -> Arc<dyn SampleSink> {
        Arc::new(StoreSink(self.store.clone()))
    }

    /// By whom collectors ask URLs: within the reach that configuration gives to those of callers.
    pub fn web(&self) -> Arc<dyn Web> {
        self.host.fetcher.clone()
    }

    /// Joins the running collectors; only the first ones given count.
    pub fn attach_collectors(&self, collectors: Arc<Collectors>) {
        self.collectors.get_or_init(|| collectors);
    }
}

/// The certificates of a data directory, whose private key only its owner may read.
pub fn pki(data_dir: &Path) -> Pki {
    Pki::new(data_dir.join("pki"), |path, make| private_file::read_or_make(path, make))
}

struct CatalogPlant(Arc<Store>);

impl Plant for CatalogPlant {
    fn devices(&self) -> Vec<Arc<Device>> {
        self.0.catalog().all_devices()
    }

    fn device(&self, id: DeviceId) -> Option<(Arc<Device>, Vec<Arc<Stream>>)> {
        self.0.catalog().device_with_streams(id)
    }
}

struct StoreSink(Arc<Store>);

impl SampleSink for StoreSink {
    /// Writes as the device itself: only its own streams.
    fn write(&self, device: &Device, readings: Readings) -> BoxFuture<'_, Result<()>> {
        let principal = Principal {
            org: device.org,
            caller: Caller::Device(device.id),
            scopes: [Scope::write(Resource::Value)].into_iter().collect(),
            devices: Some(BTreeSet::from([device.id])),
            streams: None,
            origin: None,
        };
        Box::pin(async move { self.0.write(&principal, readings).await.map(drop) })
    }
}
