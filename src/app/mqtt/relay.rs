//! Hands messages of Sparkplug on to the subscribers of their organization. Nothing of it is stored: edge nodes send their
//! data once, sessions of hosts and edge nodes are clean (Sparkplug 3.0, sections 5.3 and 5.4), and a host asks for births
//! when it has missed something.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::collect::mqtt::sparkplug::topic::Direction;
use crate::domain::mqtt::{Qos, topic};
use crate::domain::{Error, Kind, OrgId, Result};

/// Messages that wait for one subscriber.
const MAX_WAITING: usize = 4096;
/// Memory of the messages that wait for one subscriber, bytes.
const MAX_WAITING_BYTES: usize = 8 << 20;
/// Hosts of an organization whose state is retained.
const MAX_HOSTS: usize = 1000;
/// Size of a host's state. The standard has some 50 bytes.
const MAX_STATE_BYTES: usize = 4096;

/// A message on its way to subscribers.
#[derive(Debug, PartialEq)]
pub(super) struct RelayedMessage {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
}

impl RelayedMessage {
    fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

/// Filters of a subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RelayFilters {
    /// Filters that can match messages of edge nodes.
    pub from_edge: Vec<String>,
    /// All, for commands and states of hosts.
    pub all: Vec<String>,
}

impl RelayFilters {
    fn match_topic(&self, direction: Direction, name: &str) -> bool {
        let filters = match direction {
            Direction::FromEdge => &self.from_edge,
            Direction::ToEdge | Direction::HostState => &self.all,
        };
        filters.iter().any(|filter| topic::matches(filter, name))
    }
}

/// The subscribers of every organization.
#[derive(Default)]
pub(super) struct Relay {
    orgs: Mutex<HashMap<OrgId, OrgRelay>>,
}

#[derive(Default)]
struct OrgRelay {
    subscribers: BTreeMap<u64, Subscriber>,
    last_id: u64,
    /// The last state of each host, by topic.
    states: BTreeMap<Arc<str>, Arc<RelayedMessage>>,
}

struct Subscriber {
    filters: RelayFilters,
    sender: mpsc::Sender<Arc<RelayedMessage>>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Subscriber {
    /// `false` when the subscriber has fallen too far behind.
    fn send(&self, message: &Arc<RelayedMessage>) -> bool {
        let size = message.size();
        let before = self.waiting_bytes.fetch_add(size, Ordering::Relaxed);
        before + size <= MAX_WAITING_BYTES && self.sender.try_send(message.clone()).is_ok()
    }
}

impl Relay {
    /// Hands a message on. A subscriber that has no room for it gets nothing more: its feed ends.
    ///
    /// # Errors
    /// For a state that is to be retained: `TooLarge`, and `LimitReached` when the organization has too many hosts.
    pub fn publish(
        &self,
        org: OrgId,
        direction: Direction,
        message: RelayedMessage,
        is_retained: bool,
    ) -> Result<()> {
        let mut orgs = self.orgs.lock();
        let relay = orgs.entry(org).or_default();
        let message = Arc::new(message);
        if is_retained && direction == Direction::HostState {
            relay.keep_state(&message)?;
            if message.payload.is_empty() {
                return Ok(());
            }
        }
        relay.subscribers.retain(|_, subscriber| {
            !subscriber.filters.match_topic(direction, &message.topic) || subscriber.send(&message)
        });
        Ok(())
    }

    /// Subscribes: everything that is published from now on and that the filters match.
    pub fn subscribe(self: &Arc<Self>, org: OrgId, filters: RelayFilters) -> RelaySubscription {
        let (sender, messages) = mpsc::channel(MAX_WAITING);
        let waiting_bytes = Arc::default();
        let mut orgs = self.orgs.lock();
        let relay = orgs.entry(org).or_default();
        relay.last_id += 1;
        let id = relay.last_id;
        let subscriber = Subscriber { filters, sender, waiting_bytes: Arc::clone(&waiting_bytes) };
        relay.subscribers.insert(id, subscriber);
        RelaySubscription { relay: self.clone(), org, id, messages, waiting_bytes }
    }

    /// The next states of hosts after a topic, in the order of their topics.
    pub fn states_after(&self, org: OrgId, last: Option<&str>, most: usize) -> Vec<Arc<RelayedMessage>> {
        let orgs = self.orgs.lock();
        let Some(relay) = orgs.get(&org) else { return Vec::new() };
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        let states = relay.states.range::<str, _>((start, Bound::Unbounded));
        states.take(most).map(|(_, message)| message.clone()).collect()
    }

    /// The states of hosts that a filter matches.
    #[cfg(test)]
    pub fn states(&self, org: OrgId, filter: &str) -> Vec<Arc<RelayedMessage>> {
        let orgs = self.orgs.lock();
        let states = orgs.get(&org).into_iter().flat_map(|relay| &relay.states);
        states.filter(|(name, _)| topic::matches(filter, name)).map(|(_, message)| message.clone()).collect()
    }
}

impl OrgRelay {
    /// An empty payload removes the state.
    fn keep_state(&mut self, message: &Arc<RelayedMessage>) -> Result<()> {
        if message.payload.is_empty() {
            self.states.remove(&message.topic);
            return Ok(());
        }
        if message.payload.len() > MAX_STATE_BYTES {
            let problem = format!("the state of a host has at most {MAX_STATE_BYTES} bytes");
            return Err(Error::new(Kind::TooLarge, problem));
        }
        if self.states.len() >= MAX_HOSTS && !self.states.contains_key(&message.topic) {
            let problem = format!("the organization has the states of {MAX_HOSTS} Sparkplug hosts");
            return Err(Error::new(Kind::LimitReached, problem));
        }
        self.states.insert(message.topic.clone(), message.clone());
        Ok(())
    }
}

/// A subscriber's messages. Dropping it ends the subscription.
pub(super) struct RelaySubscription {
    relay: Arc<Relay>,
    org: OrgId,
    id: u64,
    messages: mpsc::Receiver<Arc<RelayedMessage>>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl RelaySubscription {
    /// The next message; `None` when some were lost, because the subscriber had no room for them.
    pub async fn next(&mut self) -> Option<Arc<RelayedMessage>> {
        let message = self.messages.recv().await?;
        self.waiting_bytes.fetch_sub(message.size(), Ordering::Relaxed);
        Some(message)
    }

    /// Changes what is received from now on.
    pub fn set_filters(&self, filters: RelayFilters) {
        let mut orgs = self.relay.orgs.lock();
        let subscriber = orgs.get_mut(&self.org).and_then(|relay| relay.subscribers.get_mut(&self.id));
        // Without one, messages were lost and the session ends.
        if let Some(subscriber) = subscriber {
            subscriber.filters = filters;
        }
    }
}

impl Drop for RelaySubscription {
    fn drop(&mut self) {
        if let Some(relay) = self.relay.orgs.lock().get_mut(&self.org) {
            relay.subscribers.remove(&self.id);
        }
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
