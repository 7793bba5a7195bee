//! Bounded queue between the connection to a broker and the collector. While it is full the connection is not read,
//! and the broker keeps further messages.

use std::collections::VecDeque;
use std::mem::{size_of, take};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::wire::{PacketId, Publication};
use crate::collect::fault::DeviceFault;
use crate::domain::Micros;

/// Messages in the queue before reading the connection pauses.
const MAX_MESSAGES: usize = 10_000;
/// Memory of these messages. The message that reaches the limit is queued too.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A message and its time of receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub publication: Publication,
    pub received_at: Micros,
}

/// Messages of one connection, and the acknowledgements that it is to send.
#[derive(Default)]
pub struct Inbox {
    inner: Mutex<Inner>,
    arrived: Notify,
    /// Notified when there is room again, or something to acknowledge.
    taken: Notify,
}

#[derive(Default)]
struct Inner {
    messages: VecDeque<Message>,
    bytes: usize,
    to_acknowledge: Vec<PacketId>,
    /// Why the connection has ended, if it has.
    ended: Option<DeviceFault>,
}

impl Inner {
    fn has_room(&self) -> bool {
        self.messages.len() < MAX_MESSAGES && self.bytes < MAX_BYTES
    }
}

fn memory(message: &Message) -> usize {
    let payload = message.publication.payload.as_ref().map_or(0, Vec::len);
    size_of::<Message>() + message.publication.topic.len() + payload
}

impl Inbox {
    /// Queues a message, even beyond the limits: `has_room` is checked before the connection is read.
    pub fn push(&self, message: Message) {
        {
            let mut inner = self.inner.lock();
            inner.bytes += memory(&message);
            inner.messages.push_back(message);
        }
        self.arrived.notify_one();
    }

    /// The connection has ended. Messages that cannot be acknowledged any more are dropped: the broker sends them
    /// again, and they would be stored twice.
    pub fn end(&self, fault: DeviceFault) {
        {
            let mut inner = self.inner.lock();
            inner.messages.retain(|message| message.publication.packet_id.is_none());
            inner.bytes = inner.messages.iter().map(memory).sum();
            inner.ended.get_or_insert(fault);
        }
        self.arrived.notify_one();
    }

    /// Takes the oldest message.
    pub fn pop(&self) -> Option<Message> {
        let mut inner = self.inner.lock();
        let had_room = inner.has_room();
        let message = inner.messages.pop_front()?;
        inner.bytes = inner.bytes.saturating_sub(memory(&message));
        if !had_room && inner.has_room() {
            self.taken.notify_one();
        }
        Some(message)
    }

    /// Resolves when there is a message or the connection has ended. May resolve once more after everything was taken.
    pub async fn wait_nonempty(&self) {
        if self.is_empty() {
            self.arrived.notified().await;
        }
    }

    fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.messages.is_empty() && inner.ended.is_none()
    }

    /// Why the connection has ended; `None` while it is open.
    pub fn ended(&self) -> Option<DeviceFault> {
        self.inner.lock().ended.clone()
    }

    /// Has these messages acknowledged, in this order.
    pub fn acknowledge(&self, packets: Vec<PacketId>) {
        if !packets.is_empty() {
            self.inner.lock().to_acknowledge.extend(packets);
            self.taken.notify_one();
        }
    }

    /// Whether the connection may be read: neither `MAX_MESSAGES` nor `MAX_BYTES` is reached.
    pub fn has_room(&self) -> bool {
        self.inner.lock().has_room()
    }

    /// Resolves when there may be something to acknowledge, or room again.
    pub async fn changed(&self) {
        self.taken.notified().await;
    }

    /// Takes the messages to acknowledge.
    pub fn take_acknowledged(&self) -> Vec<PacketId> {
        take(&mut self.inner.lock().to_acknowledge)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn message(packet_id: u16, payload: usize) -> Message {
        let publication = Publication {
            topic: "a".to_owned(),
            payload: Ok(vec![0; payload]),
            packet_id: PacketId::new(packet_id),
            is_retained: false,
        };
        Message { publication, received_at: Micros(0) }
    }

    fn lost() -> DeviceFault {
        DeviceFault::Closed { address: "broker:1883".into(), reason: "closed by the device".into() }
    }

    #[test]
    fn messages_are_taken_in_order_and_make_room() {
        let inbox = Inbox::default();
        let mut count = 0;
        while inbox.has_room() {
            count += 1;
            inbox.push(message(count, 1024 * 1024));
        }
        assert_eq!(count, 8, "of a megabyte each");
        assert!(inbox.changed().now_or_never().is_none());
        assert_eq!(inbox.pop().unwrap().publication.packet_id, PacketId::new(1));
        assert!(inbox.has_room() && inbox.changed().now_or_never().is_some());
    }

    #[test]
    fn what_cannot_be_acknowledged_ends_with_the_connection() {
        let inbox = Inbox::default();
        for id in [1, 0, 2] {
            inbox.push(message(id, 1));
        }
        inbox.end(lost());
        assert_eq!(inbox.pop(), Some(message(0, 1)));
        assert_eq!((inbox.pop(), inbox.ended()), (None, Some(lost())));
        assert!(inbox.wait_nonempty().now_or_never().is_some(), "the end is an event");
    }

    #[test]
    fn acknowledgements_keep_their_order() {
        let inbox = Inbox::default();
        let ids: Vec<_> = [3, 1, 2].into_iter().filter_map(PacketId::new).collect();
        inbox.acknowledge(ids[..2].to_vec());
        inbox.acknowledge(ids[2..].to_vec());
        assert!(inbox.changed().now_or_never().is_some());
        assert_eq!(inbox.take_acknowledged(), ids);
        assert!(inbox.take_acknowledged().is_empty());
    }
}
