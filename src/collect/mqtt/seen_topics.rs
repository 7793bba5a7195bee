//! Which streams have had messages of which topics on one connection. A broker sends what it has retained with every
//! subscription; it says nothing new to a stream that had it already, or had a newer message of that topic.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use parking_lot::Mutex;

/// Pairs of reader and topic that are remembered, about 40 bytes each. Beyond them retained messages are read again.
const MAX_PAIRS: usize = 1_000_000;

/// The readers and topics of one connection.
#[derive(Debug, Default)]
pub struct SeenTopics(Mutex<TopicsOfReaders>);

#[derive(Debug, Default)]
struct TopicsOfReaders {
    /// By reader and hash of the topic: the hash of the last payload, if that was a retained one.
    topics: HashMap<u64, HashMap<u64, Option<u64>>>,
    /// Topics of all readers.
    count: usize,
}

impl SeenTopics {
    /// Notes a message of this topic for a reader; `retained` is the hash of its payload if the broker has retained it.
    /// Returns whether the reader is to take it.
    ///
    /// A broker that marks new messages as retained too, as MQTT 3.1.1 forbids it (section 3.3.1.3), changes the payload
    /// of one retained message after the other. So these are taken.
    pub fn note(&self, reader: u64, topic: &str, retained: Option<u64>) -> bool {
        let (topic, mut seen) = (hash(&topic), self.0.lock());
        let is_full = seen.count >= MAX_PAIRS;
        let topics = seen.topics.entry(reader).or_default();
        if let Some(last) = topics.get_mut(&topic) {
            let is_known = retained.is_some() && (last.is_none() || *last == retained);
            if !is_known {
                *last = retained;
            }
            return !is_known;
        }
        if !is_full {
            topics.insert(topic, retained);
            seen.count += 1;
        }
        true
    }

    /// Forgets the readers that are not among these. One that comes back has missed messages meanwhile, so that what the
    /// broker has retained may be new to it.
    pub fn keep(&self, readers: &HashSet<u64>) {
        let mut seen = self.0.lock();
        seen.topics.retain(|reader, _| readers.contains(reader));
        seen.count = seen.topics.values().map(HashMap::len).sum();
    }
}

/// A number that is the same for the same content, in this process.
pub fn hash(content: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retained_message_is_taken_once_and_not_after_newer_ones() {
        let seen = SeenTopics::default();
        for (reader, topic, retained, is_taken) in [
            (1, "a", Some("old"), true),
            (1, "b", Some("old"), true),
            (2, "a", Some("old"), true),
            (1, "a", Some("old"), false),
            (1, "a", Some("new"), true),
            (1, "a", None, true),
            (1, "a", None, true),
            (1, "a", Some("old"), false),
            (1, "a", Some("other"), false),
        ] {
            let found = seen.note(reader, topic, retained.as_ref().map(hash));
            assert_eq!(found, is_taken, "{reader} {topic} {retained:?}");
        }
    }

    #[test]
    fn a_reader_that_comes_back_takes_it_again() {
        let seen = SeenTopics::default();
        let take = |reader| seen.note(reader, "a", Some(7));
        assert_eq!([take(1), take(2)], [true, true]);
        seen.keep(&HashSet::from([1]));
        seen.keep(&HashSet::from([1, 2]));
        assert_eq!([take(1), take(2), take(2)], [false, true, false]);
    }
}
