//! Every session in memory, and the connection that serves it. A revoked certificate ends its sessions through
//! `CredentialWatch` (app/live/credential.rs), not here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::MqttSessions;
use super::queue_account::QueueCharge;
use super::session_memory::SessionMemory;
use crate::domain::mqtt::status::SessionStatus;
use crate::domain::mqtt::{SessionOwner, StoredSession};
use crate::domain::ports::{DeviceStatusSource, MqttSessionSource};
use crate::domain::{DeviceId, Micros, OrgId, Principal, Resource, Result, Scope};

/// Maximum sessions of an organization whose clients are not connected; `mqtt.connections` bounds the others.
const MAX_ABSENT_OF_ORG: usize = 10_000;
/// Maximum sessions of a key or a device whose clients are not connected.
const MAX_ABSENT_OF_OWNER: usize = 1000;

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEviction {
    /// The client has connected again.
    TakenOver,
    /// The credential is not valid any more, or an administrator has ended it.
    Revoked,
    /// Values that the client has not taken are no longer kept for it.
    Overflow,
    /// The server cannot serve.
    Unavailable,
}

pub(super) type SessionKey = (SessionOwner, String);

#[derive(Default)]
pub(super) struct SessionRegistry {
    pub(super) slots: HashMap<SessionKey, SessionSlot>,
    last_connection: u64,
}

/// A session and its connection, if it has one.
pub(super) struct SessionSlot {
    pub stored: StoredSession,
    /// Memory of what is stored.
    pub charge: QueueCharge,
    /// Whether the catalog has a row of it.
    pub is_persisted: bool,
    /// State that survives a connection in memory; the connection has it while there is one.
    pub memory: Option<SessionMemory>,
    pub connection: Option<ConnectionHandle>,
}

/// How to reach a connection.
#[derive(Clone)]
pub(super) struct ConnectionHandle {
    pub id: u64,
    pub orders: mpsc::UnboundedSender<SessionEviction>,
    /// Cancelled when the connection has released its session.
    pub released: CancellationToken,
    /// Position up to which the client has acknowledged live values.
    pub acknowledged: Arc<Mutex<Option<String>>>,
    pub opened_at: Micros,
    /// Number of waiting messages, shared with the session's memory, which the connection has.
    pub queued: Arc<AtomicUsize>,
    /// Memory of these messages.
    pub queued_bytes: Arc<AtomicUsize>,
}

impl SessionRegistry {
    /// Number of sessions, with and without a connection.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The sessions that a principal may see as they are now, by owner and client id.
    pub fn statuses(&self, who: &Principal) -> Vec<SessionStatus> {
        let seen = self.slots.values().filter(|slot| slot.stored.owner.is_visible_to(slot.stored.org, who));
        let mut statuses: Vec<_> = seen.map(SessionSlot::status).collect();
        statuses.sort_by(|a, b| (a.owner, &a.client_id).cmp(&(b.owner, &b.client_id)));
        statuses
    }

    /// Whether a new session would be one too many: sessions without a client are what costs nobody a connection.
    pub(super) fn is_full_for(&self, org: OrgId, owner: SessionOwner) -> bool {
        let (mut of_org, mut of_owner) = (0, 0);
        for slot in self.slots.values().filter(|slot| slot.connection.is_none() && slot.stored.org == org) {
            of_org += 1;
            of_owner += usize::from(slot.stored.owner == owner);
        }
        of_org >= MAX_ABSENT_OF_ORG || of_owner >= MAX_ABSENT_OF_OWNER
    }

    /// The session of an organization that is ended when its queues have grown too long: the one whose client has been away
    /// the longest, else the one whose client has taken the least of what is queued for it.
    pub(super) fn session_to_end(&mut self, org: OrgId) -> Option<&mut SessionSlot> {
        let own = || self.slots.iter().filter(|(_, slot)| slot.stored.org == org);
        let absent = own().filter(|(_, slot)| slot.connection.is_none());
        let oldest = absent.min_by_key(|(_, slot)| slot.stored.ended_at);
        let longest = || own().max_by_key(|(_, slot)| slot.queued_bytes());
        let key = oldest.or_else(longest).map(|(key, _)| key.clone())?;
        self.slots.get_mut(&key)
    }

    /// Returns a number that no connection since the start has had: it tells those of one session apart.
    pub fn next_connection(&mut self) -> u64 {
        self.last_connection += 1;
        self.last_connection
    }

    /// The session, as long as this connection serves it.
    pub(super) fn of_connection(&mut self, key: &SessionKey, connection: u64) -> Option<&mut SessionSlot> {
        let slot = self.slots.get_mut(key)?;
        let is_current = slot.connection.as_ref().is_some_and(|handle| handle.id == connection);
        is_current.then_some(slot)
    }
}

/// The registry as the states of devices see it.
pub(super) struct SessionStatuses(pub Arc<Mutex<SessionRegistry>>);

impl MqttSessionSource for SessionStatuses {
    fn statuses(&self, who: &Principal) -> Vec<SessionStatus> {
        self.0.lock().statuses(who)
    }
}

impl SessionSlot {
    fn queued_bytes(&self) -> usize {
        self.connection.as_ref().map_or(0, |connection| connection.queued_bytes.load(Ordering::Relaxed))
    }

    fn status(&self) -> SessionStatus {
        let queued = match (&self.connection, &self.memory) {
            (Some(connection), _) => Some(&connection.queued),
            (None, memory) => memory.as_ref().map(|memory| &memory.queued),
        };
        SessionStatus {
            owner: self.stored.owner,
            client_id: self.stored.client_id.clone(),
            is_connected: self.connection.is_some(),
            since: self
                .connection
                .as_ref()
                .map_or(self.stored.ended_at, |connection| Some(connection.opened_at)),
            subscriptions: self.stored.subscriptions.clone(),
            queued: queued.map_or(0, |queued| queued.load(Ordering::Relaxed)),
            expiry_s: self.stored.expiry_s,
        }
    }
}

impl MqttSessions {
    /// Returns the sessions of MQTT clients that the principal may see, by owner and client id.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn sessions(&self, principal: &Principal) -> Result<Vec<SessionStatus>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.states.mqtt_sessions(principal))
    }

    /// Ends the connections of a device that has authenticated with its certificate, within moments, and returns how many
    /// there were. A certificate that is replaced or deleted ends them by itself.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible.
    pub fn end_sessions(
        &self,
        principal: &Principal,
        device: DeviceId,
        why: SessionEviction,
    ) -> Result<usize> {
        self.devices.device_to_change(principal, device)?;
        let registry = self.state.sessions.lock();
        let own = registry.slots.iter().filter(|((owner, _), _)| *owner == SessionOwner::Device(device));
        let handles = own.filter_map(|(_, slot)| slot.connection.as_ref());
        Ok(handles.filter(|handle| handle.orders.send(why).is_ok()).count())
    }

    /// Whether a device with a certificate is connected.
    pub fn is_connected(&self, device: DeviceId) -> bool {
        let registry = self.state.sessions.lock();
        let mut slots = registry.slots.iter();
        slots.any(|((owner, _), slot)| *owner == SessionOwner::Device(device) && slot.connection.is_some())
    }
}
