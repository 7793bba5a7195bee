//! State of the gateways' reports, and their channel.

use std::collections::{HashSet, VecDeque};

use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::container_logs::ContainerLogs;
use super::event::GatewayEvent;
use super::last_reports::LastReports;
use super::session::SessionEvent;
use crate::domain::message::StoredMessage;
use crate::domain::{DeviceId, OrgId};
use crate::store::org_channels::OrgChannels;

/// Events that a slow subscriber may lag behind.
const CHANNEL_CAPACITY: usize = 4096;
/// Keys of stored messages that are remembered, so that the feed derives no message for their readings.
const MAX_RECENT_KEYS: usize = 65_536;

/// The last report of each device's state, the newest log lines, and the channel of events.
pub struct GatewayHub {
    events: OrgChannels<GatewayEvent>,
    pub(super) sessions: Mutex<LastReports>,
    pub(super) logs: Mutex<ContainerLogs>,
    recent: Mutex<RecentKeys>,
}

/// Device and time of a message, microseconds since 1970.
type MessageKey = (DeviceId, i64);

/// Devices and times of the messages stored last, the oldest first.
#[derive(Default)]
struct RecentKeys {
    order: VecDeque<MessageKey>,
    known: HashSet<MessageKey>,
}

impl Default for GatewayHub {
    fn default() -> Self {
        Self {
            events: OrgChannels::new(CHANNEL_CAPACITY),
            sessions: Mutex::default(),
            logs: Mutex::default(),
            recent: Mutex::default(),
        }
    }
}

impl GatewayHub {
    /// Notes messages before they are stored: their readings may be seen before the messages are. Returns the keys that
    /// were not known before.
    pub fn expect_messages(&self, messages: &[StoredMessage]) -> Vec<MessageKey> {
        let mut recent = self.recent.lock();
        let keys = messages.iter().map(|message| (message.device, message.ts.0));
        let new: Vec<MessageKey> = keys.filter(|key| recent.known.insert(*key)).collect();
        recent.order.extend(&new);
        while recent.order.len() > MAX_RECENT_KEYS {
            if let Some(oldest) = recent.order.pop_front() {
                recent.known.remove(&oldest);
            }
        }
        new
    }

    /// Forgets messages that were not stored after all.
    pub fn forget_messages(&self, keys: &[MessageKey]) {
        let RecentKeys { order, known } = &mut *self.recent.lock();
        for key in keys {
            known.remove(key);
        }
        order.retain(|key| known.contains(key));
    }

    /// Whether a message of this device and time was stored lately, or is about to be.
    pub(super) fn has_stored(&self, device: DeviceId, ts: i64) -> bool {
        self.recent.lock().known.contains(&(device, ts))
    }

    /// Tells those who follow; nobody may.
    pub fn send(&self, org: OrgId, event: GatewayEvent) {
        self.events.send(org, || event);
    }

    pub(super) fn subscribe(&self, org: OrgId) -> broadcast::Receiver<GatewayEvent> {
        self.events.subscribe(org)
    }

    /// Whether the last report of a device's state says that it is connected.
    pub fn is_connected(&self, device: DeviceId) -> bool {
        self.sessions.lock().get(device).is_some_and(|report| report.event == SessionEvent::Connected)
    }

    /// Forgets a deleted device.
    pub fn forget(&self, org: OrgId, device: DeviceId) {
        self.sessions.lock().remove(device);
        self.logs.lock().forget(org, device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Micros;
    use crate::domain::message::MessageFormat;

    fn message(ts: i64) -> StoredMessage {
        StoredMessage {
            uuid: uuid::Uuid::nil(),
            device: DeviceId(1),
            ts: Micros(ts),
            received_at: Micros(0),
            status: String::new(),
            payload: "{}".to_owned(),
            format: MessageFormat::Fact,
            principal: String::new(),
            client: String::new(),
            sensor_count: 0,
        }
    }

    #[test]
    fn messages_that_were_not_stored_are_forgotten_unless_they_were_known_before() {
        let hub = GatewayHub::default();
        assert_eq!(hub.expect_messages(&[message(1)]).len(), 1);
        let new = hub.expect_messages(&[message(1), message(2)]);
        assert_eq!(new, [(DeviceId(1), 2)]);
        hub.forget_messages(&new);
        assert_eq!([1, 2].map(|ts| hub.has_stored(DeviceId(1), ts)), [true, false]);
    }

    #[test]
    fn the_oldest_keys_are_forgotten() {
        let hub = GatewayHub::default();
        let last = MAX_RECENT_KEYS as i64;
        for ts in 0..=last {
            hub.expect_messages(&[message(ts)]);
        }
        assert_eq!([0, 1, last].map(|ts| hub.has_stored(DeviceId(1), ts)), [false, true, true]);
    }
}
