//! Polling source for a broker: it polls nothing, but waits for messages and has them acknowledged once their readings
//! are stored.
//!
//! The filters are subscribed to on every new connection, because the broker may have forgotten the session. All
//! streams are one group, whatever their intervals are: a message may concern several, and is acknowledged once.
//!
//! What the broker has retained is of an unknown age: its publisher may be gone. So its value is uncertain unless the
//! message has its time, and a stream that had it or a newer message of the topic on this connection does not take it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::address::TopicPath;
use super::client::{MqttClient, WantedFilter};
use super::endpoint::{self, MqttEndpoint, SubscriptionSettings};
use super::inbox::{Inbox, Message};
use super::payload::{Payload, ValueReader};
use super::seen_topics::{self, SeenTopics};
use super::wire::{PacketId, Publication};
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::shared_connection::{SharedConnection, SharedConnectionGuard};
use crate::collect::source::{PollSource, ReadyGroup};
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::device::DeviceSpec;
use crate::domain::mqtt::filter::TopicFilter;
use crate::domain::reading::Quality;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Micros, Result, StreamId};

/// Results of one poll, after which the messages so far are stored and acknowledged.
const MAX_RESULTS: usize = 10_000;

/// A stream and where it finds its values.
struct TopicTarget {
    stream: StreamId,
    path: TopicPath,
    reader: ValueReader,
    /// Another number for another stream, and for the same one when it reads something else.
    key: u64,
}

impl TopicTarget {
    /// The value of a message for this stream.
    fn read(
        &self,
        publication: &Publication,
        payload: &std::result::Result<Payload<'_>, String>,
    ) -> std::result::Result<Sample, String> {
        let payload = payload.as_ref().map_err(String::clone)?;
        let sample = self.reader.read(payload)?;
        let is_of_unknown_age = publication.is_retained && sample.source_time.is_none();
        let quality = if is_of_unknown_age { Quality::Uncertain } else { sample.quality };
        Ok(Sample { quality, ..sample })
    }
}

/// The streams of a source by the topics that they are about.
#[derive(Default)]
struct TopicTargets {
    all: Vec<TopicTarget>,
    /// Indexes of the targets with one topic each.
    by_topic: HashMap<String, Vec<usize>>,
    with_wildcards: Vec<usize>,
    /// Streams that cannot be read whatever is published, and why.
    unreadable: Vec<(StreamId, String)>,
}

/// Connection that messages come from.
struct Subscription {
    inbox: Arc<Inbox>,
    seen: Arc<SeenTopics>,
    /// Filters that the broker refused.
    refused: Vec<String>,
    /// Whether the streams that get no values have their results.
    is_announced: bool,
}

/// Polling source of one broker.
pub struct MqttSource {
    endpoint: Arc<MqttEndpoint>,
    settings: SubscriptionSettings,
    /// Distinguishes this source's subscriptions from those of its predecessor on the same connection.
    id: u64,
    targets: TopicTargets,
    subscription: Mutex<Option<Subscription>>,
    /// Messages of the last poll, to acknowledge once they are stored.
    delivered: Vec<PacketId>,
    connection: Arc<SharedConnection>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

impl TopicTargets {
    fn add(&mut self, settings: &SubscriptionSettings, stream: &Stream) {
        let time_pointer = match endpoint::time_pointer(&stream.spec.metadata) {
            Ok(own) => own.or_else(|| settings.time_pointer.clone()),
            Err(error) => return self.unreadable.push((stream.id, error.full_message())),
        };
        let path: TopicPath = match stream.spec.path.parse() {
            Ok(path) => path,
            Err(error) => {
                let error: super::address::InvalidTopicPath = error;
                return self.unreadable.push((stream.id, error.to_string()));
            }
        };
        let index = self.all.len();
        if path.filter.has_wildcard() {
            self.with_wildcards.push(index);
        } else {
            self.by_topic.entry(path.filter.as_str().to_owned()).or_default().push(index);
        }
        let spec = &stream.spec;
        let scaling = (spec.scale.to_bits(), spec.offset.to_bits());
        let key = seen_topics::hash(&(stream.id.0, &spec.path, spec.kind.name(), &time_pointer, scaling));
        let reader = ValueReader { pointer: path.pointer.clone(), time_pointer, kind: spec.kind };
        self.all.push(TopicTarget { stream: stream.id, path, reader, key });
    }

