//! The index of retained messages: the messages of each topic with their memory, and passes through them. It knows devices by
//! their topics alone, so that a device which is deleted can be forgotten without the broker.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use uuid::Uuid;

use super::topics::{OWN_TREE, PLATFORM_TREE};
use crate::domain::device::Device;
use crate::domain::mqtt::RetainedMessage;
use crate::domain::{DeviceId, OrgId};

/// Maximum retained messages of an organization.
const MAX_MESSAGES: usize = 100_000;
/// Maximum memory of an organization's retained messages, bytes.
const MAX_BYTES: usize = 32 << 20;

/// Every retained message, by organization and topic.
#[derive(Default)]
pub(in crate::app) struct RetainedIndex {
    by_topic: BTreeMap<(OrgId, String), RetainedTopic>,
    /// Number and bytes of an organization's messages.
    usage: HashMap<OrgId, (usize, usize)>,
    last_number: u64,
}

/// How far a pass through the index is.
#[derive(Debug, Default)]
pub(super) struct RetainedPosition {
    /// Number of the text with which topics begin.
    beginning: usize,
    /// The last topic that was taken.
    last: Option<String>,
}

/// The messages of a topic: the durable one, and those whose values are being written.
#[derive(Default)]
struct RetainedTopic {
    kept: Option<NumberedMessage>,
    /// By the order of their arrival.
    announced: Vec<NumberedMessage>,
}

/// A message with its number in the order of arrival.
pub(super) type NumberedMessage = (u64, Arc<RetainedMessage>);

impl RetainedTopic {
    /// The messages from the newest to the oldest. A new subscriber is sent the first one that it asks for.
    fn newest_first(&self) -> impl Iterator<Item = &NumberedMessage> {
        self.announced.iter().rev().chain(&self.kept)
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
    pub(super) fn keep(&mut self, org: OrgId, topic: &str, number: u64) -> Option<Arc<RetainedMessage>> {
        let known = self.by_topic.get_mut(&(org, topic.to_owned()))?;
        if let Some(at) = known.announced.iter().position(|(of, _)| *of == number) {
            let mut gone: Vec<_> = known.announced.drain(..=at).collect();
            let newest = gone.pop();
            gone.extend(std::mem::replace(&mut known.kept, newest));
            let kept = known.kept.clone();
            gone.iter().for_each(|(_, message)| self.release(message));
            return kept.map(|(_, message)| message);
        }
        known.kept.as_ref().map(|(_, message)| message.clone())
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
        old.newest_first().for_each(|(_, message)| self.release(message));
        true
    }

    /// Removes every message of a device whose topic begins with this text.
    fn forget(&mut self, device: &Device, beginning: &str) {
        let all = self.by_topic.range((device.org, beginning.to_owned())..);
        let own = all.take_while(|((org, topic), _)| *org == device.org && topic.starts_with(beginning));
        let topics: Vec<String> = own.map(|((_, topic), _)| topic.clone()).collect();
        for topic in topics {
            self.remove(device.org, &topic);
        }
    }

    /// Forgets the messages of a deleted device in the organization with this UUID.
    pub(in crate::app) fn forget_device(&mut self, device: &Device, org: Option<Uuid>) {
        let documents = org.map(|org| format!("{PLATFORM_TREE}/gateways/{org}/{}/", device.aliases.uuid));
        for beginning in documents.into_iter().chain([canonical_topic(device, None)]) {
            self.forget(device, &beginning);
        }
    }

    fn release(&mut self, message: &RetainedMessage) {
        if let Some(usage) = self.usage.get_mut(&message.org) {
            *usage = (usage.0.saturating_sub(1), usage.1.saturating_sub(size_of(message)));
        }
    }

    /// Whether an organization may retain so many more bytes.
    pub(super) fn has_room(&self, org: OrgId, bytes: usize) -> bool {
        let (count, used) = self.usage.get(&org).copied().unwrap_or_default();
        count < MAX_MESSAGES && used + bytes <= MAX_BYTES
    }

    /// The number of the last message that came.
    pub(super) fn last_number(&self) -> u64 {
        self.last_number
    }

    /// The messages, newest first, of the next topics that begin with one of these texts, in the order of the texts and
    /// topics, from a position on; fewer than `most` topics when there are no more.
    pub(super) fn take(
        &self,
        org: OrgId,
        beginnings: &[String],
        position: &mut RetainedPosition,
        most: usize,
    ) -> Vec<Vec<NumberedMessage>> {
        let mut found = Vec::new();
        while let Some(beginning) = beginnings.get(position.beginning) {
            let start = match &position.last {
                Some(topic) => Bound::Excluded((org, topic.clone())),
                None => Bound::Included((org, beginning.clone())),
            };
            let all = self.by_topic.range((start, Bound::Unbounded));
            for ((_, topic), known) in
                all.take_while(|((of, topic), _)| *of == org && topic.starts_with(beginning.as_str()))
            {
                if found.len() >= most {
                    return found;
                }
                position.last = Some(topic.clone());
                found.push(known.newest_first().cloned().collect());
            }
            *position = RetainedPosition { beginning: position.beginning + 1, last: None };
        }
        found
    }

    /// The messages of an organization whose topics begin with this text.
    #[cfg(test)]
    fn starting_with<'a>(
        &'a self,
        org: OrgId,
        text: &'a str,
    ) -> impl Iterator<Item = &'a Arc<RetainedMessage>> {
        let all = self.by_topic.range((org, text.to_owned())..);
        let own = all.take_while(move |((of, topic), _)| *of == org && topic.starts_with(text));
        own.filter_map(|(_, topic)| topic.newest_first().next()).map(|(_, message)| message)
    }
}

/// A message that new subscribers are sent while its value is being written. Dropping it takes the message back, unless it
/// was kept.
pub(super) struct AnnouncedMessage<'a> {
    index: &'a RwLock<RetainedIndex>,
    pub(super) org: OrgId,
    pub(super) device: DeviceId,
    pub(super) topic: String,
    pub(super) number: u64,
}

impl<'a> AnnouncedMessage<'a> {
    pub(super) fn new(index: &'a RwLock<RetainedIndex>, message: RetainedMessage) -> Self {
        let (org, device, topic) = (message.org, message.device, message.topic.clone());
        let number = index.write().announce(message);
        Self { index, org, device, topic, number }
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
#[path = "retained_index_tests.rs"]
mod tests;
