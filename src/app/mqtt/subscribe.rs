//! Subscriptions of a session: what is granted, and from where its live values go on.

use std::collections::HashSet;

use futures::StreamExt;

use super::access::Grant;
use super::retained;
use super::retained_pass::RetainedRequest;
use super::session::{MqttSession, StreamTopic, ValueFeed};
use super::topics::{CONTROL_TREE, OWN_TREE, PLATFORM_TREE};
use crate::app::live::values::{LiveQuery, LiveStart};
use crate::domain::companion::Companion;
use crate::domain::mqtt::{MqttChange, Qos, StoredSession, Subscription, topic};
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{DeviceId, Kind, Resource, Result, Scope, StreamId};

/// Maximum subscriptions of a session.
const MAX_SUBSCRIPTIONS: usize = 1000;
/// Maximum bytes of a session's filters.
const MAX_FILTER_BYTES: usize = 128 << 10;

/// When a subscriber is sent retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetainHandling {
    Always,
    /// Only if the subscription is new.
    IfNew,
    Never,
}

/// A requested subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribeRequest {
    pub filter: String,
    pub qos: Qos,
    pub retain: RetainHandling,
}

impl MqttSession {
    /// Subscribes, and returns what is granted in the order of the requests. Retained messages and waiting commands are
    /// queued. What a session must remember is durable when this returns. Subscriptions that cannot be followed or stored
    /// are refused; those that were there before stay.
    pub async fn subscribe(&mut self, requests: Vec<SubscribeRequest>) -> Vec<Grant> {
        if requests.len() > MAX_SUBSCRIPTIONS {
            return vec![Grant::TooMany; requests.len()];
        }
        let before = self.subscriptions.clone();
        let known: HashSet<&str> = before.iter().map(|known| known.filter.as_str()).collect();
        let who = self.principal().clone();
        let mut grants = Vec::with_capacity(requests.len());
        let mut retained = Vec::new();
        for SubscribeRequest { filter, qos, retain } in requests {
            let mut grant = self.broker.access.grant(&who, &filter, qos);
            if let Grant::Granted(qos) = grant {
                let is_wanted = match retain {
                    RetainHandling::Always => true,
                    RetainHandling::IfNew => !known.contains(filter.as_str()),
                    RetainHandling::Never => false,
                };
                if !self.put(Subscription { filter: filter.clone(), qos }) {
                    grant = Grant::TooMany;
                } else if is_wanted {
                    retained.push((filter, qos));
                }
            }
            grants.push(grant);
        }
        drop(known);
        if let Err(error) = self.follow_and_store().await {
            // There are too many feeds.
            let is_full = matches!(error.kind, Kind::Throttled | Kind::Busy);
            if !is_full {
                tracing::warn!(error = error.full_message(), "a client of MQTT cannot subscribe");
            }
            let refused = if is_full { Grant::TooMany } else { Grant::Unavailable };
            self.subscriptions = before;
            self.stored_session();
            self.narrow().await;
            let answer = |grant| if matches!(grant, Grant::Granted(_)) { refused } else { grant };
            return grants.into_iter().map(answer).collect();
        }
        // After the feed was opened: what is retained from now on comes with the feed, and what was before is found here.
        let up_to = self.broker.state.retained.read().last_number();
        for (filter, qos) in retained {
            self.memory.retained.request(RetainedRequest { filter, qos, up_to, is_documents_only: false });
        }
        self.look_for_commands();
        grants
    }

    /// Ends subscriptions, and returns for each whether there was one. Nothing that they matched alone is queued any more,
    /// also when this returns an error.
    ///
    /// # Errors
    /// `Unavailable` when the session cannot be stored: after a crash the subscriptions would be there again.
    pub async fn unsubscribe(&mut self, filters: &[String]) -> Result<Vec<bool>> {
        let mut were_there = Vec::with_capacity(filters.len());
        for filter in filters {
            let before = self.subscriptions.len();
            self.subscriptions.retain(|known| known.filter != *filter);
            were_there.push(self.subscriptions.len() < before);
            self.memory.retained.forget(filter);
        }
        self.narrow().await;
        self.store().await?;
        Ok(were_there)
    }

