//! A session while a client is connected: what it has subscribed to, what it is sent, and how both outlive the
//! connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::MqttSessions;
use super::device_document::DesiredTopic;
use super::feed;
use super::message::{MessageSource, OutboundMessage};
use super::notices::Notice;
use super::registry::{SessionEviction, SessionKey};
use super::relay::{RelaySubscription, RelayedMessage};
use super::session_memory::SessionMemory;
use crate::app::device_presence::DeviceActivity;
use crate::app::live::SubscriptionPermit;
use crate::app::live::credential::{CredentialWatch, LiveCredential};
use crate::app::live::values::{LiveFeed, LiveMessage};
use crate::domain::command::{Command, CommandReport, CommandState};
use crate::domain::mqtt::inbox::Inbox;
use crate::domain::mqtt::outbox::{Delivery, UnknownPacketId};
use crate::domain::mqtt::{Qos, Subscription};
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{CommandId, Error, Kind, Principal, Result, StreamId};

/// Messages that wait for the client before the feed is read on.
const MAX_WAITING: usize = 256;
/// Memory of the messages that the client has not acknowledged before the feed is read on, bytes.
const MAX_QUEUED_BYTES: usize = 1 << 20;

/// Event in a session that the client did not cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEvent {
    /// There may be something to send.
    Queued,
    /// The connection must end.
    End(SessionEviction),
}

/// The session of a connected client. Who holds it must call [`MqttSession::end`].
pub struct MqttSession {
    pub(super) broker: Arc<MqttSessions>,
    pub(super) credential: LiveCredential,
    pub(super) key: SessionKey,
    pub(super) connection: u64,
    pub(super) orders: mpsc::UnboundedReceiver<SessionEviction>,
    pub(super) released: CancellationToken,
    /// Whether there was a session to go on with.
    pub is_present: bool,
    /// Record of a device's packets, for which it counts as online.
    pub(super) activity: Option<Arc<DeviceActivity>>,
    /// How long the session outlives its connection, seconds.
    pub expiry_s: u32,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) memory: SessionMemory,
    pub(super) watch: CredentialWatch,
    pub(super) live: Option<ValueFeed>,
    /// Held while there is a feed, also while it is opened again for other subscriptions.
    pub(super) feed_permit: Option<SubscriptionPermit>,
    pub(super) new_commands: Option<broadcast::Receiver<Arc<Command>>>,
    /// From which command on those that are stored are still to be looked at; `None` when all were.
    pub(super) command_backlog: Option<CommandId>,
    /// Documents of devices of the MK platform, while a subscription may match one.
    pub(super) notices: Option<broadcast::Receiver<Notice>>,
    /// Messages of Sparkplug, while a subscription may match one.
    pub(super) relayed: Option<RelaySubscription>,
    /// Of the session's own device, while it has subscribed to it.
    pub(super) desired: Option<DesiredTopic>,
    /// The topic of each stream's values, as long as nothing changes in the catalog.
    pub(super) topics: HashMap<StreamId, Option<StreamTopic>>,
    pub(super) changes: watch::Receiver<()>,
}

/// A feed of live values.
pub(super) struct ValueFeed {
    pub feed: LiveFeed,
    /// The values that it delivers, which may be more than the subscriptions need.
    pub wanted: SubscriptionFilter,
}

/// How the values of a stream are sent.
#[derive(Clone)]
pub(super) struct StreamTopic {
    pub topic: Arc<str>,
    pub qos: Qos,
    pub kind: crate::domain::stream::StreamKind,
    /// UUID of the stream where the topic is one of the MK platform, whose readings name their sensor.
    pub sensor: Option<Uuid>,
}

impl MqttSession {
    /// Returns the principal that the client has authenticated as.
    pub fn principal(&self) -> &Arc<Principal> {
        self.credential.principal()
    }

    /// Notes that the client has sent a packet.
    pub fn record_packet(&self) {
        if let Some(activity) = &self.activity {
            activity.record_packet(self.broker.clock.now());
        }
    }

    /// Messages of the client that are not finished.
    pub fn inbox(&mut self) -> &mut Inbox {
        &mut self.memory.inbox
    }

