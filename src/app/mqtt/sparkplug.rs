//! Sparkplug at our own listener: edge nodes and hosts of one organization talk to each other through it.
//!
//! Rights are those of keys as a whole. What an edge node publishes belongs to no device until a host collects it, so a
//! client that is restricted to some devices has no part in it.

use std::sync::Arc;

use super::message::{MessageSource, OutboundMessage};
use super::publish::Publication;
use super::registry::SessionEviction;
use super::relay::{RelayFilters, RelayedMessage};
use super::session::{MqttSession, SessionEvent};
use super::{MqttPublisher, access};
use crate::collect::mqtt::sparkplug::topic::{Direction, NAMESPACE};
use crate::domain::mqtt::{Qos, Subscription, topic};
use crate::domain::{Principal, Result};

/// Whether a filter is of this namespace. Filters that begin with a wildcard are not.
fn is_of_sparkplug(filter: &str) -> bool {
    filter.split('/').next() == Some(NAMESPACE)
}

impl MqttPublisher {
    /// Hands a message on to the subscribers that are connected.
    ///
    /// # Errors
    /// The errors of [`access::require_sparkplug_publisher`] and [`super::relay::Relay::publish`].
    pub(super) fn publish_to_sparkplug(
        &self,
        who: &Principal,
        direction: Direction,
        publication: &Publication,
    ) -> Result<()> {
        access::require_sparkplug_publisher(who, direction)?;
        let Publication { topic: name, payload, qos, is_retained } = publication;
        let message = RelayedMessage { topic: name.as_str().into(), payload: payload.clone(), qos: *qos };
        self.state.relay.publish(who.org, direction, message, *is_retained)
    }
}

impl MqttSession {
    /// Receives what the subscriptions match from now on, or nothing.
    pub(super) fn follow_sparkplug(&mut self) {
        let filters = self.sparkplug_filters();
        if filters == RelayFilters::default() {
            self.relayed = None;
        } else if let Some(relayed) = &self.relayed {
            relayed.set_filters(filters);
        } else {
            self.relayed = Some(self.broker.state.relay.subscribe(self.principal().org, filters));
        }
    }

    fn sparkplug_filters(&self) -> RelayFilters {
        // The rights may have changed since a session that goes on had subscribed.
        if !access::may_follow_sparkplug(self.principal()) {
            return RelayFilters::default();
        }
        let own = self.subscriptions.iter().map(|known| &known.filter);
        let all: Vec<String> = own.filter(|filter| is_of_sparkplug(filter)).cloned().collect();
        let from_edge = all.iter().filter(|filter| Direction::may_be_from_edge(filter)).cloned().collect();
        RelayFilters { from_edge, all }
    }

    /// Queues a message, or ends the session when some were lost.
    pub(super) fn queue_relayed(&mut self, message: Option<Arc<RelayedMessage>>) -> SessionEvent {
        match message {
            Some(message) => {
                self.queue_sparkplug(&message, false);
                SessionEvent::Queued
            }
            None => {
                self.broker.state.counters.count_overflow();
                SessionEvent::End(SessionEviction::Overflow)
            }
        }
    }

    /// Queues the next retained states of hosts, after a topic, that the filters of new subscriptions match. Returns the
    /// topic of the last that was looked at; `None` when there are no more.
    pub(super) fn queue_host_states(
        &mut self,
        filters: &[&str],
        last: Option<&str>,
        most: usize,
    ) -> Option<Arc<str>> {
        let own: Vec<&str> = filters.iter().copied().filter(|filter| is_of_sparkplug(filter)).collect();
        if own.is_empty() || !access::may_follow_sparkplug(self.principal()) {
            return None;
        }
        let states = self.broker.state.relay.states_after(self.principal().org, last, most);
        for message in &states {
            if own.iter().any(|filter| topic::matches(filter, &message.topic)) {
                self.queue_sparkplug(message, true);
            }
        }
        states.last().map(|message| message.topic.clone())
    }

    fn queue_sparkplug(&mut self, message: &RelayedMessage, is_retained: bool) {
        // A filter may have gone while the message waited.
        let wanted = |known: &Subscription| is_of_sparkplug(&known.filter);
        let Some(qos) = self.qos_of(&message.topic, wanted) else { return };
        let (topic, payload) = (message.topic.clone(), message.payload.clone());
        let qos: Qos = qos.min(message.qos);
        self.queue(OutboundMessage { topic, payload, qos, is_retained, source: MessageSource::Relayed });
    }
}