    /// Adds or replaces a subscription; `false` when the session has too many.
    fn put(&mut self, new: Subscription) -> bool {
        if let Some(known) = self.subscriptions.iter_mut().find(|known| known.filter == new.filter) {
            *known = new;
            return true;
        }
        let bytes: usize = self.subscriptions.iter().map(|known| known.filter.len()).sum();
        let has_room = self.subscriptions.len() < MAX_SUBSCRIPTIONS
            && bytes + new.filter.len() <= MAX_FILTER_BYTES
            && !self.broker.state.queues.is_over(self.principal().org);
        if has_room {
            self.subscriptions.push(new);
        }
        has_room
    }

    /// Follows what the subscriptions need. Live values go on after the last one that was fetched, so that a change of
    /// the subscriptions loses none. When this fails, what was followed before still is.
    pub(super) async fn follow(&mut self) -> Result<()> {
        self.release_unneeded();
        self.follow_platform()?;
        let who = self.principal().clone();
        if self.needs_commands() && self.new_commands.is_none() {
            self.new_commands = Some(self.broker.store.catalog().commands.subscribe_command_changes(&who));
        }
        if !self.needs_values() {
            return Ok(());
        }
        if self.feed_permit.is_none() {
            let is_shared = self.broker.store.catalog().orgs.org_count() > 1;
            self.feed_permit = Some(self.broker.state.feeds.acquire(&who, is_shared)?);
        }
        let is_queued = self.subscriptions.iter().any(|known| known.qos != Qos::AtMostOnce);
        let fetched = self.memory.progress.fetched.clone().filter(|_| is_queued);
        let start = fetched.map_or(LiveStart::Now, LiveStart::After);
        match self.open_value_feed(start).await {
            // The position is of another time: it is followed from now on.
            Err(error) if error.kind == Kind::Invalid => self.open_value_feed(LiveStart::Now).await,
            opened => opened,
        }
    }

    /// Stops following what no subscription needs any more. This cannot fail: a feed that cannot be made narrower now stays
    /// as it is until the subscriptions change again, and of its values only those are sent that a subscription matches.
    async fn narrow(&mut self) {
        self.release_unneeded();
        let wanted = self.wanted_devices();
        let Some(fetched) = self.memory.progress.fetched.clone() else { return };
        if self.live.as_ref().is_none_or(|live| live.wanted == wanted) {
            return;
        }
        if let Err(error) = self.open_value_feed(LiveStart::After(fetched)).await {
            let caller = self.principal().caller.to_string();
            tracing::debug!(%caller, error = error.full_message(), "a feed of live values stays wider than needed");
        }
    }

    /// Drops what no subscription needs any more.
    fn release_unneeded(&mut self) {
        self.topics.clear();
        self.release_platform();
        self.follow_sparkplug();
        if !self.needs_commands() {
            self.new_commands = None;
        }
        if !self.needs_values() {
            self.live = None;
            self.feed_permit = None;
        }
    }

    fn needs_values(&self) -> bool {
        (self.has_filter_of(OWN_TREE) || self.has_filter_of(PLATFORM_TREE))
            && self.principal().require(Scope::read(Resource::Value)).is_ok()
    }

    fn needs_commands(&self) -> bool {
        self.has_filter_of(CONTROL_TREE) || self.has_filter_of(PLATFORM_TREE)
    }

    /// Whether a filter may match topics of this tree. Commands are for filters that name their tree.
    fn has_filter_of(&self, tree: &str) -> bool {
        self.subscriptions.iter().any(|known| {
            let first = known.filter.split('/').next().unwrap_or_default();
            first == tree || (tree != CONTROL_TREE && matches!(first, "+" | "#"))
        })
    }

    /// Opens the feed of the values that the subscriptions need. It takes the place of the one before, which stays when
    /// this fails.
    async fn open_value_feed(&mut self, start: LiveStart) -> Result<()> {
        let wanted = self.wanted_devices();
        let query = LiveQuery { wanted: wanted.clone(), start, max_rate: None };
        let mut feed = self.broker.feeds.open_feed(&self.credential, query, None).await?;
        // The first message has no readings, only the position from which on nothing is missed.
        if let Some(first) = feed.next().await {
            self.memory.progress.fetch(first?.cursor, 0);
        }
        self.live = Some(ValueFeed { feed, wanted });
        Ok(())
    }

