//! Messages for subscribers.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::domain::mqtt::Qos;
use crate::domain::mqtt::outbox::Deliverable;

/// A message for one subscriber.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboundMessage {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    /// Whether it answers a new subscription.
    pub is_retained: bool,
    pub(super) source: MessageSource,
}

/// Source of a message, which says what its acknowledgement does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MessageSource {
    /// A message of the feed of live values, by its number in the session.
    Live(u64),
    /// A command of Instathings: its acknowledgement is the device's.
    Command(Uuid),
    /// A command of the MK platform, which the device acknowledges by a message.
    PlatformCommand(Uuid),
    /// A retained message or a document: whoever misses it is sent it with the next subscription.
    Document,
    /// A message of another client: whoever misses it is not sent it again.
    Relayed,
}

/// Memory of a message beside its topic and payload, bytes.
const OVERHEAD_BYTES: usize = 128;

impl OutboundMessage {
    /// Size of the message in the account of queues, bytes.
    pub(super) fn charge(&self) -> usize {
        self.size() + OVERHEAD_BYTES
    }

    /// Memory of the message, bytes.
    pub fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

impl Deliverable for OutboundMessage {
    fn qos(&self) -> Qos {
        self.qos
    }
}
