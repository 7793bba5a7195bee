//! Polling source for a host application: it polls nothing, but waits for the messages of edge nodes, and for what is due
//! without them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::client::SparkplugClient;
use super::command::says_offline;
use super::edge_node::RebirthTimes;
use super::endpoint::SparkplugEndpoint;
use super::host::HostState;
use super::targets::{MetricTargets, PollEffects};
use super::topic::{EdgeTopic, state_topic};
use crate::collect::deadband::PollResult;
use crate::collect::fault::DeviceFault;
use crate::collect::mqtt::endpoint::SubscriptionSettings;
use crate::collect::mqtt::inbox::{Inbox, Message};
use crate::collect::mqtt::wire::PacketId;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::shared_connection::{SharedConnection, SharedConnectionGuard};
use crate::collect::source::{PollSource, ReadyGroup};
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Result};

/// Results of one poll, after which the messages so far are stored.
const MAX_RESULTS: usize = 10_000;

/// Connection that messages come from.
struct Subscription {
    inbox: Arc<Inbox>,
    state: Arc<Mutex<HostState>>,
    /// Filters that the broker refused.
    refused: Vec<String>,
    /// Whether the streams that get no values have their results.
    is_announced: bool,
}

/// Polling source of one host application.
pub struct SparkplugSource {
    endpoint: Arc<SparkplugEndpoint>,
    settings: SubscriptionSettings,
    /// Distinguishes this source's subscriptions from those of its predecessor on the same connection.
    id: u64,
    targets: MetricTargets,
    subscription: Mutex<Option<Subscription>>,
    /// Over connections, of which each has a state of its own.
    rebirths: Mutex<RebirthTimes>,
    /// Messages of the last poll, to acknowledge once they are stored.
    delivered: Vec<PacketId>,
    connection: Arc<SharedConnection>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

impl SparkplugSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<SparkplugSource> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let settings = SubscriptionSettings::from_metadata(&spec.metadata)?;
        Ok(SparkplugSource {
            endpoint: Arc::new(SparkplugEndpoint::from_spec(spec)?),
            id: IDS.fetch_add(1, Ordering::Relaxed),
            targets: MetricTargets::new(settings.filter.clone()),
            settings,
            subscription: Mutex::default(),
            rebirths: Mutex::default(),
            delivered: Vec::new(),
            connection: context.connection,
            status: context.status,
            clock: context.clock,
        })
    }

    /// Subscribes on a new connection and for a new source, and asks the edge nodes for births then: only these say
    /// what metrics there are and what they are now.
    async fn subscribe(&self, connection: &mut SharedConnectionGuard<'_>) -> Result<(), DeviceFault> {
        let client = connection.client::<SparkplugClient>(&self.endpoint).await?;
        client.subscribe(self.id, &self.targets.filters(), self.settings.is_acknowledged).await?;
        let mut subscription = self.subscription.lock();
        if subscription.as_ref().is_some_and(|open| Arc::ptr_eq(&open.inbox, client.inbox())) {
            return Ok(());
        }
        {
            let (mut state, mut rebirths) = (client.state().lock(), self.rebirths.lock());
            let now = Instant::now();
            rebirths.recent(now).for_each(|(node, sent_at)| state.recall_rebirth(node, sent_at));
            self.targets.sources().for_each(|source| state.await_birth(source, now));
        }
        *subscription = Some(Subscription {
            inbox: Arc::clone(client.inbox()),
            state: Arc::clone(client.state()),
            refused: client.refused(),
            is_announced: false,
        });
        Ok(())
    }

    /// Whether the connection of the last poll has ended. Its last messages and its fault are taken by a poll, before
    /// another connection is opened.
    fn has_ended(&self) -> bool {
        self.subscription.lock().as_ref().is_some_and(|known| known.inbox.ended().is_some())
    }

    /// Takes the messages that have come, and does what is due. Returns what that means for the streams and for the edge
    /// nodes, or why the connection has ended, if nothing is left.
    fn take_messages(&mut self) -> Result<PollEffects, DeviceFault> {
        let mut effects = PollEffects::default();
        let mut subscription = self.subscription.lock();
        let Some(open) = &mut *subscription else { return Ok(effects) };
        let now = self.clock.now();
        if !open.is_announced {
            open.is_announced = true;
            self.targets.begin_connection(&open.refused, now, &mut effects);
        }
        let own_state = state_topic(&self.endpoint.host_id);
        let (mut last, mut events) = (None, Vec::new());
        let mut state = open.state.lock();
        while effects.results.len() < MAX_RESULTS
            && let Some(Message { publication, received_at }) = open.inbox.pop()
        {
            self.delivered.extend(publication.packet_id);
            last = Some(received_at);
            // Edge nodes may have nothing retained; what is kept all the same is of an unknown age, also the state.
            if publication.is_retained {
                continue;
            }
            if publication.topic == own_state {
                match &publication.payload {
                    Ok(payload) => effects.announces_again |= says_offline(payload),
                    Err(_) => effects.ignored += 1,
                }
            } else if let Some(topic) = EdgeTopic::parse(&publication.topic) {
                state.accept(&topic, &publication.payload, Instant::now(), &mut events);
                self.targets.apply(&state, &mut events, received_at, &mut effects);
            }
        }
        state.expire(Instant::now(), &mut events);
        self.targets.apply(&state, &mut events, now, &mut effects);
        drop(state);
        if let Some(at) = last {
            self.status.record_received(at);
        }
        if let Some(fault) = open.inbox.ended() {
            if last.is_none() {
                *subscription = None;
                return Err(fault);
            }
            // Nothing can be sent any more, and another connection begins with the births.
            (effects.rebirths, effects.announces_again) = (Vec::new(), false);
        }
        Ok(effects)
    }

    /// Sends what the effects ask for.
    async fn send(&self, effects: &PollEffects) -> Result<(), DeviceFault> {
        if effects.rebirths.is_empty() && !effects.announces_again {
            return Ok(());
        }
        let mut connection = self.connection.lock().await;
        // A connection that has ended meanwhile is noticed by the next poll; another one begins with the births.
        let Some(client) = connection.open_client::<SparkplugClient>() else { return Ok(()) };
        let sent = async {
            if effects.announces_again {
                client.announce().await?;
            }
            for node in &effects.rebirths {
                self.rebirths.lock().note(node, Instant::now());
                client.request_rebirth(node).await?;
            }
            Ok(())
        }
        .await;
        sent.inspect_err(|fault| connection.record_failure(&self.status, self.clock.now(), fault))
    }
}