    /// The devices that the filters name, or everything when one has a wildcard or names a device that is not there yet.
    fn wanted_devices(&self) -> SubscriptionFilter {
        let own = self.subscriptions.iter().map(|known| known.filter.split('/').collect::<Vec<_>>());
        let mut devices: Vec<DeviceId> = Vec::new();
        for levels in own {
            let name = match levels.as_slice() {
                [OWN_TREE, name, ..] => name,
                // Documents and commands, no values.
                [PLATFORM_TREE, "gateways", ..] => continue,
                [PLATFORM_TREE, "readings", _, name, ..] => name,
                [OWN_TREE | PLATFORM_TREE | "+" | "#", ..] => return SubscriptionFilter::default(),
                _ => continue,
            };
            if topic::has_wildcards(name) {
                return SubscriptionFilter::default();
            }
            let found = self.broker.access.named_device(self.principal(), name);
            let seen = found.filter(|device| {
                self.broker.store.catalog().devices.device(self.principal(), device.id).is_ok()
            });
            let Some(device) = seen else { return SubscriptionFilter::default() };
            devices.push(device.id);
        }
        devices.sort_unstable();
        devices.dedup();
        SubscriptionFilter { devices: Some(devices), ..SubscriptionFilter::default() }
    }

    /// Follows the subscriptions and stores them.
    async fn follow_and_store(&mut self) -> Result<()> {
        self.follow().await?;
        self.store().await
    }

    /// Stores the subscriptions of a session that outlives its connection.
    async fn store(&mut self) -> Result<()> {
        match self.stored_session() {
            Some(stored) => self.broker.state.journal.record(MqttChange::PutSession(stored)).await,
            None => Ok(()),
        }
    }

    /// The session as it is now, if it outlives its connection.
    fn stored_session(&self) -> Option<StoredSession> {
        let mut registry = self.broker.state.sessions.lock();
        let slot = registry.of_connection(&self.key, self.connection)?;
        slot.stored.subscriptions = self.subscriptions.clone();
        slot.stored.cursor = self.memory.progress.acknowledged.lock().clone();
        slot.charge.set(slot.stored.size());
        slot.is_persisted.then(|| slot.stored.clone())
    }

    /// The topic and quality of service of a stream's values; `None` when no subscription matches.
    pub(super) fn topic_of(&mut self, id: StreamId) -> Option<StreamTopic> {
        if let Some(known) = self.topics.get(&id) {
            return known.clone();
        }
        let found = self.find_topic(id);
        self.topics.insert(id, found.clone());
        found
    }

    fn find_topic(&self, id: StreamId) -> Option<StreamTopic> {
        let (catalog, who) = (self.broker.store.catalog(), self.principal());
        let stream = catalog.streams.stream(who, id).ok()?;
        let device = catalog.devices.device(who, stream.spec.device).ok()?;
        let name = stream.spec.name.trim_matches('/');
        let topics = retained::names(&device).into_iter().map(|own| format!("{OWN_TREE}/{own}/{name}"));
        let (kind, uuid) = (stream.spec.kind, stream.uuid);
        if let Some((topic, qos)) = self.best(topics) {
            return Some(StreamTopic { topic: topic.into(), qos, kind, sensor: None });
        }
        // Companions hold what is no reading of a sensor.
        let is_sensor = Companion::of(&stream.spec).is_none();
        let org = self.broker.access.control.org_uuid(who).ok().filter(|_| is_sensor)?;
        let topic = format!("{PLATFORM_TREE}/readings/{org}/{}", device.aliases.uuid);
        let qos = self.qos_of(&topic, |_| true)?;
        Some(StreamTopic { topic: topic.into(), qos, kind, sensor: Some(uuid) })
    }

    /// The first of some names of one topic that a subscription matches, with the highest granted quality of service.
    fn best(&self, topics: impl Iterator<Item = String>) -> Option<(String, Qos)> {
        for name in topics.filter(|name| topic::name_problem(name).is_none()) {
            let matching = self.subscriptions.iter().filter(|known| topic::matches(&known.filter, &name));
            if let Some(qos) = matching.map(|known| known.qos).max() {
                return Some((name, qos));
            }
        }
        None
    }
}
