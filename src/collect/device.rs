//! Supervision of one device's collector: signals that interrupt it, and its restart after a panic.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::poller::Poller;
use super::registry;
use super::runtime::Ports;
use super::shared_connection::SharedConnection;
use super::status_cell::DeviceStatusCell;
use crate::domain::DeviceId;
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::stream::Stream;

/// Signals to a running collector from outside.
#[derive(Debug, Clone)]
pub struct CollectorSignal {
    /// Ticks when the device or one of its streams changed; closed when the device is deleted.
    changes: watch::Receiver<()>,
    stop: CancellationToken,
}

/// The wait ended early: the device changed or the server stops.
#[derive(Debug, PartialEq, Eq)]
pub struct Interrupted;

impl CollectorSignal {
    pub fn new(changes: watch::Receiver<()>, stop: CancellationToken) -> Self {
        Self { changes, stop }
    }

    /// Marks all changes so far as seen; the caller is about to reload the device.
    pub fn acknowledge(&mut self) {
        self.changes.mark_unchanged();
    }

    /// Whether the server stops or the device is deleted, so that no further signal will come.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.changes.has_changed().is_err()
    }

    /// Whether there is a signal that was not acknowledged yet.
    pub fn is_pending(&self) -> bool {
        self.stop.is_cancelled() || self.changes.has_changed().unwrap_or(true)
    }

    /// Resolves as soon as `is_pending` holds.
    pub async fn pending(&mut self) {
        if self.is_pending() {
            return;
        }
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = self.changes.changed() => {
                if changed.is_ok() {
                    self.changes.mark_changed();
                }
            }
        }
    }

    /// Awaits `work` unless a signal comes first; then `work` is dropped.
    pub async fn unless_pending<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            () = self.pending() => Err(Interrupted),
            done = work => Ok(done),
        }
    }

    /// Awaits `work` unless the server stops first. For work that a mere change must not interrupt.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        self.stop.run_until_cancelled(work).await.ok_or(Interrupted)
    }
}

/// State and error of a device that is not polled whatever its host is; `None` for a device that is polled.
pub fn idle_state(spec: &DeviceSpec, streams: &[Arc<Stream>]) -> Option<(DeviceState, Option<String>)> {
    if !spec.enabled {
        return Some((DeviceState::Disabled, None));
    }
    match (registry::find(spec.protocol), spec.protocol) {
        (Some(protocol), _) if protocol.is_polled(spec, streams) => None,
        // Values arrive without polling: posted, computed, or from a broker.
        (Some(_), _) | (None, Protocol::Ai | Protocol::Mqtt) => Some((DeviceState::Online, None)),
        (None, _) => {
            let error = format!("protocol \"{}\" is not collected by this version", spec.protocol);
            Some((DeviceState::Offline, Some(error)))
        }
    }
}

/// Collects from one device until it is deleted or the server stops. A panic is logged and the collector restarts; no
/// other device is affected.
pub async fn supervise(
    id: DeviceId,
    ports: Arc<Ports>,
    board: Arc<DeviceStatusCell>,
    line: Arc<SharedConnection>,
    orders: CollectorSignal,
) {
    let mut backoff = Backoff::default();
    loop {
        let (ports, line) = (Arc::clone(&ports), Arc::clone(&line));
        let mut poller = Poller::new(id, ports, Arc::clone(&board), line, orders.clone());
        let Err(panic) = AssertUnwindSafe(poller.run()).catch_unwind().await else { return };
        tracing::error!(device = %id, panic = panic_message(&*panic), "collector panicked and is restarted");
        board.record_other_error();
        board.set_state(
            DeviceState::Offline,
            Some("the collector of this device failed and is restarted".into()),
        );
        let pause = backoff.next_delay().max(Duration::from_secs(1));
        if orders.unless_stopped(tokio::time::sleep(pause)).await.is_err() {
            return;
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
