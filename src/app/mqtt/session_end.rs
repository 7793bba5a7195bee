//! End of sessions: wills, expiry, and what a crash of ours leaves behind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::MqttSessions;
use super::access::session_owner;
use super::publish::{Publication, PublishOutcome};
use super::queue_account::QueueCharge;
use super::registry::{SessionEviction, SessionKey, SessionSlot};
use super::session::MqttSession;
use crate::app::gateway::session::SessionEvent;
use crate::domain::mqtt::{MqttChange, SessionOwner, Will};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Principal, Result};

/// Period of the look for expired sessions, wills that are due, and queues that are too long.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);
/// Period in which the progress of clients is stored. After a crash they are sent again what they have acknowledged since.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// End of a connection: what becomes of its session and its will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MqttSessionEnd {
    /// Whether the will is published: the client has not said goodbye.
    pub publishes_will: bool,
    /// Whether the session ends with the connection.
    pub ends_session: bool,
    /// A new lifetime of the session, seconds.
    pub expiry_s: Option<u32>,
    /// Why, in the words of Instathings: `CLIENT_INITIATED_DISCONNECT` and so on.
    pub reason: &'static str,
}

impl MqttSessions {
    pub(super) fn forget_queue(&self, slot: &SessionSlot) {
        let messages = slot.memory.iter().flat_map(|memory| memory.outbox.messages());
        messages.for_each(|message| self.state.counters.remove_queued(message.size()));
    }

    /// Publishes a will in the name of the client that is gone, with the rights that its owner has now: a key that was
    /// revoked writes nothing any more, whenever its wills were checked.
    pub(super) async fn publish_will_of(&self, owner: SessionOwner, will: Will) {
        match self.owner_principal(owner) {
            Some(who) => self.publish_will(&who, will).await,
            None => tracing::info!(%owner, topic = will.topic, "the will of a revoked key is not published"),
        }
    }

    async fn publish_will(&self, who: &Principal, will: Will) {
        let Will { topic, payload, qos, is_retained, .. } = will;
        let publication = Publication { topic, payload: payload.into(), qos, is_retained };
        match self.publisher.publish(who, publication).await {
            PublishOutcome::Stored => {}
            PublishOutcome::Malformed(error)
            | PublishOutcome::QuotaExceeded(error)
            | PublishOutcome::Forbidden(error)
            | PublishOutcome::Unavailable(error) => {
                let caller = who.caller.to_string();
                tracing::warn!(%caller, error = error.full_message(), "a will cannot be published");
            }
        }
    }

    /// Tells those who follow a gateway that it is connected, or why it is not.
    pub(super) async fn report_connection(&self, who: &Principal, event: SessionEvent, reason: Option<&str>) {
        let Ok(SessionOwner::Device(device)) = session_owner(who) else { return };
        let mut payload = serde_json::Map::new();
        if let Some(reason) = reason {
            let status = serde_json::json!({ "eventType": event.name(), "disconnectReason": reason });
            payload.insert("status".to_owned(), status);
        }
        // A device that was deleted meanwhile has no followers.
        drop(self.gateway.report_session(who, device, event, payload).await);
    }

    /// The rights of an owner now; `None` when its key is revoked or its device deleted.
    fn owner_principal(&self, owner: SessionOwner) -> Option<Principal> {
        match owner {
            SessionOwner::Device(id) => self.access.device_principal(id),
            SessionOwner::Key(id) => {
                let key = self.store.catalog().keys.current_key(id);
                key.filter(|key| key.is_valid_at(self.clock.now())).map(|key| key.principal())
            }
        }
    }

    /// Reads what the broker remembers, before it listens. Clients that were connected when the server crashed have
    /// disappeared: their wills are published.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be read.
    pub async fn start(&self) -> Result<()> {
        for message in self.store.catalog().mqtt.mqtt_retained().await? {
            self.state.retained.write().put(message);
        }
        // They speak through the broker, so before they connect they are offline, whatever their sessions were.
        for device in self.store.catalog().provisioning.provisioned_devices() {
            self.states.presence.mark_known(device);
        }
        let now = self.clock.now();
        for mut stored in self.store.catalog().mqtt.mqtt_sessions().await? {
            stored.ended_at.get_or_insert(now);
            if let SessionOwner::Device(device) = stored.owner {
                self.states.presence.mark_known(device);
            }
            let key = (stored.owner, stored.client_id.clone());
            let charge = QueueCharge::new(&self.state.queues, stored.org, stored.size());
            let slot = SessionSlot { stored, charge, is_persisted: true, memory: None, connection: None };
            self.state.sessions.lock().slots.insert(key, slot);
        }
        self.end_due_sessions().await;
        Ok(())
    }

