//! Retained messages: the last one of each topic of `basalt/…`, and of each document of a device of the MK platform, that
//! was published with the retain flag.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;

use super::message::{MessageSource, OutboundMessage};
use super::topics::{OWN_TREE, Route};
use crate::app::App;
use crate::domain::device::Device;
use crate::domain::mqtt::{MqttChange, Qos, RetainedMessage, topic};
use crate::domain::{Error, Kind, Micros, OrgId, Principal, Result};

/// Maximum retained messages of an organization.
const MAX_MESSAGES: usize = 100_000;
/// Maximum memory of an organization's retained messages, bytes.
const MAX_BYTES: usize = 32 << 20;

/// Every retained message, by organization and topic.
#[derive(Default)]
pub(super) struct RetainedIndex {
    by_topic: BTreeMap<(OrgId, String), RetainedTopic>,
    /// Number and bytes of an organization's messages.
    usage: HashMap<OrgId, (usize, usize)>,
    last_number: u64,
}

/// The messages of a topic: the durable one, and those whose values are being written.
#[derive(Default)]
struct RetainedTopic {
    kept: Option<Arc<RetainedMessage>>,
    /// By the order of their arrival.
    announced: Vec<(u64, Arc<RetainedMessage>)>,
}

impl RetainedTopic {
    /// What new subscribers are sent.
    fn newest(&self) -> Option<&Arc<RetainedMessage>> {
        self.announced.last().map(|(_, message)| message).or(self.kept.as_ref())
    }

    fn is_empty(&self) -> bool {
        self.kept.is_none() && self.announced.is_empty()
    }
}

impl RetainedIndex {
    pub(super) fn len(&self) -> usize {
        self.by_topic.len()
    }

    /// Puts a message in the place of everything that its topic has.
    pub(super) fn put(&mut self, message: RetainedMessage) {
        self.remove(message.org, &message.topic);
        let number = self.announce(message.clone());
        self.keep(message.org, &message.topic, number);
    }

    /// Shows a message to new subscribers until it is kept or withdrawn, and returns its number.
    fn announce(&mut self, message: RetainedMessage) -> u64 {
        self.last_number += 1;
        let usage = self.usage.entry(message.org).or_default();
        *usage = (usage.0 + 1, usage.1 + size_of(&message));
        let topic = self.by_topic.entry((message.org, message.topic.clone())).or_default();
        topic.announced.push((self.last_number, Arc::new(message)));
        self.last_number
    }

    /// Keeps an announced message instead of all that came before it. Returns what the topic keeps now: nothing, or another
    /// message, where one that came later was faster.
    fn keep(&mut self, org: OrgId, topic: &str, number: u64) -> Option<Arc<RetainedMessage>> {
        let known = self.by_topic.get_mut(&(org, topic.to_owned()))?;
        if let Some(at) = known.announced.iter().position(|(of, _)| *of == number) {
            let mut gone: Vec<_> = known.announced.drain(..=at).map(|(_, message)| message).collect();
            let newest = gone.pop();
            gone.extend(std::mem::replace(&mut known.kept, newest));
            let kept = known.kept.clone();
            gone.iter().for_each(|message| self.release(message));
            return kept;
        }
        known.kept.clone()
    }

    /// Takes an announced message back, unless it was kept or removed.
    fn withdraw(&mut self, org: OrgId, topic: &str, number: u64) {
        let key = (org, topic.to_owned());
        let Some(known) = self.by_topic.get_mut(&key) else { return };
        let Some(at) = known.announced.iter().position(|(of, _)| *of == number) else { return };
        let (_, message) = known.announced.remove(at);
        if known.is_empty() {
            self.by_topic.remove(&key);
        }
        self.release(&message);
    }

    /// Returns whether there was one.
    pub(super) fn remove(&mut self, org: OrgId, topic: &str) -> bool {
        let Some(old) = self.by_topic.remove(&(org, topic.to_owned())) else { return false };
        let messages = old.announced.iter().map(|(_, message)| message).chain(&old.kept);
        messages.for_each(|message| self.release(message));
        true
    }

    fn release(&mut self, message: &RetainedMessage) {
        if let Some(usage) = self.usage.get_mut(&message.org) {
            *usage = (usage.0.saturating_sub(1), usage.1.saturating_sub(size_of(message)));
        }
    }

    /// Whether an organization may retain so many more bytes.
    fn has_room(&self, org: OrgId, bytes: usize) -> bool {
        let (count, used) = self.usage.get(&org).copied().unwrap_or_default();
        count < MAX_MESSAGES && used + bytes <= MAX_BYTES
    }

    /// The messages of an organization whose topics begin with this text.
    fn starting_with<'a>(
        &'a self,
        org: OrgId,
        text: &'a str,
    ) -> impl Iterator<Item = &'a Arc<RetainedMessage>> {
        let all = self.by_topic.range((org, text.to_owned())..);
        let own = all.take_while(move |((of, topic), _)| *of == org && topic.starts_with(text));
        own.filter_map(|(_, topic)| topic.newest())
    }
}

