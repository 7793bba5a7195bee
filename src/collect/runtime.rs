//! Runs all collectors of the server: one supervised task per device, started, notified and stopped here.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::ConnectContext;
use super::collector_signal::CollectorSignal;
use super::opcua::pki::Pki;
use super::ports::{CollectOptions, CollectorPorts};
use super::registry::idle_state;
use super::shared_connection::SharedConnection;
use super::status_cell::DeviceStatusCell;
use super::write_locks::WriteLocks;
use crate::collect::supervisor::supervise;
use crate::domain::device::{Device, DeviceState, DeviceStatus};
use crate::domain::ports::{DeviceRegistry, SampleSink};
use crate::domain::stream::Stream;
use crate::domain::{Clock, DeviceId, OrgId};

/// The running collectors. Dropping it does not stop them; `stop` does.
pub struct Collectors {
    pub(super) ports: Arc<CollectorPorts>,
    handles: Mutex<HashMap<DeviceId, CollectorHandle>>,
    /// Notified when the state of any device changes.
    changed: Arc<watch::Sender<()>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    runtime: Handle,
    pub(super) write_locks: WriteLocks,
}

/// Dropping a handle ends its task: the channel closes and the registry no longer has the device.
struct CollectorHandle {
    status: Arc<DeviceStatusCell>,
    connection: Arc<SharedConnection>,
    changes: watch::Sender<()>,
}

impl Collectors {
    /// Starts a collector for every device. Call it within a tokio runtime, which will run them all.
    pub fn start(
        plant: Arc<dyn DeviceRegistry>,
        sink: Arc<dyn SampleSink>,
        clock: Arc<dyn Clock>,
        options: CollectOptions,
    ) -> Arc<Collectors> {
        let devices = plant.devices();
        let collectors = Arc::new(Collectors {
            ports: Arc::new(CollectorPorts { plant, sink, clock, options }),
            handles: Mutex::default(),
            changed: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
            write_locks: WriteLocks::default(),
        });
        devices.iter().for_each(|device| collectors.device_changed(device.id));
        collectors
    }

    /// Notifies the collector that its device or one of the streams was created, changed or deleted. Never blocks. A
    /// request under way may finish within its timeout, so that the connection survives the change.
    pub fn device_changed(&self, id: DeviceId) {
        match self.ports.plant.device(id) {
            Some((device, streams)) => self.notify(&device, &streams),
            None => drop(self.handles.lock().remove(&id)),
        }
    }

    /// Current status of a device; `None` when the device does not exist.
    pub fn status(&self, id: DeviceId) -> Option<DeviceStatus> {
        let status = self.handles.lock().get(&id).map(|slot| Arc::clone(&slot.status))?;
        Some(status.status())
    }

    /// Notifies of every change of a device's state or of its error. Changes that come together may be notified as
    /// one.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// A device's status cell and connection; `None` when the device does not exist.
    pub(super) fn status_and_connection(
        &self,
        id: DeviceId,
    ) -> Option<(Arc<DeviceStatusCell>, Arc<SharedConnection>)> {
        self.handles.lock().get(&id).map(|slot| (Arc::clone(&slot.status), Arc::clone(&slot.connection)))
    }

    /// Ends all collectors and closes their connections. Nothing is written to the sink after it returns.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let connections: Vec<_> =
            self.handles.lock().values().map(|slot| Arc::clone(&slot.connection)).collect();
        join_all(connections.iter().map(|connection| async { connection.lock().await.close().await })).await;
    }

    fn notify(&self, device: &Device, streams: &[Arc<Stream>]) {
        if self.stop.is_cancelled() {
            return;
        }
        let mut slots = self.handles.lock();
        let is_new = !slots.contains_key(&device.id);
        let slot = slots.entry(device.id).or_insert_with(|| self.spawn(device.id));
        // Set here and not only by the task, so that whoever made the change sees it in the next status.
        match idle_state(&device.spec, streams) {
            Some((state, error)) => slot.status.set_state(state, error),
            None if slot.status.state() == DeviceState::Disabled => {
                slot.status.set_state(DeviceState::Connecting, None);
            }
            None => {}
        }
        if !is_new {
            slot.changes.send_replace(());
        }
    }

    /// Certificates of this server and of OPC UA servers.
    pub fn pki(&self) -> &Pki {
        &self.ports.options.pki
    }

    /// Returns the context that connecting needs.
    pub(super) fn connect_context(&self, org: Option<OrgId>) -> ConnectContext {
        let CollectOptions { pki, networks, serial_ports, .. } = &self.ports.options;
        ConnectContext {
            pki: pki.clone(),
            clock: Arc::clone(&self.ports.clock),
            networks: networks.clone(),
            serial_ports: serial_ports.clone(),
            org,
            silence: Arc::default(),
        }
    }

    fn spawn(&self, id: DeviceId) -> CollectorHandle {
        let status = Arc::new(DeviceStatusCell::with_notifier(Arc::clone(&self.changed)));
        let org = self.ports.plant.device(id).map(|(device, _)| device.org);
        let connection = Arc::new(SharedConnection::new(self.connect_context(org)));
        let (changes, receiver) = watch::channel(());
        let signal = CollectorSignal::new(receiver, self.stop.clone());
        let task =
            supervise(id, Arc::clone(&self.ports), Arc::clone(&status), Arc::clone(&connection), signal);
        self.tasks.spawn_on(task, &self.runtime);
        CollectorHandle { status, connection, changes }
    }
}
