//! Which devices are connected to the broker with their certificates, and when they were heard of last.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::domain::device::{DeviceSpec, DeviceState, DeviceStatus};
use crate::domain::{DeviceId, Micros};

/// The devices that have been connected to the broker, and those that were provisioned or had a session when the server started.
#[derive(Debug)]
pub struct DevicePresence {
    devices: RwLock<HashMap<DeviceId, Arc<DeviceActivity>>>,
    changes: watch::Sender<()>,
}

/// Knowledge of the broker about a device.
#[derive(Debug)]
pub struct DeviceActivity {
    connections: AtomicUsize,
    /// Time of the last packet, microseconds; `i64::MIN` before the first.
    last_packet: AtomicI64,
}

impl Default for DeviceActivity {
    fn default() -> Self {
        Self { connections: AtomicUsize::new(0), last_packet: AtomicI64::new(i64::MIN) }
    }
}

impl DeviceActivity {
    /// Notes a packet of the device.
    pub fn record_packet(&self, now: Micros) {
        self.last_packet.fetch_max(now.0, Ordering::Relaxed);
    }

    fn last_packet(&self) -> Option<Micros> {
        let at = self.last_packet.load(Ordering::Relaxed);
        (at != i64::MIN).then_some(Micros(at))
    }
}

impl Default for DevicePresence {
    fn default() -> Self {
        Self { devices: RwLock::default(), changes: watch::Sender::new(()) }
    }
}

impl DevicePresence {
    /// A device has connected. Who serves it notes its packets in what this returns, and gives it back at the end.
    pub fn connect(&self, device: DeviceId, now: Micros) -> Arc<DeviceActivity> {
        let activity = self.devices.write().entry(device).or_default().clone();
        activity.connections.fetch_add(1, Ordering::Relaxed);
        activity.record_packet(now);
        self.changes.send_replace(());
        activity
    }

    /// A connection of a device has ended.
    pub fn disconnect(&self, activity: &DeviceActivity) {
        activity.connections.fetch_sub(1, Ordering::Relaxed);
        self.changes.send_replace(());
    }

    /// A device had a session when the server started, or was provisioned before: it is offline until it connects.
    pub fn mark_known(&self, device: DeviceId) {
        self.devices.write().entry(device).or_default();
    }

    /// Notifies of every change of a state.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The status of an enabled device: of one that connects to the broker its connection says whether it is online, of
    /// all others their collector. It was seen last by whichever of the two heard of it later.
    pub fn refine(&self, id: DeviceId, spec: &DeviceSpec, known: DeviceStatus) -> DeviceStatus {
        if spec.has_registers() {
            return known;
        }
        let Some(activity) = self.devices.read().get(&id).cloned() else { return known };
        let state = match activity.connections.load(Ordering::Relaxed) {
            0 => DeviceState::Offline,
            _ => DeviceState::Online,
        };
        DeviceStatus { state, last_seen: known.last_seen.max(activity.last_packet()), ..known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::Protocol;

    #[test]
    fn a_device_is_online_while_it_has_a_connection() {
        let presence = DevicePresence::default();
        let (id, spec) = (DeviceId(1), DeviceSpec::new("gateway", Protocol::Mqtt));
        let state = |presence: &DevicePresence| presence.refine(id, &spec, DeviceStatus::default()).state;
        assert_eq!(state(&presence), DeviceState::Connecting, "the broker does not know it");
        presence.mark_known(id);
        assert_eq!(state(&presence), DeviceState::Offline);
        let (first, second) = (presence.connect(id, Micros(1)), presence.connect(id, Micros(2)));
        presence.disconnect(&first);
        assert_eq!(state(&presence), DeviceState::Online);
        presence.disconnect(&second);
        assert_eq!(state(&presence), DeviceState::Offline);
    }

    #[test]
    fn a_device_was_seen_last_by_whoever_heard_of_it_later() {
        let presence = DevicePresence::default();
        let (id, spec) = (DeviceId(1), DeviceSpec::new("gateway", Protocol::Mqtt));
        let seen = |last_seen: Option<i64>| {
            let known = DeviceStatus { last_seen: last_seen.map(Micros), ..DeviceStatus::default() };
            presence.refine(id, &spec, known).last_seen.map(|at| at.0)
        };
        presence.mark_known(id);
        assert_eq!((seen(None), seen(Some(3))), (None, Some(3)));
        let activity = presence.connect(id, Micros(5));
        assert_eq!((seen(None), seen(Some(3)), seen(Some(7))), (Some(5), Some(5), Some(7)));
        activity.record_packet(Micros(9));
        activity.record_packet(Micros(8));
        presence.disconnect(&activity);
        assert_eq!(seen(None), Some(9), "it stays when the device has gone");
    }
}
