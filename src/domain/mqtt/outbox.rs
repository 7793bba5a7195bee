//! Messages to a client: packet ids, the messages in flight, and what waits for its turn. Pure: no I/O, no clock.

use std::collections::VecDeque;

use super::Qos;

/// A message that can be sent.
pub trait Deliverable: Clone {
    /// The quality of service with which it is delivered.
    fn qos(&self) -> Qos;
}

/// The next packet for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<M> {
    /// PUBLISH; without a packet id at QoS 0.
    Publish {
        /// Packet id.
        id: Option<u16>,
        /// Whether it was sent before, in an earlier connection.
        is_repeat: bool,
        /// The message.
        message: M,
    },
    /// PUBREL.
    Release(u16),
}

/// The client acknowledges what was not sent, or not in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPacketId;

/// Outgoing messages of a session. They are sent in the order in which they were added, and again in that order, with the
/// same packet ids, when the client comes back.
#[derive(Debug)]
pub struct Outbox<M> {
    waiting: VecDeque<M>,
    /// In the order of their first delivery.
    in_flight: VecDeque<InFlightMessage<M>>,
    last_id: u16,
    window: usize,
}

#[derive(Debug)]
struct InFlightMessage<M> {
    id: u16,
    /// `None` once the client has taken responsibility for it (PUBREC).
    message: Option<M>,
    /// Whether the current step was sent in this connection.
    is_sent: bool,
    /// Whether the message was sent in an earlier connection.
    is_repeat: bool,
}

impl<M: Deliverable> Outbox<M> {
    /// An empty outbox that sends at most `window` messages without an acknowledgement; at least one.
    pub fn new(window: u16) -> Self {
        let window = usize::from(window.max(1));
        Self { waiting: VecDeque::new(), in_flight: VecDeque::new(), last_id: 0, window }
    }

    /// Starts a new connection with the client's window: everything in flight is sent again. What waits at QoS 0 is for
    /// the connection that has ended; it is returned.
    pub fn resume(&mut self, window: u16) -> Vec<M> {
        self.window = usize::from(window.max(1));
        for flight in &mut self.in_flight {
            flight.is_repeat |= flight.is_sent;
            flight.is_sent = false;
        }
        self.take_waiting(|message| message.qos() != Qos::AtMostOnce)
    }

    /// Adds a message.
    pub fn push(&mut self, message: M) {
        self.waiting.push_back(message);
    }

    /// The messages that were not sent yet, the oldest first.
    pub fn waiting_messages(&self) -> impl Iterator<Item = &M> {
        self.waiting.iter()
    }

    /// Takes those messages out that were not sent yet and are not to be kept.
    pub fn take_waiting(&mut self, is_kept: impl Fn(&M) -> bool) -> Vec<M> {
        let waiting = std::mem::take(&mut self.waiting);
        let (kept, taken): (Vec<M>, Vec<M>) = waiting.into_iter().partition(is_kept);
        self.waiting = kept.into();
        taken
    }

    /// Number of messages that were not sent yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Every message that the client has not taken yet, the oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &M> {
        self.in_flight.iter().filter_map(|flight| flight.message.as_ref()).chain(&self.waiting)
    }

    /// Returns the next packet and notes that it is sent; `None` while the window is full or nothing waits.
    pub fn next_delivery(&mut self) -> Option<Delivery<M>> {
        let sent = self.in_flight.iter().filter(|flight| flight.is_sent).count();
        if let Some(flight) = self.in_flight.iter_mut().find(|flight| !flight.is_sent) {
            if sent >= self.window {
                return None;
            }
            flight.is_sent = true;
            return Some(match &flight.message {
                Some(message) => Delivery::Publish {
                    id: Some(flight.id),
                    is_repeat: flight.is_repeat,
                    message: message.clone(),
                },
                None => Delivery::Release(flight.id),
            });
        }
        if self.waiting.front()?.qos() == Qos::AtMostOnce {
            let message = self.waiting.pop_front()?;
            return Some(Delivery::Publish { id: None, is_repeat: false, message });
        }
        if sent >= self.window {
            return None;
        }
        let id = self.free_id()?;
        let message = self.waiting.pop_front()?;
        let flight = InFlightMessage { id, message: Some(message.clone()), is_sent: true, is_repeat: false };
        self.in_flight.push_back(flight);
        Some(Delivery::Publish { id: Some(id), is_repeat: false, message })
    }

    /// PUBACK: ends a message of QoS 1 and returns it.
    ///
    /// # Errors
    /// [`UnknownPacketId`] when no message of QoS 1 with this id was sent.
    pub fn acknowledge(&mut self, id: u16) -> Result<M, UnknownPacketId> {
        self.end(id, |flight| flight.message.as_ref().is_some_and(|m| m.qos() == Qos::AtLeastOnce))?
            .ok_or(UnknownPacketId)
    }

    /// PUBREC: the client has a message of QoS 2, which is returned; the release is the next packet. `None` when it had
    /// said so before: the release is sent again.
    ///
    /// # Errors
    /// [`UnknownPacketId`] when no message of QoS 2 with this id was sent.
    pub fn receive(&mut self, id: u16) -> Result<Option<M>, UnknownPacketId> {
        let flight = self.in_flight.iter_mut().find(|flight| flight.id == id).ok_or(UnknownPacketId)?;
        match &flight.message {
            Some(message) if message.qos() != Qos::ExactlyOnce || !flight.is_sent => Err(UnknownPacketId),
            _ => {
                flight.is_sent = false;
                Ok(flight.message.take())
            }
        }
    }

    /// PUBREC with an error: the client refuses a message of QoS 2, which ends it.
    ///
    /// # Errors
    /// The errors of [`Outbox::receive`].
    pub fn refuse(&mut self, id: u16) -> Result<Option<M>, UnknownPacketId> {
        self.end(id, |flight| flight.message.as_ref().is_none_or(|m| m.qos() == Qos::ExactlyOnce))
    }

    /// PUBCOMP: ends a released message.
    ///
    /// # Errors
    /// [`UnknownPacketId`] when no release with this id was sent.
    pub fn complete(&mut self, id: u16) -> Result<(), UnknownPacketId> {
        self.end(id, |flight| flight.message.is_none()).map(drop)
    }

    fn end(
        &mut self,
        id: u16,
        is_ended: impl FnOnce(&InFlightMessage<M>) -> bool,
    ) -> Result<Option<M>, UnknownPacketId> {
        let at = self.in_flight.iter().position(|flight| flight.id == id).ok_or(UnknownPacketId)?;
        let is_right = self.in_flight.get(at).is_some_and(|flight| flight.is_sent && is_ended(flight));
        if !is_right {
            return Err(UnknownPacketId);
        }
        self.in_flight.remove(at).map(|flight| flight.message).ok_or(UnknownPacketId)
    }

    /// The next packet id that is not in use; 0 is none.
    fn free_id(&mut self) -> Option<u16> {
        for _ in 0..=u16::MAX {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.in_flight.iter().any(|flight| flight.id == self.last_id) {
                return Some(self.last_id);
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
