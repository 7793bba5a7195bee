//! History of the states of devices: recorded while the server runs, and read for a range.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::app::device::Devices;
use crate::domain::device::DeviceState;
use crate::domain::device_history::{DeviceHistory, StateChange};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::{DeviceId, Error, Micros, Principal, Resource, Result, Scope};

/// Shortest time between two transactions: a state that lasted less may be skipped, but never the latest one.
const RECORD_INTERVAL: Duration = Duration::from_secs(1);
/// Interval in which it is noted that the server is there.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);
/// Range of a request that gives no start: a day.
const DEFAULT_RANGE_US: i64 = 86_400 * 1_000_000;

/// States that are stored, by device.
type RecordedStates = HashMap<DeviceId, DeviceState>;

impl Devices {
    /// Returns the states of a device in a range: the 24 hours before `to` without `from`, and up to now without `to`.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `NotFound` for a device that the principal does not see; `Invalid` for a range
    /// that ends before it begins.
    pub async fn device_history(
        &self,
        principal: &Principal,
        device: DeviceId,
        from: Option<Micros>,
        to: Option<Micros>,
    ) -> Result<DeviceHistory> {
        principal.require(Scope::read(Resource::Device))?;
        let now = self.clock.now();
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(Micros(to.0.saturating_sub(DEFAULT_RANGE_US)));
        if from >= to {
            return Err(Error::field("from", "must be before `to`"));
        }
        let changes = self.store.catalog().devices.device_state_changes(principal, device, from, to).await?;
        Ok(DeviceHistory::new(&changes, (from, to), now))
    }

    /// Records the states of all devices until `stop`. What cannot be stored is tried again with the next change.
    pub async fn run_device_history(self: Arc<Self>, stop: CancellationToken) {
        let catalog = self.store.catalog();
        if let Err(error) = catalog.devices.end_device_states().await {
            tracing::warn!(error = error.full_message(), "the last states of devices were not ended");
        }
        let mut changes = vec![catalog.subscribe_changes(), self.states.presence.changes()];
        changes.extend(self.states.collectors.get().map(|collectors| collectors.changes()));
        let mut heartbeat = interval(HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut recorded = RecordedStates::new();
        loop {
            changes.iter_mut().for_each(watch::Receiver::mark_unchanged);
            self.record_device_states(&mut recorded).await;
            let changed = async {
                sleep(RECORD_INTERVAL).await;
                any_changed(&mut changes).await;
            };
            tokio::pin!(changed);
            let is_stopped = loop {
                tokio::select! {
                    () = stop.cancelled() => break true,
                    () = &mut changed => break false,
                    _ = heartbeat.tick() => self.save_heartbeat().await,
                }
            };
            if is_stopped {
                self.end_recorded_states(recorded).await;
                return;
            }
        }
    }

    async fn record_device_states(&self, recorded: &mut RecordedStates) {
        let (now, catalog) = (self.clock.now(), self.store.catalog());
        let (mut current, mut changes) = (RecordedStates::new(), Vec::new());
        for device in catalog.devices.all_devices() {
            let status = self.states.status(&device);
            current.insert(device.id, status.state);
            if recorded.get(&device.id) != Some(&status.state) {
                let (state, error) = (Some(status.state), status.last_error);
                changes.push(StateChange { device: device.id, at: now, state, error });
            }
        }
        if changes.is_empty() {
            *recorded = current;
            return;
        }
        match catalog.devices.record_device_states(changes).await {
            Ok(()) => *recorded = current,
            Err(error) => {
                tracing::warn!(error = error.full_message(), "states of devices were not recorded");
            }
        }
    }

    async fn save_heartbeat(&self) {
        if let Err(error) = self.store.catalog().devices.save_heartbeat(self.clock.now()).await {
            tracing::warn!(error = error.full_message(), "the heartbeat of the server was not saved");
        }
    }

    async fn end_recorded_states(&self, recorded: RecordedStates) {
        let at = self.clock.now();
        let ends = recorded.into_keys().map(|device| StateChange { device, at, state: None, error: None });
        if let Err(error) = self.store.catalog().devices.record_device_states(ends.collect()).await {
            tracing::warn!(error = error.full_message(), "the states of devices were not ended");
        }
    }
}

/// Waits until one of the signals fires; for ever when all their senders are gone.
pub(super) async fn any_changed(signals: &mut [watch::Receiver<()>]) {
    let waits = signals.iter_mut().map(|signal| {
        Box::pin(async move {
            if signal.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    });
    futures::future::select_all(waits).await;
}