    /// Publishes wills, ends sessions when their time is over and stores how far clients have come, until the server
    /// stops.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut stored_at = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(UPKEEP_INTERVAL) => {}
            }
            self.end_due_sessions().await;
            self.end_sessions_over_share().await;
            if stored_at.elapsed() >= PROGRESS_INTERVAL {
                stored_at = Instant::now();
                self.store_progress().await;
            }
        }
    }

    async fn end_due_sessions(&self) {
        let now = self.clock.now();
        let mut due = Vec::new();
        for (key, slot) in &mut self.state.sessions.lock().slots {
            if slot.connection.is_some() {
                continue;
            }
            let since = slot.stored.ended_at.unwrap_or(now);
            let is_over =
                |seconds: u32| now.0 >= since.0.saturating_add(i64::from(seconds) * MICROS_PER_SECOND);
            let is_ended = is_over(slot.stored.expiry_s);
            let is_will_due = |will: &Will| is_ended || is_over(will.delay_s);
            let will = slot.stored.will.take_if(|will| is_will_due(will));
            if is_ended || will.is_some() {
                due.push((key.clone(), will, is_ended, slot.stored.clone()));
            }
        }
        for (key, will, is_ended, stored) in due {
            if let Some(will) = will {
                self.publish_will_of(key.0, will).await;
            }
            let change = match is_ended {
                true => MqttChange::RemoveSession(key.0, key.1.clone()),
                false => MqttChange::PutSession(stored),
            };
            self.finish_session(&key, is_ended, change).await;
        }
    }

    /// Ends sessions of organizations whose queues have grown beyond their share, as those are ended that fall behind the log:
    /// first of clients that are away, the oldest first. A client that is connected is told, one of each organization at a
    /// time.
    pub(super) async fn end_sessions_over_share(&self) {
        for org in self.state.queues.orgs_over() {
            while self.state.queues.is_over(org) {
                let order = {
                    let mut registry = self.state.sessions.lock();
                    let Some(slot) = registry.session_to_end(org) else { break };
                    // Also if our clock has stepped back since its client left.
                    (slot.stored.expiry_s, slot.stored.ended_at) = (0, None);
                    slot.connection.as_ref().map(|connection| connection.orders.clone())
                };
                self.state.counters.count_overflow();
                if let Some(order) = order {
                    // It ends itself; without a listener its connection is gone already.
                    order.send(SessionEviction::Overflow).unwrap_or(());
                    break;
                }
                // Now it is due, and so is a will that waits for its end.
                self.end_due_sessions().await;
            }
        }
    }

    /// Removes an ended session, unless the client has come back meanwhile.
    async fn finish_session(&self, key: &SessionKey, is_ended: bool, change: MqttChange) {
        {
            let mut registry = self.state.sessions.lock();
            if registry.slots.get(key).is_none_or(|slot| slot.connection.is_some()) {
                return;
            }
            if is_ended && let Some(slot) = registry.slots.remove(key) {
                self.forget_queue(&slot);
            }
        }
        // It is logged, and the row is looked at again after the next start.
        drop(self.state.journal.record(change).await);
    }

    pub(super) async fn store_progress(&self) {
        let mut changes = Vec::new();
        for ((owner, client_id), slot) in &mut self.state.sessions.lock().slots {
            let Some(handle) = slot.connection.as_ref().filter(|_| slot.is_persisted) else { continue };
            let cursor = handle.acknowledged.lock().clone();
            if slot.stored.expiry_s > 0 && cursor != slot.stored.cursor {
                slot.stored.cursor = cursor.clone();
                changes.push(MqttChange::SetCursor(*owner, client_id.clone(), cursor));
            }
        }
        let stored = changes.into_iter().map(|change| self.state.journal.record(change));
        // What is not stored is sent again after a crash.
        drop(futures::future::join_all(stored).await);
    }
}

impl MqttSession {
    /// Ends the connection: publishes the will if it is due, and keeps what the session needs to go on.
    pub async fn end(mut self, end: MqttSessionEnd) {
        let broker = self.broker.clone();
        self.memory.inbox.disconnect();
        self.live = None;
        broker.state.counters.count_disconnection();
        if let Some(activity) = self.activity.take() {
            broker.states.presence.disconnect(&activity);
        }
        let expiry_s = end.expiry_s.map_or(self.expiry_s, |asked| asked.min(self.expiry_cap()));
        let is_gone = end.ends_session || expiry_s == 0;
        let now = broker.clock.now();
        let found = {
            let mut registry = broker.state.sessions.lock();
            registry.of_connection(&self.key, self.connection).map(|slot| {
                let will = slot.stored.will.take().filter(|_| end.publishes_will);
                let is_due = will.as_ref().is_some_and(|will| is_gone || will.delay_s == 0);
                let (due, later) = if is_due { (will, None) } else { (None, will) };
                slot.stored.will = later;
                slot.stored.expiry_s = expiry_s;
                slot.stored.ended_at = Some(now);
                slot.stored.cursor = self.memory.progress.acknowledged.lock().clone();
                (due, slot.stored.clone(), slot.is_persisted)
            })
        };
        let Some((will, stored, is_persisted)) = found else { return self.released.cancel() };
        let who = self.principal().clone();
        if let Some(will) = will {
            broker.publish_will_of(self.key.0, will).await;
        }
        if is_persisted {
            let change = match is_gone {
                true => MqttChange::RemoveSession(self.key.0, self.key.1.clone()),
                false => MqttChange::PutSession(stored),
            };
            // The journal has logged it; the session goes on in memory.
            drop(broker.state.journal.record(change).await);
        }
        self.release(is_gone);
        broker.report_connection(&who, SessionEvent::Disconnected, Some(end.reason)).await;
    }

    fn expiry_cap(&self) -> u32 {
        u32::try_from(self.broker.session_expiry.as_secs()).unwrap_or(u32::MAX)
    }

    fn release(mut self, is_gone: bool) {
        let broker = self.broker.clone();
        let mut registry = broker.state.sessions.lock();
        // Another connection may have taken the session over without waiting.
        let is_ours = match registry.of_connection(&self.key, self.connection) {
            Some(slot) => {
                self.memory.shrink(&broker.state.counters, &self.subscriptions);
                slot.connection = None;
                slot.memory = Some(self.memory);
                true
            }
            None => false,
        };
        if is_ours
            && is_gone
            && let Some(slot) = registry.slots.remove(&self.key)
        {
            broker.forget_queue(&slot);
        }
        drop(registry);
        self.released.cancel();
    }
}
