//! State of the gateways' reports, and their channel.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::container_logs::ContainerLogs;
use super::event::GatewayEvent;
use super::session::{SessionEvent, SessionRecord};
use crate::domain::message::StoredMessage;
use crate::domain::{DeviceId, OrgId};
use crate::store::org_channels::OrgChannels;

/// Events that a slow subscriber may lag behind.
const CHANNEL_CAPACITY: usize = 4096;
/// Keys of stored messages that are remembered, so that the feed derives no message for their readings.
const MAX_RECENT_KEYS: usize = 65_536;

/// The last session event of each device, the newest log lines, and the channel of events.
pub struct GatewayHub {
    events: OrgChannels<GatewayEvent>,
    pub(super) sessions: Mutex<HashMap<DeviceId, Arc<SessionRecord>>>,
    pub(super) logs: Mutex<ContainerLogs>,
    recent: Mutex<RecentKeys>,
}

/// Devices and times of the messages stored last, the oldest first.
#[derive(Default)]
struct RecentKeys {
    order: VecDeque<(DeviceId, i64)>,
    known: HashSet<(DeviceId, i64)>,
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
    /// Notes messages before they are stored: their readings may be seen before the messages are.
    pub fn expect_messages(&self, messages: &[StoredMessage]) {
        let mut recent = self.recent.lock();
        for message in messages {
            let key = (message.device, message.ts.0);
            if recent.known.insert(key) {
                recent.order.push_back(key);
            }
        }
        while recent.order.len() > MAX_RECENT_KEYS {
            if let Some(oldest) = recent.order.pop_front() {
                recent.known.remove(&oldest);
            }
        }
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
        self.sessions.lock().get(&device).is_some_and(|record| record.event == SessionEvent::Connected)
    }

    /// Forgets a deleted device.
    pub fn forget(&self, device: DeviceId) {
        self.sessions.lock().remove(&device);
        self.logs.lock().forget(device);
    }
}
