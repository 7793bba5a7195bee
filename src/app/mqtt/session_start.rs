//! Start of a session: it takes over from a connection of the same client, or resumes what the client or a crash of the
//! server left.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::MqttSessions;
use super::access::session_owner;
use super::feed::LiveProgress;
use super::queue_account::QueueCharge;
use super::registry::{ConnectionHandle, SessionEviction, SessionKey, SessionSlot};
use super::session::MqttSession;
use super::session_end::MqttSessionEnd;
use super::session_memory::SessionMemory;
use crate::app::gateway::session::SessionEvent;
use crate::app::live::credential::LiveCredential;
use crate::domain::mqtt::inbox::Inbox;
use crate::domain::mqtt::outbox::Outbox;
use crate::domain::mqtt::{MqttChange, SessionOwner, StoredSession, Subscription, Will};
use crate::domain::{DeviceId, Error, Kind, Micros, OrgId, Result};

/// How long a connection may take to release its session to the next.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(5);

/// Request of a client that connects.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectRequest {
    pub client_id: String,
    /// Whether a session that is there ends.
    pub is_clean: bool,
    /// How long the session is to outlive its connection, seconds; the settings bound it.
    pub expiry_s: u32,
    pub will: Option<Will>,
    /// Messages that the client may be sent without an acknowledgement.
    pub window: u16,
    /// Messages that the client may send without an acknowledgement.
    pub quota: u16,
}

impl MqttSessions {
    /// Opens the session of a client. Another connection with the same client id of the same owner is ended first.
    ///
    /// # Errors
    /// `Forbidden` for a will that the client may not publish itself, and for callers that MQTT does not know;
    /// `LimitReached` for a new session when there are too many; `Unavailable` when the session cannot be stored.
    pub async fn connect(
        self: &Arc<Self>,
        credential: LiveCredential,
        request: ConnectRequest,
    ) -> Result<MqttSession> {
        let who = credential.principal().clone();
        let owner = session_owner(&who)?;
        if let Some(will) = &request.will {
            self.access.may_publish(&who, &will.topic)?;
        }
        let most = u32::try_from(self.session_expiry.as_secs()).unwrap_or(u32::MAX);
        let request = ConnectRequest { expiry_s: request.expiry_s.min(most), ..request };
        let key = (owner, request.client_id.clone());
        self.take_over(&key).await;
        let (mut session, change, ended_will) = self.open_session(credential, key, request)?;
        if let Some(will) = ended_will {
            // It is published also when the client does not wait for it.
            let sessions = self.clone();
            drop(tokio::spawn(async move { sessions.publish_will_of(owner, will).await }).await);
        }
        let opened = match change {
            Some(change) => self.state.journal.record(change).await,
            None => Ok(()),
        };
        let opened = match opened {
            Ok(()) => session.follow().await,
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            let reason = "SERVER_INITIATED_DISCONNECT";
            let end = MqttSessionEnd { publishes_will: false, ends_session: false, expiry_s: None, reason };
            session.end(end).await;
            return Err(error);
        }
        session.look_for_commands();
        if let SessionOwner::Device(device) = owner {
            session.activity = Some(self.states.presence.connect(device, self.clock.now()));
            self.check_in_or_log(device).await;
        }
        self.report_connection(&who, SessionEvent::Connected, None).await;
        Ok(session)
    }

    /// Notes that a registered device has connected. It connects all the same when that cannot be stored: it stays
    /// PENDING until its next connection.
    async fn check_in_or_log(&self, device: DeviceId) {
        if let Err(error) = self.certificates.check_in(device).await {
            tracing::warn!(%device, error = error.full_message(), "the first connection of a device is not stored");
        }
    }

    /// Ends the connection that has a session, and waits until it has released it.
    async fn take_over(&self, key: &SessionKey) {
        loop {
            let other = {
                let registry = self.state.sessions.lock();
                registry.slots.get(key).and_then(|slot| slot.connection.clone())
            };
            let Some(other) = other else { return };
            // Whoever gave it up without a word, a panic for example, does not listen any more.
            let is_there = other.orders.send(SessionEviction::TakenOver).is_ok();
            let ended = tokio::time::timeout(TAKE_OVER_TIMEOUT, other.released.cancelled());
            if (!is_there || ended.await.is_err())
                && let Some(slot) = self.state.sessions.lock().of_connection(key, other.id)
            {
                slot.connection = None;
            }
        }
    }