#[async_trait]
impl PollSource for SparkplugSource {
    type Group = ();

    fn is_same_endpoint(&self, other: &SparkplugSource) -> bool {
        self.endpoint == other.endpoint
    }

    /// A stream without an address gets its values by other ways.
    fn polls(&self, _: &DeviceSpec, stream: &Stream) -> bool {
        !stream.spec.path.is_empty()
    }

    fn group(&mut self, _: &DeviceSpec, streams: &[Arc<Stream>]) {
        streams.iter().for_each(|stream| self.targets.add(stream));
    }

    /// A connection that has ended is first noticed by a poll.
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

    /// Resolves when messages have come, something is due without them, or the connection has ended or is new.
    async fn ready(&mut self, _: &mut Schedule) -> Vec<ReadyGroup> {
        let waiting = {
            let subscription = self.subscription.lock();
            let open = subscription.as_ref().filter(|open| open.is_announced);
            open.map(|open| (Arc::clone(&open.inbox), open.state.lock().next_deadline()))
        };
        match waiting {
            Some((inbox, Some(due))) => tokio::select! {
                () = inbox.wait_nonempty() => {}
                () = sleep_until(due) => {}
            },
            Some((inbox, None)) => inbox.wait_nonempty().await,
            None => {}
        }
        vec![(0, None)]
    }

    async fn poll(&mut self, _: &mut (), results: &mut Vec<PollResult>) -> Result<(), DeviceFault> {
        match self.take_messages() {
            Ok(mut effects) => {
                results.append(&mut effects.results);
                (0..effects.ignored).for_each(|_| self.status.record_other_error());
                self.send(&effects).await
            }
            Err(fault) => {
                let shared = Arc::clone(&self.connection);
                let mut connection = shared.lock().await;
                connection.record_failure(&self.status, self.clock.now(), &fault);
                Err(fault)
            }
        }
    }

    /// Only deaths are sent with acknowledgement, but the connection is not read while the store cannot take values.
    fn requires_storage_ack(&self) -> bool {
        self.settings.is_acknowledged
    }

    /// Has the delivered messages acknowledged, unless their connection has ended.
    fn on_stored(&mut self) {
        let delivered = std::mem::take(&mut self.delivered);
        if let Some(open) = &*self.subscription.lock() {
            open.inbox.acknowledge(delivered);
        }
    }
}
