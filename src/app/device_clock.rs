//! Events about devices whose clock is off, or right again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::device_history::any_changed;
use super::event::Events;
use crate::domain::device::Device;
use crate::domain::event::{EventSource, EventSpec, Level};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::{DeviceId, Principal, Result};
use crate::store::Store;

/// Kind of the events.
const KIND: &str = "clock";
/// Shortest time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Devices whose clock is off, as the events say, and how far.
type KnownOffsets = HashMap<DeviceId, f64>;

/// Events about the clocks of devices.
pub struct DeviceClocks {
    store: Arc<Store>,
    states: CollectorStates,
    events: Arc<Events>,
}

impl DeviceClocks {
    pub(super) fn new(parts: &CoreParts, events: Arc<Events>) -> Self {
        Self { store: parts.store.clone(), states: parts.states.clone(), events }
    }

    /// Writes an event when the clock of a device or its sender is found off, turns to the other side, or is right again,
    /// until `stop`. What cannot be stored is tried again with the next change.
    pub async fn run_device_clocks(self: Arc<Self>, stop: CancellationToken) {
        let mut changes = vec![self.store.sender_clock_changes()];
        changes.extend(self.states.collectors.get().map(|collectors| collectors.changes()));
        let mut known = KnownOffsets::new();
        loop {
            self.record_clocks(&mut known).await;
            let changed = async {
                sleep(LOOK_INTERVAL).await;
                any_changed(&mut changes).await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed => {}
            }
        }
    }

    async fn record_clocks(&self, known: &mut KnownOffsets) {
        let devices = self.store.catalog().devices.all_devices();
        let before = std::mem::take(known);
        for device in devices {
            let offset = self.states.status(&device).clock_offset_s;
            let recorded_offset = before.get(&device.id).copied();
            let is_same = recorded_offset.map(f64::is_sign_negative) == offset.map(f64::is_sign_negative);
            let recorded = if is_same { Ok(()) } else { self.record_clock(&device, offset).await };
            if let Err(error) = &recorded {
                let (device, error) = (device.id, error.full_message());
                tracing::warn!(%device, error, "the event about a device's clock was not stored");
            }
            let noted = if recorded.is_ok() { offset } else { recorded_offset };
            known.extend(noted.map(|offset| (device.id, offset)));
        }
    }

    async fn record_clock(&self, device: &Device, offset_s: Option<f64>) -> Result<()> {
        let (level, message) = match offset_s {
            None => (Level::Info, "The clock of the device is right again.".to_owned()),
            Some(offset_s) => (Level::Warning, describe(device, offset_s)),
        };
        let payload: Map<String, Value> =
            [("offset".to_owned(), Value::from(offset_s))].into_iter().collect();
        let (device_id, kind) = (Some(device.id), KIND.to_owned());
        let spec =
            EventSpec { device: device_id, kind, level, message, payload, ..self.events.blank_event() };
        let who = Principal::system(device.org);
        self.store.catalog().events.create_event_of(&who, EventSource::System, spec).await.map(drop)
    }
}

fn describe(device: &Device, offset_s: f64) -> String {
    let side = if offset_s < 0.0 { "behind" } else { "ahead" };
    let offset = offset_s.abs();
    let consequence = match device.spec.has_registers() {
        true => "its values get the time of receipt and are uncertain",
        false => "its readings are stored as sent, and count once their time has come",
    };
    format!("The clock of the device is {offset:.0} s {side}: {consequence}.")
}