/// A message that new subscribers are sent while its value is being written. Dropping it takes the message back, unless it
/// was kept.
pub(super) struct AnnouncedMessage<'a> {
    index: &'a RwLock<RetainedIndex>,
    org: OrgId,
    topic: String,
    number: u64,
}

impl<'a> AnnouncedMessage<'a> {
    pub(super) fn new(index: &'a RwLock<RetainedIndex>, message: RetainedMessage) -> Self {
        let (org, topic) = (message.org, message.topic.clone());
        let number = index.write().announce(message);
        Self { index, org, topic, number }
    }
}

impl Drop for AnnouncedMessage<'_> {
    fn drop(&mut self) {
        self.index.write().withdraw(self.org, &self.topic, self.number);
    }
}

fn size_of(message: &RetainedMessage) -> usize {
    message.topic.len() + message.payload.len()
}

/// The names under which a device's topics exist: its external id, where that is a level of a topic, its UUID and its key.
pub(super) fn names(device: &Device) -> Vec<String> {
    let aliases = &device.aliases;
    let external = Some(&aliases.external_id).filter(|name| is_level(name)).cloned();
    external.into_iter().chain([aliases.uuid.to_string(), aliases.key.clone()]).collect()
}

/// Whether a name can be one level of a topic.
fn is_level(name: &str) -> bool {
    !name.contains('/') && topic::name_problem(name).is_none()
}

impl App {
    /// Checks that a message may be retained.
    ///
    /// # Errors
    /// `LimitReached` when the organization has too many.
    pub(super) fn check_retained_room(&self, who: &Principal, topic: &str, payload: &[u8]) -> Result<()> {
        let bytes = topic.len() + payload.len();
        if payload.is_empty() || self.mqtt.retained.read().has_room(who.org, bytes) {
            return Ok(());
        }
        Err(Error::new(Kind::LimitReached, "the organization retains too many messages"))
    }

    /// Shows a message to new subscribers from now on. Who subscribes after that is sent it, and who has subscribed before is
    /// sent its value, which is written next.
    pub(super) fn announce_retained(&self, message: RetainedMessage) -> AnnouncedMessage<'_> {
        AnnouncedMessage::new(&self.mqtt.retained, message)
    }

    /// Keeps a message whose value is written. It is durable when this returns.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be written.
    pub(super) async fn keep_retained(&self, message: AnnouncedMessage<'_>) -> Result<()> {
        let stored = {
            let mut index = self.mqtt.retained.write();
            let kept = index.keep(message.org, &message.topic, message.number);
            // Inside of the lock, so that the catalog learns of changes in the order of the index.
            self.mqtt.journal.record(match kept {
                Some(kept) => MqttChange::PutRetained(RetainedMessage::clone(&kept)),
                None => MqttChange::RemoveRetained(message.org, message.topic.clone()),
            })
        };
        stored.await
    }

    /// Removes the retained message of a topic. That is durable when this returns.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be written.
    pub(super) async fn remove_retained(&self, org: OrgId, topic: String) -> Result<()> {
        let stored = {
            let mut index = self.mqtt.retained.write();
            let was_there = index.remove(org, &topic);
            was_there.then(|| self.mqtt.journal.record(MqttChange::RemoveRetained(org, topic)))
        };
        match stored {
            Some(stored) => stored.await,
            None => Ok(()),
        }
    }

    /// What begins the canonical topic of every message that a filter may match.
    fn canonical_prefix(&self, who: &Principal, filter: &str) -> String {
        let is_literal = |level: &&str| !topic::has_wildcards(level);
        let levels: Vec<&str> = filter.split('/').take_while(is_literal).collect();
        match levels.as_slice() {
            [OWN_TREE, name, rest @ ..] => {
                let rest = rest.join("/");
                let stream = (!rest.is_empty()).then_some(rest.as_str());
                let device = self.named_device(who, name);
                device.map_or_else(|| filter.to_owned(), |device| canonical_topic(&device, stream))
            }
            levels => levels.join("/"),
        }
    }

    /// Returns the retained messages that match a filter, of the devices that the principal may see whole.
    pub(super) fn retained_for(&self, who: &Principal, filter: &str, qos: Qos) -> Vec<OutboundMessage> {
        let prefix = self.canonical_prefix(who, filter);
        let retained = self.mqtt.retained.read();
        let mut found = Vec::new();
        for message in retained.starting_with(who.org, &prefix) {
            if !who.owns_device(message.org, message.device) {
                continue;
            }
            let Ok(device) = self.store.catalog().device(who, message.device) else { continue };
            let topics = match Route::parse(&message.topic) {
                Some(Route::Values { stream, .. }) => {
                    let rest = stream.map_or_else(String::new, |stream| format!("/{stream}"));
                    names(&device).into_iter().map(|name| format!("{OWN_TREE}/{name}{rest}")).collect()
                }
                Some(Route::Platform(named)) => vec![named.name()],
                Some(Route::Gateway(_) | Route::Facts | Route::Sparkplug(_)) | None => Vec::new(),
            };
            if let Some(topic) = topics.into_iter().find(|topic| topic::matches(filter, topic)) {
                found.push(OutboundMessage {
                    topic: topic.into(),
                    payload: message.payload.clone().into(),
                    qos: qos.min(message.qos),
                    is_retained: true,
                    source: MessageSource::Document,
                });
            }
        }
        found
    }
}

