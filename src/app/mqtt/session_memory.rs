//! Memory of a session between its connections.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use uuid::Uuid;

use super::feed::LiveProgress;
use super::message::{MessageSource, OutboundMessage};
use super::metrics::MqttCounters;
use super::queue_account::QueueCharge;
use super::retained_pass::{RetainedBacklog, RetainedRequest};
use crate::domain::mqtt::Subscription;
use crate::domain::mqtt::inbox::Inbox;
use crate::domain::mqtt::outbox::Outbox;

/// State that outlives a connection in memory.
pub(super) struct SessionMemory {
    pub outbox: Outbox<OutboundMessage>,
    /// Number of messages that the client has not acknowledged, for whoever looks at the session from outside.
    pub queued: Arc<AtomicUsize>,
    /// Memory of these messages.
    pub charge: QueueCharge,
    pub inbox: Inbox,
    pub progress: LiveProgress,
    /// Commands that this session has been sent.
    pub commands: HashSet<Uuid>,
    /// Retained messages that this session is still to be sent.
    pub retained: RetainedBacklog,
}

impl SessionMemory {
    /// Queues a message in the outbox, and counts it and its memory until [`SessionMemory::count_out`].
    pub fn push(&mut self, counters: &MqttCounters, message: OutboundMessage) {
        counters.add_queued(message.size());
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.charge.add(message.charge());
        self.outbox.push(message);
    }

    /// Notes that a message is in the outbox no more.
    pub fn count_out(&self, counters: &MqttCounters, message: &OutboundMessage) {
        counters.remove_queued(message.size());
        self.queued.fetch_sub(1, Ordering::Relaxed);
        self.charge.remove(message.charge());
    }

    /// Drops what can be found again while no client is connected: of live values what comes after the message of the feed
    /// whose values are partly sent, and commands and documents that were not sent. What is in flight stays, because it is
    /// sent again with its packet id.
    pub fn shrink(&mut self, counters: &MqttCounters, subscriptions: &[Subscription]) {
        let first = self.outbox.waiting_messages().find_map(|message| match message.source {
            MessageSource::Live(number) => Some(number),
            _ => None,
        });
        let dropped = self.outbox.take_waiting(|message| match message.source {
            MessageSource::Live(number) => Some(number) == first,
            MessageSource::Relayed => true,
            MessageSource::Command(_) | MessageSource::PlatformCommand(_) | MessageSource::Document => false,
        });
        let mut misses_documents = false;
        for message in &dropped {
            self.count_out(counters, message);
            match message.source {
                MessageSource::Command(uuid) | MessageSource::PlatformCommand(uuid) => {
                    self.commands.remove(&uuid);
                }
                MessageSource::Document => misses_documents = true,
                MessageSource::Live(_) | MessageSource::Relayed => {}
            }
        }
        if let Some(first) = first {
            self.progress.rewind_to(first);
        }
        if misses_documents {
            for Subscription { filter, qos } in subscriptions.iter().cloned() {
                self.retained.request(RetainedRequest {
                    filter,
                    qos,
                    up_to: u64::MAX,
                    is_documents_only: false,
                });
            }
        }
    }
}
