//! All collectors of the server: one supervised task a device, started, told and stopped from here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::client::Means;
use super::device::{Orders, resting, supervise};
use super::line::Line;
use super::networks::Networks;
use super::opcua::pki::Pki;
use crate::domain::device::{Device, DeviceState, DeviceStatus};
use crate::domain::ports::{BoxFuture, Plant, SampleSink, Web};
use crate::domain::stream::Stream;
use crate::domain::web::{WebAnswer, WebFault, WebRequest};
use crate::domain::{Clock, DeviceId};

/// What an operator may set for all collectors.
#[derive(Clone)]
pub struct CollectOptions {
    /// A stream with a deadband stores one row at least this often, so that unchanged and dead differ.
    pub deadband_max_interval: Duration,
    /// Certificates, ours and of OPC UA servers.
    pub pki: Pki,
    /// Asks the URLs of devices; without it no such device is reached.
    pub web: Arc<dyn Web>,
    /// Where devices may be.
    pub networks: Networks,
}

/// No way to any URL.
#[derive(Debug)]
struct NoWeb;

impl Web for NoWeb {
    fn ask<'a>(&'a self, _: &'a WebRequest) -> BoxFuture<'a, Result<WebAnswer, WebFault>> {
        Box::pin(std::future::ready(Err(WebFault::NotAllowed)))
    }
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            deadband_max_interval: Duration::from_secs(600),
            pki: Pki::nowhere(),
            web: Arc::new(NoWeb),
            networks: Networks::default(),
        }
    }
}

/// What every collector needs of the rest of the server.
pub(super) struct Ports {
    pub plant: Arc<dyn Plant>,
    pub sink: Arc<dyn SampleSink>,
    pub clock: Arc<dyn Clock>,
    pub options: CollectOptions,
}

/// The running collectors. Dropping it does not stop them; `stop` does.
pub struct Collectors {
    pub(super) ports: Arc<Ports>,
    slots: Mutex<HashMap<DeviceId, Slot>>,
    /// Told when the state of any device is another.
    changed: Arc<watch::Sender<()>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    runtime: Handle,
}

/// Dropping a slot ends its task: the channel closes and the plant no longer knows the device.
struct Slot {
    board: Arc<Board>,
    line: Arc<Line>,
    changes: watch::Sender<()>,
}

impl Collectors {
    /// Starts a collector for every device of the plant. Call it within a tokio runtime, which will run them all.
    pub fn start(
        plant: Arc<dyn Plant>,
        sink: Arc<dyn SampleSink>,
        clock: Arc<dyn Clock>,
        options: CollectOptions,
    ) -> Arc<Collectors> {
        let devices = plant.devices();
        let collectors = Arc::new(Collectors {
            ports: Arc::new(Ports { plant, sink, clock, options }),
            slots: Mutex::default(),
            changed: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
        });
        devices.iter().for_each(|device| collectors.device_changed(device.id));
        collectors
    }

    /// A device or one of its streams was created, changed or deleted: its collector obeys at once. Never blocks.
    /// A request under way is let finish within its timeout, so that the connection survives the change.
    pub fn device_changed(&self, id: DeviceId) {
        match self.ports.plant.device(id) {
            Some((device, streams)) => self.tell(&device, &streams),
            None => drop(self.slots.lock().remove(&id)),
        }
    }

    /// What is known of a device now; `None` for one that does not exist.
    pub fn status(&self, id: DeviceId) -> Option<DeviceStatus> {
        let board = self.slots.lock().get(&id).map(|slot| Arc::clone(&slot.board))?;
        Some(board.status())
    }

    /// Tells of every change of a device's state or of the error that goes with it. Changes that come together may be told
    /// as one.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// A device's notice board and its connection; `None` for one that does not exist.
    pub(super) fn reach(&self, id: DeviceId) -> Option<(Arc<Board>, Arc<Line>)> {
        self.slots.lock().get(&id).map(|slot| (Arc::clone(&slot.board), Arc::clone(&slot.line)))
    }

    /// Ends all collectors and hangs up. When it returns nothing more is written to the sink.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let lines: Vec<_> = self.slots.lock().values().map(|slot| Arc::clone(&slot.line)).collect();
        join_all(lines.iter().map(|line| async { line.turn().await.close().await })).await;
    }

    fn tell(&self, device: &Device, streams: &[Arc<Stream>]) {
        if self.stop.is_cancelled() {
            return;
        }
        let mut slots = self.slots.lock();
        let is_new = !slots.contains_key(&device.id);
        let slot = slots.entry(device.id).or_insert_with(|| self.spawn(device.id));
        // Said here and not only by the task, so that whoever made the change sees it in the next status.
        match resting(&device.spec, streams) {
            Some((state, error)) => slot.board.set(state, error),
            None if slot.board.state() == DeviceState::Disabled => {
                slot.board.set(DeviceState::Connecting, None);
            }
            None => {}
        }
        if !is_new {
            slot.changes.send_replace(());
        }
    }

    /// What connections take besides their endpoint.
    pub(super) fn means(&self) -> Means {
        let CollectOptions { pki, networks, .. } = &self.ports.options;
        Means { pki: pki.clone(), clock: Arc::clone(&self.ports.clock), networks: networks.clone() }
    }

    fn spawn(&self, id: DeviceId) -> Slot {
        let board = Arc::new(Board::telling(Arc::clone(&self.changed)));
        let line = Arc::new(Line::new(self.means()));
        let (changes, receiver) = watch::channel(());
        let orders = Orders::new(receiver, self.stop.clone());
        let task = supervise(id, Arc::clone(&self.ports), Arc::clone(&board), Arc::clone(&line), orders);
        self.tasks.spawn_on(task, &self.runtime);
        Slot { board, line, changes }
    }
}