/// The message that a device's topic retains, under its canonical name.
pub(super) fn message(
    device: &Device,
    (topic, payload): (String, &[u8]),
    qos: Qos,
    stored_at: Micros,
) -> RetainedMessage {
    let (org, device, payload) = (device.org, device.id, payload.to_vec());
    RetainedMessage { org, device, topic, payload, qos, stored_at }
}

/// The canonical topic of a device's values: with its UUID.
pub(super) fn canonical_topic(device: &Device, stream: Option<&str>) -> String {
    let mut topic = format!("{OWN_TREE}/{}", device.aliases.uuid);
    if let Some(stream) = stream {
        topic.push('/');
        topic.push_str(stream);
    }
    topic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeviceId, Micros};

    fn message(org: i32, topic: &str, bytes: usize) -> RetainedMessage {
        RetainedMessage {
            org: OrgId(org),
            device: DeviceId(1),
            topic: topic.to_owned(),
            payload: vec![0; bytes],
            qos: Qos::AtLeastOnce,
            stored_at: Micros(0),
        }
    }

    fn topics(index: &RetainedIndex, org: i32, text: &str) -> Vec<(String, usize)> {
        let found = index.starting_with(OrgId(org), text);
        found.map(|message| (message.topic.clone(), message.payload.len())).collect()
    }

    #[test]
    fn an_organization_has_its_own_messages_and_its_own_limit() {
        let mut index = RetainedIndex::default();
        index.put(message(1, "a", MAX_BYTES - 10));
        index.put(message(2, "a", 1));
        index.put(message(2, "b", 2));
        assert_eq!(topics(&index, 1, "").len(), 1);
        assert_eq!(topics(&index, 2, "").len(), 2);
        assert!(!index.has_room(OrgId(1), 100) && index.has_room(OrgId(2), 100));
        index.put(message(1, "a", 1));
        assert!(index.has_room(OrgId(1), 100), "the old one is gone");
        assert!(index.remove(OrgId(2), "a") && !index.remove(OrgId(2), "a"));
        assert_eq!((index.len(), index.usage[&OrgId(2)]), (2, (1, 3)));
    }

    #[test]
    fn topics_are_found_by_their_beginning() {
        let mut index = RetainedIndex::default();
        for topic in ["a", "a/b", "a/b/c", "ab", "b"] {
            index.put(message(1, topic, 1));
        }
        index.put(message(2, "a/b", 1));
        for (text, expected) in
            [("a/b", vec!["a/b", "a/b/c"]), ("a", vec!["a", "a/b", "a/b/c", "ab"]), ("c", vec![])]
        {
            let found: Vec<String> = topics(&index, 1, text).into_iter().map(|(topic, _)| topic).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn an_announced_message_is_shown_and_taken_back_unless_it_is_kept() {
        let index = RwLock::new(RetainedIndex::default());
        let announce = |bytes| AnnouncedMessage::new(&index, message(1, "a", bytes));
        let shown = || topics(&index.read(), 1, "").first().map(|(_, bytes)| *bytes);
        let keep = |announced: AnnouncedMessage<'_>| {
            let kept = index.write().keep(announced.org, &announced.topic, announced.number);
            kept.map(|message| message.payload.len())
        };
        let first = announce(1);
        assert_eq!(shown(), Some(1));
        drop(first);
        assert_eq!((shown(), index.read().len()), (None, 0), "it was taken back");
        assert_eq!(keep(announce(1)), Some(1));
        let second = announce(2);
        assert_eq!(shown(), Some(2));
        drop(second);
        assert_eq!(shown(), Some(1), "the one before is back");

        // The one that came later wins, whichever is written first.
        let (third, fourth) = (announce(3), announce(4));
        assert_eq!(keep(fourth), Some(4));
        assert_eq!((keep(third), shown()), (Some(4), Some(4)));
        let (fifth, sixth) = (announce(5), announce(6));
        assert_eq!((keep(fifth), shown()), (Some(5), Some(6)));
        drop(sixth);
        assert_eq!(shown(), Some(5));

        // What was removed meanwhile does not come back.
        let seventh = announce(7);
        assert!(index.write().remove(OrgId(1), "a"));
        assert_eq!((keep(seventh), shown()), (None, None));
        assert_eq!(index.read().usage[&OrgId(1)], (0, 0));
    }
}