    /// Puts the session into the registry. Returns what the catalog must be told, and the will of a session that this ends:
    /// a will is due when its delay is over or its session ends, whichever is first (5.0, 3.1.3.2.2).
    fn open_session(
        self: &Arc<Self>,
        credential: LiveCredential,
        key: SessionKey,
        request: ConnectRequest,
    ) -> Result<(MqttSession, Option<MqttChange>, Option<Will>)> {
        let ConnectRequest { client_id, is_clean, expiry_s, will, window, quota } = request;
        let (orders, received) = mpsc::unbounded_channel();
        let released = CancellationToken::new();
        let (org, owner) = (credential.principal().org, key.0);
        let mut registry = self.state.sessions.lock();
        if !registry.slots.contains_key(&key)
            && (registry.is_full_for(org, owner) || self.state.queues.is_over(org))
        {
            let problem = "there are too many sessions whose clients are not connected";
            return Err(Error::new(Kind::LimitReached, problem));
        }
        let connection = registry.next_connection();
        let old = registry.slots.remove(&key);
        let was_persisted = old.as_ref().is_some_and(|slot| slot.is_persisted);
        let mut ended_will = None;
        let old = match old {
            Some(mut slot) if is_clean => {
                self.forget_queue(&slot);
                ended_will = slot.stored.will.take();
                None
            }
            old => old,
        };
        let is_present = old.is_some();
        let (subscriptions, cursor, memory) = self.resume(org, old, window, quota);
        let is_persisted = expiry_s > 0 || will.is_some();
        let stored = StoredSession {
            org,
            owner,
            client_id: client_id.clone(),
            subscriptions: subscriptions.clone(),
            expiry_s,
            ended_at: None,
            will,
            cursor,
        };
        let change = match (is_persisted, was_persisted) {
            (true, _) => Some(MqttChange::PutSession(stored.clone())),
            (false, true) => Some(MqttChange::RemoveSession(owner, client_id)),
            (false, false) => None,
        };
        let handle = memory.connection_handle(connection, orders, released.clone(), self.clock.now());
        let charge = QueueCharge::new(&self.state.queues, org, stored.size());
        let slot = SessionSlot { stored, charge, is_persisted, memory: None, connection: Some(handle) };
        registry.slots.insert(key.clone(), slot);
        self.state.counters.count_connection();
        let session = MqttSession {
            released,
            is_present,
            expiry_s,
            ..self.new_session(credential, (key, connection), received, (subscriptions, memory))
        };
        Ok((session, change, ended_will))
    }

    /// A session that follows nothing yet.
    fn new_session(
        self: &Arc<Self>,
        credential: LiveCredential,
        (key, connection): (SessionKey, u64),
        orders: mpsc::UnboundedReceiver<SessionEviction>,
        (subscriptions, memory): (Vec<Subscription>, SessionMemory),
    ) -> MqttSession {
        MqttSession {
            broker: self.clone(),
            watch: credential.watch(),
            credential,
            key,
            connection,
            orders,
            released: CancellationToken::new(),
            is_present: false,
            activity: None,
            expiry_s: 0,
            subscriptions,
            memory,
            live: None,
            feed_permit: None,
            new_commands: None,
            command_backlog: None,
            notices: None,
            relayed: None,
            desired: None,
            topics: Default::default(),
            changes: self.store.catalog().subscribe_changes(),
        }
    }

    /// State that a session goes on with: its subscriptions, its position in the feed, and its messages in both directions.
    fn resume(
        &self,
        org: OrgId,
        old: Option<SessionSlot>,
        window: u16,
        quota: u16,
    ) -> (Vec<Subscription>, Option<String>, SessionMemory) {
        let (subscriptions, cursor, memory) = match old {
            Some(slot) => (slot.stored.subscriptions, slot.stored.cursor, slot.memory),
            None => (Vec::new(), None, None),
        };
        let new = || SessionMemory {
            outbox: Outbox::new(window),
            queued: Default::default(),
            charge: QueueCharge::new(&self.state.queues, org, 0),
            inbox: Inbox::new(quota),
            progress: LiveProgress::after(cursor.clone()),
            commands: Default::default(),
            retained: Default::default(),
        };
        let mut memory = memory.unwrap_or_else(new);
        for lost in memory.outbox.resume(window) {
            memory.count_out(&self.state.counters, &lost);
        }
        (subscriptions, cursor, memory)
    }
}

impl SessionMemory {
    /// How to reach the connection that has this memory.
    fn connection_handle(
        &self,
        id: u64,
        orders: mpsc::UnboundedSender<SessionEviction>,
        released: CancellationToken,
        opened_at: Micros,
    ) -> ConnectionHandle {
        let (acknowledged, queued) = (self.progress.acknowledged.clone(), self.queued.clone());
        let queued_bytes = self.charge.shared();
        ConnectionHandle { id, orders, released, acknowledged, opened_at, queued, queued_bytes }
    }
}
