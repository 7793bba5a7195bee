//! Supervision of one device's collector: its restart after a panic.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::backoff::Backoff;
use super::collector_signal::CollectorSignal;
use super::poller::Poller;
use super::ports::CollectorPorts;
use super::shared_connection::SharedConnection;
use super::status_cell::DeviceStatusCell;
use crate::domain::DeviceId;
use crate::domain::device::DeviceState;

/// Collects from one device until it is deleted or the server stops. A panic is logged and the collector restarts; no
/// other device is affected.
pub async fn supervise(
    id: DeviceId,
    ports: Arc<CollectorPorts>,
    status: Arc<DeviceStatusCell>,
    connection: Arc<SharedConnection>,
    signal: CollectorSignal,
) {
    let mut backoff = Backoff::default();
    loop {
        let (ports, connection) = (Arc::clone(&ports), Arc::clone(&connection));
        let mut poller = Poller::new(id, ports, Arc::clone(&status), connection, signal.clone());
        let Err(panic) = AssertUnwindSafe(poller.run()).catch_unwind().await else { return };
        tracing::error!(device = %id, panic = panic_message(&*panic), "collector panicked and is restarted");
        status.record_other_error();
        status.set_state(
            DeviceState::Offline,
            Some("the collector of this device failed and is restarted".into()),
        );
        let pause = backoff.next_delay().max(Duration::from_secs(1));
        if signal.unless_stopped(tokio::time::sleep(pause)).await.is_err() {
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