    /// Waits for something to send or for the end. Dropping the future loses nothing.
    pub async fn next_event(&mut self) -> SessionEvent {
        let has_room = self.has_room();
        let is_behind = self.is_behind();
        let Self { orders, watch, live, new_commands, notices, relayed, desired, .. } = self;
        let item = tokio::select! {
            biased;
            order = orders.recv() => return SessionEvent::End(order.unwrap_or(SessionEviction::Unavailable)),
            _ = watch.expired() => return SessionEvent::End(SessionEviction::Revoked),
            command = next_message(new_commands) => NextItem::Command(command),
            () = std::future::ready(()), if has_room && is_behind => NextItem::Backlog,
            notice = next_message(notices), if has_room => NextItem::Notice(notice),
            message = next_relayed(relayed), if has_room => NextItem::Relayed(message),
            document = next_desired(desired), if has_room => NextItem::Desired(document),
            message = next_live(live), if has_room => NextItem::Live(message),
        };
        match item {
            NextItem::Command(Ok(command)) => self.queue_new_command(&command),
            NextItem::Command(Err(RecvError::Lagged(_))) => self.look_for_commands(),
            NextItem::Command(Err(RecvError::Closed)) => {
                return SessionEvent::End(SessionEviction::Unavailable);
            }
            NextItem::Backlog => {
                self.queue_backlog();
                // Others have their turn; what is queued is queued, also when this is dropped.
                tokio::task::yield_now().await;
            }
            NextItem::Notice(notice) => self.queue_notice(notice),
            NextItem::Relayed(message) => return self.queue_relayed(message),
            NextItem::Desired(document) => self.queue_desired(document),
            NextItem::Live(Ok(message)) if message.gap.is_some() => {
                self.broker.state.counters.count_overflow();
                return SessionEvent::End(SessionEviction::Overflow);
            }
            NextItem::Live(Ok(message)) => self.queue_readings(message),
            NextItem::Live(Err(error)) => return SessionEvent::End(end_of(&error)),
        }
        SessionEvent::Queued
    }

    /// The next packet for the client; `None` while its window is full or nothing waits.
    pub fn next_delivery(&mut self) -> Option<Delivery<OutboundMessage>> {
        let delivery = self.memory.outbox.next_delivery()?;
        if let Delivery::Publish { id, message, .. } = &delivery {
            self.broker.state.counters.count_sent(message.qos);
            if let MessageSource::Command(uuid) | MessageSource::PlatformCommand(uuid) = message.source {
                self.report(uuid, CommandState::Sent);
            }
            if id.is_none() {
                let message = message.clone();
                self.finish_message(&message, false);
            }
        }
        Some(delivery)
    }

    /// PUBACK.
    ///
    /// # Errors
    /// [`UnknownPacketId`].
    pub fn acknowledge(&mut self, id: u16) -> Result<(), UnknownPacketId> {
        let message = self.memory.outbox.acknowledge(id)?;
        self.finish_message(&message, true);
        Ok(())
    }

    /// PUBREC, with an error or not.
    ///
    /// # Errors
    /// [`UnknownPacketId`].
    pub fn receive(&mut self, id: u16, is_refused: bool) -> Result<(), UnknownPacketId> {
        let outbox = &mut self.memory.outbox;
        let message = if is_refused { outbox.refuse(id)? } else { outbox.receive(id)? };
        if let Some(message) = message {
            self.finish_message(&message, true);
        }
        Ok(())
    }

    /// PUBCOMP.
    ///
    /// # Errors
    /// [`UnknownPacketId`].
    pub fn complete(&mut self, id: u16) -> Result<(), UnknownPacketId> {
        self.memory.outbox.complete(id)
    }

    pub(super) fn queue(&mut self, message: OutboundMessage) {
        self.memory.push(&self.broker.state.counters, message);
    }

    /// Whether more may be queued. Who has nothing queued may have one message, however little room there is.
    pub(super) fn has_room(&self) -> bool {
        let memory = &self.memory;
        memory.queued.load(Ordering::Relaxed) == 0
            || (memory.outbox.waiting() < MAX_WAITING
                && memory.charge.bytes() < MAX_QUEUED_BYTES
                && self.broker.state.queues.has_room(self.principal().org))
    }

