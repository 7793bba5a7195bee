//! Every session in memory, and the connection that serves it. A revoked certificate ends its sessions through
//! `CredentialWatch` (app/live/credential.rs), not here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::session_memory::SessionMemory;
use crate::app::App;
use crate::domain::mqtt::status::SessionStatus;
use crate::domain::mqtt::{SessionOwner, StoredSession};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::{DeviceId, Micros, Principal, Resource, Result, Scope};

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
pub(in crate::app) struct SessionRegistry {
    pub(super) slots: HashMap<SessionKey, SessionSlot>,
    last_connection: u64,
}

/// A session and its connection, if it has one.
pub(super) struct SessionSlot {
    pub stored: StoredSession,
    /// Whether the catalog has a row of it.
    pub is_persisted: bool,
    /// What survives a connection in memory; the connection has it while there is one.
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
    /// As in the session's memory, which the connection has.
    pub queued: Arc<AtomicUsize>,
}

impl SessionRegistry {
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

impl SessionSlot {
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

impl App {
    /// Returns the sessions of MQTT clients that the principal may see, by owner and client id.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn mqtt_sessions(&self, principal: &Principal) -> Result<Vec<SessionStatus>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.states.mqtt_sessions(principal))
    }

    /// Ends the connections of a device that has authenticated with its certificate, within moments, and returns how many
    /// there were. A certificate that is replaced or deleted ends them by itself.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible.
    pub fn end_mqtt_sessions(
        &self,
        principal: &Principal,
        device: DeviceId,
        why: SessionEviction,
    ) -> Result<usize> {
        self.device_to_change(principal, device)?;
        let registry = self.mqtt.sessions.lock();
        let own = registry.slots.iter().filter(|((owner, _), _)| *owner == SessionOwner::Device(device));
        let handles = own.filter_map(|(_, slot)| slot.connection.as_ref());
        Ok(handles.filter(|handle| handle.orders.send(why).is_ok()).count())
    }

    /// Whether a device with a certificate is connected.
    pub fn is_mqtt_connected(&self, device: DeviceId) -> bool {
        let registry = self.mqtt.sessions.lock();
        let mut slots = registry.slots.iter();
        slots.any(|((owner, _), slot)| *owner == SessionOwner::Device(device) && slot.connection.is_some())
    }
}
