//! Sessions, subscriptions and retained messages of the simulated broker. Everything is bounded: what does not fit is
//! refused, and of a session that takes nothing the oldest messages are dropped.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::domain::mqtt::filter::TopicFilter;

const MAX_SESSIONS: usize = 100;
const MAX_SUBSCRIPTIONS: usize = 1000;
/// Waiting messages of one session.
const MAX_QUEUED: usize = 1000;
/// Messages of one session that await their acknowledgement.
const MAX_IN_FLIGHT: usize = 100;
const MAX_RETAINED: usize = 10_000;

/// A message on its way to one client.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub is_retained: bool,
    /// QoS 1: to be acknowledged by this number; zero until it is sent.
    pub is_acknowledged: bool,
    pub packet_id: Option<NonZeroU16>,
    /// Whether it was sent before.
    pub is_repeated: bool,
}

/// Next step of a connection.
#[derive(Debug, PartialEq)]
pub enum Next {
    Send(Delivery),
    Wait,
    /// Another connection has taken the session over.
    TakenOver,
}

/// A connection's part in its session.
#[derive(Clone)]
pub struct Attachment {
    pub client_id: String,
    /// The session's connection with this number is the one that is attached.
    number: u64,
    /// Notified when there may be something to send.
    pub wake: Arc<Notify>,
    /// Whether the broker had the session before.
    pub is_resumed: bool,
}

#[derive(Default)]
struct ClientSession {
    is_kept: bool,
    connection: u64,
    is_connected: bool,
    wake: Arc<Notify>,
    subscriptions: BTreeMap<TopicFilter, bool>,
    queue: VecDeque<Delivery>,
    in_flight: VecDeque<Delivery>,
    last_packet_id: u16,
}

/// State of the broker.
#[derive(Default)]
pub struct Broker {
    sessions: HashMap<String, ClientSession>,
    retained: BTreeMap<String, Bytes>,
    connections: u64,
}

impl ClientSession {
    fn push(&mut self, delivery: Delivery) {
        if self.queue.len() >= MAX_QUEUED {
            self.queue.pop_front();
        }
        self.queue.push_back(delivery);
        self.wake.notify_one();
    }

    fn next_packet_id(&mut self) -> NonZeroU16 {
        self.last_packet_id = self.last_packet_id.wrapping_add(1);
        NonZeroU16::new(self.last_packet_id).unwrap_or_else(|| {
            self.last_packet_id = 1;
            NonZeroU16::MIN
        })
    }
}

impl Broker {
    /// Attaches a connection to its session, which an older connection loses. `None` when there are too many sessions.
    pub fn attach(&mut self, client_id: &str, is_clean: bool) -> Option<Attachment> {
        if is_clean && let Some(old) = self.sessions.remove(client_id) {
            old.wake.notify_one();
        }
        let is_resumed = self.sessions.contains_key(client_id);
        if !is_resumed && self.sessions.len() >= MAX_SESSIONS {
            return None;
        }
        self.connections += 1;
        let session = self.sessions.entry(client_id.to_owned()).or_default();
        session.wake.notify_one();
        session.wake = Arc::default();
        (session.is_kept, session.is_connected, session.connection) = (!is_clean, true, self.connections);
        // What was not acknowledged comes first, with its old numbers.
        for mut delivery in session.in_flight.drain(..).rev() {
            delivery.is_repeated = true;
            session.queue.push_front(delivery);
        }
        session.wake.notify_one();
        let (client_id, wake) = (client_id.to_owned(), Arc::clone(&session.wake));
        Some(Attachment { client_id, number: self.connections, wake, is_resumed })
    }

    /// The connection has ended; a session that is not kept ends with it.
    pub fn detach(&mut self, attachment: &Attachment) {
        let Some(session) = self.session(attachment) else { return };
        session.is_connected = false;
        if !session.is_kept {
            self.sessions.remove(&attachment.client_id);
        }
    }

    /// Adds a subscription and queues the retained messages of its topics. `false` when there are too many.
    pub fn subscribe(&mut self, attachment: &Attachment, filter: TopicFilter, is_acknowledged: bool) -> bool {
        let retained: Vec<_> = self
            .retained
            .iter()
            .filter(|(topic, _)| filter.matches(topic))
            .map(|(t, p)| (t.clone(), p.clone()))
            .collect();
        let Some(session) = self.session(attachment) else { return false };
        if session.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return false;
        }
        session.subscriptions.insert(filter, is_acknowledged);
        for (topic, payload) in retained {
            session.push(Delivery {
                topic: topic.into(),
                payload,
                is_retained: true,
                is_acknowledged,
                packet_id: None,
                is_repeated: false,
            });
        }
        true
    }

    /// Removes a subscription of exactly this filter, if there is one; messages already queued are still sent.
    pub fn unsubscribe(&mut self, attachment: &Attachment, filter: &TopicFilter) {
        if let Some(session) = self.session(attachment) {
            session.subscriptions.remove(filter);
        }
    }

    /// Passes a message to everybody who subscribed to its topic, once each.
    pub fn publish(&mut self, topic: &str, payload: Bytes, is_retained: bool) {
        if is_retained && payload.is_empty() {
            self.retained.remove(topic);
        } else if is_retained && (self.retained.len() < MAX_RETAINED || self.retained.contains_key(topic)) {
            self.retained.insert(topic.to_owned(), payload.clone());
        }
        let topic: Arc<str> = topic.into();
        for session in self.sessions.values_mut() {
            let granted = session.subscriptions.iter().filter(|(filter, _)| filter.matches(&topic));
            let Some(is_acknowledged) = granted.map(|(_, is_acknowledged)| *is_acknowledged).max() else {
                continue;
            };
            // A message that nobody repeats is not kept for a client that is away.
            if session.is_connected || is_acknowledged {
                session.push(Delivery {
                    topic: Arc::clone(&topic),
                    payload: payload.clone(),
                    is_retained: false,
                    is_acknowledged,
                    packet_id: None,
                    is_repeated: false,
                });
            }
        }
    }

    /// Ends a delivery by its PUBACK, which makes room for another; an unknown packet id is ignored.
    pub fn acknowledge(&mut self, attachment: &Attachment, packet_id: NonZeroU16) {
        if let Some(session) = self.session(attachment) {
            session.in_flight.retain(|delivery| delivery.packet_id != Some(packet_id));
        }
    }

    /// Returns the connection's next step.
    pub fn next(&mut self, attachment: &Attachment) -> Next {
        let Some(session) = self.session(attachment) else { return Next::TakenOver };
        if session.in_flight.len() >= MAX_IN_FLIGHT {
            return Next::Wait;
        }
        let Some(mut delivery) = session.queue.pop_front() else { return Next::Wait };
        if delivery.is_acknowledged {
            delivery.packet_id = delivery.packet_id.or_else(|| Some(session.next_packet_id()));
            session.in_flight.push_back(delivery.clone());
        }
        Next::Send(delivery)
    }

    /// The session, while this connection is the one that is attached to it.
    fn session(&mut self, attachment: &Attachment) -> Option<&mut ClientSession> {
        self.sessions.get_mut(&attachment.client_id).filter(|session| session.connection == attachment.number)
    }
}