    /// Whether something that is stored is still to be queued: commands or retained messages.
    fn is_behind(&self) -> bool {
        self.command_backlog.is_some() || !self.memory.retained.is_empty()
    }

    /// Queues the next part of what is stored, as far as there is room for it.
    pub(super) fn queue_backlog(&mut self) {
        self.queue_waiting_commands();
        if self.has_room() {
            self.queue_retained();
        }
    }

    /// The client has a message, or it was sent and needs no acknowledgement.
    fn finish_message(&mut self, message: &OutboundMessage, is_acknowledged: bool) {
        self.memory.count_out(&self.broker.state.counters, message);
        match message.source {
            MessageSource::Live(number) => self.memory.progress.finish_one(number),
            MessageSource::Command(uuid) if is_acknowledged => self.report(uuid, CommandState::Acknowledged),
            MessageSource::Command(_)
            | MessageSource::PlatformCommand(_)
            | MessageSource::Document
            | MessageSource::Relayed => {}
        }
    }

    /// Notes how far a command is. Commands that have ended meanwhile stay as they are.
    fn report(&self, uuid: Uuid, state: CommandState) {
        let (commands, who) = (self.broker.commands.clone(), self.principal().clone());
        tokio::spawn(async move {
            let noted = match state {
                CommandState::Acknowledged => {
                    let result = serde_json::Value::Null;
                    let report = CommandReport { state, result, error: String::new() };
                    commands.report_command(&who, uuid, report).await
                }
                _ => commands.mark_sent(&who, uuid).await,
            };
            match noted {
                Err(error) if error.kind.is_our_fault() => {
                    tracing::warn!(%uuid, error = error.full_message(), "the state of a command is not stored");
                }
                Ok(_) | Err(_) => {}
            }
        });
    }

    fn queue_readings(&mut self, message: LiveMessage) {
        if self.changes.has_changed().unwrap_or(true) {
            self.changes.mark_unchanged();
            self.topics.clear();
        }
        let rows: Vec<_> = message.readings.iter().collect();
        let mut found = Vec::with_capacity(rows.len());
        for reading in rows {
            if let Some(to) = self.topic_of(reading.stream) {
                let payload = match to.sensor {
                    Some(sensor) => feed::platform_payload(to.kind, &reading, sensor),
                    None => feed::reading_payload(to.kind, &reading),
                };
                found.push((to, payload));
            }
        }
        let number = self.memory.progress.fetch(message.cursor, found.len());
        for (StreamTopic { topic, qos, .. }, payload) in found {
            let source = MessageSource::Live(number);
            self.queue(OutboundMessage { topic, payload, qos, is_retained: false, source });
        }
    }
}

enum NextItem {
    Command(Result<Arc<Command>, RecvError>),
    Backlog,
    Notice(Result<Notice, RecvError>),
    Relayed(Option<Arc<RelayedMessage>>),
    Desired(Result<Value>),
    Live(Result<LiveMessage>),
}

async fn next_message<T: Clone>(source: &mut Option<broadcast::Receiver<T>>) -> Result<T, RecvError> {
    match source {
        Some(source) => source.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_relayed(relayed: &mut Option<RelaySubscription>) -> Option<Arc<RelayedMessage>> {
    match relayed {
        Some(relayed) => relayed.next().await,
        None => std::future::pending().await,
    }
}

async fn next_desired(desired: &mut Option<DesiredTopic>) -> Result<Value> {
    match desired {
        Some(desired) => desired.feed.next().await,
        None => std::future::pending().await,
    }
}

async fn next_live(live: &mut Option<ValueFeed>) -> Result<LiveMessage> {
    match live {
        Some(live) => {
            let next = live.feed.next().await;
            next.unwrap_or_else(|| Err(Error::unavailable("the feed of live values has ended")))
        }
        None => std::future::pending().await,
    }
}

fn end_of(error: &Error) -> SessionEviction {
    if error.kind == Kind::Unauthenticated { SessionEviction::Revoked } else { SessionEviction::Unavailable }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