    /// The targets of messages with this topic.
    fn of_topic<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a TopicTarget> {
        let exact = self.by_topic.get(topic).into_iter().flatten().filter_map(|at| self.all.get(*at));
        let wild = self.with_wildcards.iter().filter_map(|at| self.all.get(*at));
        exact.chain(wild.filter(move |target| target.path.filter.matches(topic)))
    }

    /// Pushes the values of a message.
    fn read(&self, message: &Message, seen: &SeenTopics, results: &mut Vec<PollResult>) {
        let Message { publication, received_at } = message;
        let payload = publication.payload.as_ref().map(|bytes| Payload::new(bytes));
        let payload = payload.map_err(ToString::to_string);
        let retained = publication.is_retained.then(|| seen_topics::hash(&publication.payload));
        for target in self.of_topic(&publication.topic) {
            if seen.note(target.key, &publication.topic, retained) {
                let outcome = target.read(publication, &payload);
                results.push(PollResult { stream: target.stream, ts: *received_at, outcome });
            }
        }
    }

    /// The filters to subscribe to, each once: those of the streams, or `own` in their place.
    fn wanted(&self, own: Option<&str>) -> Vec<WantedFilter> {
        let mut readers = BTreeMap::<&str, u64>::new();
        for target in &self.all {
            // A sum, because the order of the streams means nothing.
            let sum = readers.entry(own.unwrap_or(target.path.filter.as_str())).or_default();
            *sum = sum.wrapping_add(target.key);
        }
        // One filter of the device is subscribed to whatever the streams are.
        readers.extend(own.filter(|_| self.all.is_empty()).map(|own| (own, 0)));
        let wanted = |(filter, readers): (&str, u64)| WantedFilter { filter: filter.to_owned(), readers };
        readers.into_iter().map(wanted).collect()
    }

    /// The filters of the streams, each once.
    fn filters(&self) -> Vec<String> {
        self.wanted(None).into_iter().map(|wanted| wanted.filter).collect()
    }

    /// Pushes a result for every stream that gets no values now.
    fn announce(&self, refused: &[String], now: Micros, results: &mut Vec<PollResult>) {
        let bad = |stream: StreamId, why: String| PollResult { stream, ts: now, outcome: Err(why) };
        results.extend(self.unreadable.iter().map(|(stream, why)| bad(*stream, why.clone())));
        for filter in refused {
            let mine = |target: &&TopicTarget| target.path.filter.as_str() == filter;
            let words = || format!("the broker refuses the subscription to `{filter}`");
            results.extend(self.all.iter().filter(mine).map(|target| bad(target.stream, words())));
        }
    }
}

impl MqttSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<MqttSource> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Ok(MqttSource {
            endpoint: Arc::new(MqttEndpoint::from_spec(spec)?),
            settings: SubscriptionSettings::from_metadata(&spec.metadata)?,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            targets: TopicTargets::default(),
            subscription: Mutex::default(),
            delivered: Vec::new(),
            connection: context.connection,
            status: context.status,
            clock: context.clock,
        })
    }

    /// Whether the connection of the last poll has ended. Its last messages and its fault are taken by a poll, before
    /// another connection is opened.
    fn has_ended(&self) -> bool {
        self.subscription.lock().as_ref().is_some_and(|known| known.inbox.ended().is_some())
    }

    async fn subscribe(&self, connection: &mut SharedConnectionGuard<'_>) -> Result<(), DeviceFault> {
        let client = connection.client::<MqttClient>(&self.endpoint).await?;
        let wanted = self.targets.wanted(self.settings.filter.as_ref().map(TopicFilter::as_str));
        client.subscribe(self.id, &wanted, self.settings.is_acknowledged).await?;
        let mut subscription = self.subscription.lock();
        if !subscription.as_ref().is_some_and(|known| Arc::ptr_eq(&known.inbox, client.inbox())) {
            client.seen().keep(&self.targets.all.iter().map(|target| target.key).collect::<HashSet<_>>());
            *subscription = Some(Subscription {
                inbox: Arc::clone(client.inbox()),
                seen: Arc::clone(client.seen()),
                refused: client.refused(),
                is_announced: false,
            });
        }
        Ok(())
    }

    /// Pushes the values of the messages that have come. Returns why the connection has ended, if nothing is left.
    fn take_messages(&mut self, results: &mut Vec<PollResult>) -> Result<(), DeviceFault> {
        let mut subscription = self.subscription.lock();
        let Some(open) = &mut *subscription else { return Ok(()) };
        if !open.is_announced {
            open.is_announced = true;
            let refused = match &self.settings.filter {
                // Then one filter is subscribed to for all streams.
                Some(_) if !open.refused.is_empty() => self.targets.filters(),
                _ => open.refused.clone(),
            };
            self.targets.announce(&refused, self.clock.now(), results);
        }
        let mut last = None;
        while results.len() < MAX_RESULTS
            && let Some(message) = open.inbox.pop()
        {
            self.targets.read(&message, &open.seen, results);
            if message.publication.payload.is_err() {
                self.status.record_other_error();
            }
            self.delivered.extend(message.publication.packet_id);
            last = Some(message.received_at);
        }
        match (last, open.inbox.ended()) {
            (Some(at), _) => self.status.record_received(at),
            (None, Some(fault)) => {
                *subscription = None;
                return Err(fault);
            }
            (None, None) => {}
        }
        Ok(())
    }
}

