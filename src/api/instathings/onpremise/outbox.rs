//! Bounded queue of the packets of one session.
//!
//! A packet for every session is encoded once and shared, so a queue holds references. Its bound is what one slow client
//! keeps alive for all, not what each of them takes.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

/// Bytes of shared packets above which a client is too slow. A larger batch is still delivered to an empty queue.
const MAX_SHARED_BYTES: usize = 8 << 20;
/// Bytes of a session's own packets, which are answers to the client, above which it is too slow.
const MAX_OWN_BYTES: usize = 16 << 10;
/// Memory of a queued packet besides its text, bytes.
const PACKET_OVERHEAD: usize = 64;

/// Packets that go to every session.
#[derive(Debug)]
pub struct PacketBatch {
    packets: Vec<Utf8Bytes>,
    bytes: usize,
}

impl PacketBatch {
    /// Shares encoded packets, in the order in which every session sends them.
    pub fn new(packets: Vec<String>) -> Arc<PacketBatch> {
        let packets: Vec<Utf8Bytes> = packets.into_iter().map(Utf8Bytes::from).collect();
        let bytes = packets.iter().map(|packet| packet.len() + PACKET_OVERHEAD).sum();
        Arc::new(PacketBatch { packets, bytes })
    }
}

/// The client reads too slowly: the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// An entry of the queue.
#[derive(Debug)]
enum OutboxItem {
    Own(Utf8Bytes),
    /// The packets of a batch from this index on.
    Shared(Arc<PacketBatch>, usize),
}

/// Packets waiting for the client, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<OutboxItem>,
    shared_bytes: usize,
    own_bytes: usize,
}

impl Outbox {
    /// Whether no packet waits, so that a poll has to.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Queues an answer to the client.
    pub fn push_own(&mut self, packet: Utf8Bytes) -> Result<(), Overflow> {
        let bytes = packet.len() + PACKET_OVERHEAD;
        if self.own_bytes + bytes > MAX_OWN_BYTES {
            return Err(Overflow);
        }
        self.own_bytes += bytes;
        self.queue.push_back(OutboxItem::Own(packet));
        Ok(())
    }

    /// Queues what goes to every session.
    pub fn push_shared(&mut self, batch: &Arc<PacketBatch>) -> Result<(), Overflow> {
        if self.shared_bytes > 0 && self.shared_bytes + batch.bytes > MAX_SHARED_BYTES {
            return Err(Overflow);
        }
        if !batch.packets.is_empty() {
            self.shared_bytes += batch.bytes;
            self.queue.push_back(OutboxItem::Shared(batch.clone(), 0));
        }
        Ok(())
    }

    /// Takes packets of at most `max_bytes` together, but at least one if there is any.
    pub fn take(&mut self, max_bytes: usize) -> Vec<Utf8Bytes> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(packet) = self.first() {
            if !taken.is_empty() && bytes + packet.len() > max_bytes {
                break;
            }
            bytes += packet.len();
            taken.push(packet.clone());
            self.remove_first();
        }
        taken
    }

    /// Drops the packets of a session that has ended, unsent.
    pub fn clear(&mut self) {
        *self = Outbox::default();
    }

    fn first(&self) -> Option<&Utf8Bytes> {
        match self.queue.front()? {
            OutboxItem::Own(packet) => Some(packet),
            OutboxItem::Shared(batch, next) => batch.packets.get(*next),
        }
    }

    fn remove_first(&mut self) {
        match self.queue.front_mut() {
            Some(OutboxItem::Own(packet)) => self.own_bytes -= packet.len() + PACKET_OVERHEAD,
            Some(OutboxItem::Shared(batch, next)) if *next + 1 < batch.packets.len() => {
                *next += 1;
                return;
            }
            // The batch stays alive as a whole until its last packet is taken.
            Some(OutboxItem::Shared(batch, _)) => self.shared_bytes -= batch.bytes,
            None => return,
        }
        self.queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(texts: &[&str]) -> Arc<PacketBatch> {
        PacketBatch::new(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn packets_are_taken_in_order_within_a_size() {
        let mut outbox = Outbox::default();
        outbox.push_own("a".into()).unwrap();
        outbox.push_shared(&batch(&[])).unwrap();
        outbox.push_shared(&batch(&["bb", "cc", "dd"])).unwrap();
        outbox.push_own("e".into()).unwrap();
        let mut rounds = Vec::new();
        while !outbox.is_empty() {
            rounds.push(
                outbox.take(3).iter().map(|packet| packet.as_str().to_owned()).collect::<Vec<_>>().join(" "),
            );
        }
        assert_eq!(rounds, ["a bb", "cc", "dd e"]);
        assert_eq!((outbox.own_bytes, outbox.shared_bytes), (0, 0));
        outbox.push_own("long".into()).unwrap();
        assert_eq!(outbox.take(1).len(), 1, "at least one");
    }

    #[test]
    fn a_full_queue_overflows() {
        let mut outbox = Outbox::default();
        let long = "x".repeat(MAX_SHARED_BYTES + 1);
        outbox.push_shared(&batch(&[&long])).unwrap();
        assert_eq!(outbox.push_shared(&batch(&["x"])), Err(Overflow));
        let pongs = std::iter::repeat_with(|| outbox.push_own("3".into())).take_while(Result::is_ok).count();
        assert!((200..=300).contains(&pongs), "{pongs}");
        outbox.clear();
        assert!(outbox.is_empty() && outbox.push_own("3".into()).is_ok());
    }
}