#[async_trait]
impl PollSource for MqttSource {
    type Group = ();

    fn is_same_endpoint(&self, other: &MqttSource) -> bool {
        self.endpoint == other.endpoint
    }

    /// A stream without a topic gets its values by other ways.
    fn polls(&self, _: &DeviceSpec, stream: &Stream) -> bool {
        !stream.spec.path.is_empty()
    }

    fn group(&mut self, _: &DeviceSpec, streams: &[Arc<Stream>]) {
        streams.iter().for_each(|stream| self.targets.add(&self.settings, stream));
    }

    /// Connects unless connected, and subscribes on a new connection and for a new source. A connection that has ended
    /// is first noticed by a poll.
    async fn connect(&self) -> Result<(), DeviceFault> {
        if self.has_ended() {
            return Ok(());
        }
        let mut connection = self.connection.lock().await;
        let subscribed = self.subscribe(&mut connection).await;
        subscribed.inspect_err(|fault| connection.record_failure(&self.status, self.clock.now(), fault))
    }

    async fn disconnect(&self) {
        self.connection.lock().await.disconnect();
        *self.subscription.lock() = None;
    }

    /// Resolves when messages have come, the connection has ended or is new.
    async fn ready(&mut self, _: &mut Schedule) -> Vec<ReadyGroup> {
        let waiting = {
            let subscription = self.subscription.lock();
            let open = subscription.as_ref().filter(|open| open.is_announced);
            open.map(|open| Arc::clone(&open.inbox))
        };
        if let Some(inbox) = waiting {
            inbox.wait_nonempty().await;
        }
        vec![(0, None)]
    }

    async fn poll(&mut self, _: &mut (), results: &mut Vec<PollResult>) -> Result<(), DeviceFault> {
        if let Err(fault) = self.take_messages(results) {
            let shared = Arc::clone(&self.connection);
            let mut connection = shared.lock().await;
            connection.record_failure(&self.status, self.clock.now(), &fault);
            return Err(fault);
        }
        Ok(())
    }

    fn requires_storage_ack(&self) -> bool {
        self.settings.is_acknowledged
    }

    /// Has the delivered messages acknowledged, unless their connection has ended: then they come again.
    fn on_stored(&mut self) {
        let delivered = std::mem::take(&mut self.delivered);
        if let Some(open) = &*self.subscription.lock() {
            open.inbox.acknowledge(delivered);
        }
    }
}
