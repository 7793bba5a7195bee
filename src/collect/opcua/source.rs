//! Polling source for OPC UA servers: nodes are polled in few calls, or subscribed to.
//!
//! A subscription belongs to its connection. After a loss everything is created anew (session, subscription, items),
//! and the first values that arrive then are the current ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opcua::types::{DataValue, NodeId};
use tokio::time::{Instant, sleep_until};

use super::client::OpcuaClient;
use super::endpoint::{self, OpcuaEndpoint};
use super::node::NodePath;
use super::notification_queue::NotificationQueue;
use super::session::SessionMonitor;
use super::status;
use super::subscription::{self, Subscription};
use crate::collect::deadband::PollResult;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::shared_connection::{SharedConnection, SharedConnectionGuard};
use crate::collect::source::{self, PollSource, ReadyGroup};
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Clock, Micros, Result, StreamId};

/// Nodes that the server refused to monitor are tried again: they may appear while it runs.
const RESUBSCRIBE_DELAY: Duration = Duration::from_secs(30);

/// Streams of one interval.
pub struct OpcuaPollGroup {
    number: usize,
    interval: Duration,
    targets: Vec<NodeTarget>,
    /// Streams that cannot be read whatever the server answers, and why.
    unreadable: Vec<(StreamId, String)>,
}

struct NodeTarget {
    stream: StreamId,
    node: NodePath,
    kind: StreamKind,
}

/// Polling source of one server.
pub struct OpcuaSource {
    endpoint: Arc<OpcuaEndpoint>,
    subscribes: bool,
    /// Distinguishes this source's subscriptions from those of its predecessor on the same session.
    id: u64,
    batches: usize,
    active: Option<ActiveSubscriptions>,
    connection: Arc<SharedConnection>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

/// The subscriptions on one connection.
struct ActiveSubscriptions {
    monitor: SessionMonitor,
    notifications: Arc<NotificationQueue>,
    by_group: BTreeMap<usize, GroupSubscription>,
}

struct GroupSubscription {
    subscription: Subscription,
    /// For each item of the subscription the index of its target.
    targets: Vec<usize>,
    /// When to recreate the subscription, because some of its nodes are not monitored.
    retry_at: Option<Instant>,
}

impl OpcuaSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<OpcuaSource> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Ok(OpcuaSource {
            endpoint: Arc::new(OpcuaEndpoint::from_spec(spec)?),
            subscribes: endpoint::uses_subscription(spec)?,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            batches: 0,
            active: None,
            connection: context.connection,
            status: context.status,
            clock: context.clock,
        })
    }

    /// Resolves with the groups to poll now, when values arrive by subscription.
    async fn ready_subscriptions(&mut self) -> Vec<usize> {
        let all = 0..self.batches;
        let Some(live) = &mut self.active else { return all.collect() };
        let unmade: Vec<usize> = all.clone().filter(|number| !live.by_group.contains_key(number)).collect();
        if !unmade.is_empty() {
            return unmade;
        }
        let dead = live.by_group.values().map(|made| made.subscription.deadline()).min();
        let again = live.by_group.values().filter_map(|made| made.retry_at).min();
        let wake = dead.into_iter().chain(again).min().unwrap_or_else(|| Instant::now() + RESUBSCRIBE_DELAY);
        tokio::select! {
            _ = live.monitor.closed() => all.collect(),
            () = live.notifications.wait_nonempty() => match live.notifications.end_status() {
                Some(_) => all.collect(),
                None => live.notifications.pending_subscriptions().into_iter().filter(|number| all.contains(number)).collect(),
            },
            () = sleep_until(wake) => {
                let now = Instant::now();
                let due = |made: &GroupSubscription| made.subscription.deadline() <= now || made.retry_at.is_some_and(|at| at <= now);
                live.by_group.iter().filter(|(_, made)| due(made)).map(|(number, _)| *number).collect()
            }
        }
    }

    async fn poll_by_read(
        &self,
        batch: &OpcuaPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let started = Instant::now();
        let read = match connection.client::<OpcuaClient>(&self.endpoint).await {
            Ok(client) => {
                let (nodes, targets) = resolve(client, batch, answers, self.clock.now());
                client.read_values(nodes).await.map(|values| (values, targets))
            }
            Err(fault) => Err(fault),
        };
        let now = self.clock.now();
        let (values, targets) =
            read.inspect_err(|fault| connection.record_failure(&self.status, self.clock.now(), fault))?;
        self.status.record_response(now, started.elapsed());
        let read = targets.into_iter().zip(&values);
        answers.extend(read.map(|(target, value)| poll_result(&batch.targets[target], value, now)));
        answers.extend(unreadable_results(batch, now));
        Ok(())
    }

    /// Pushes the values received by a subscription, which is created first if needed.
    async fn poll_subscription(
        &mut self,
        batch: &OpcuaPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        if let Some(fault) = self.subscription_fault() {
            let mut connection = self.connection.lock().await;
            connection.record_failure(&self.status, self.clock.now(), &fault);
            self.active = None;
            return Err(fault);
        }
        let made = self.active.as_ref().and_then(|live| live.by_group.get(&batch.number));
        if made.is_none_or(|made| made.retry_at.is_some_and(|at| at <= Instant::now())) {
            self.subscribe(batch, answers).await?;
        }
        let Some(live) = &self.active else { return Ok(()) };
        let Some(made) = live.by_group.get(&batch.number) else { return Ok(()) };
        let now = self.clock.now();
        let notifications = live.notifications.take_for(batch.number);
        if !notifications.is_empty() {
            self.status.record_received(now);
        }
        for notifications in notifications {
            let target =
                subscription::index_of_handle(notifications.handle).and_then(|place| made.targets.get(place));
            if let Some(target) = target.and_then(|target| batch.targets.get(*target)) {
                answers.push(poll_result(target, &notifications.value, now));
            }
        }
        Ok(())
    }

    /// Why the subscriptions have ended, if they have.
    fn subscription_fault(&self) -> Option<DeviceFault> {
        let live = self.active.as_ref()?;
        if let Some(fault) = live.monitor.closed_fault() {
            return Some(fault);
        }
        if let Some(ended) = live.notifications.end_status() {
            let reason = format!("the server ended the subscription, {}", status::status_text(ended));
            return Some(DeviceFault::Closed { address: self.endpoint.address(), reason });
        }
        let now = Instant::now();
        let silent = live.by_group.values().find(|made| made.subscription.deadline() <= now)?;
        Some(DeviceFault::Timeout {
            address: self.endpoint.address(),
            after: silent.subscription.max_silence,
        })
    }

    async fn subscribe(
        &mut self,
        batch: &OpcuaPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let shared = Arc::clone(&self.connection);
        let mut connection = shared.lock().await;
        let made = self.create_subscription(&mut connection, batch, answers).await;
        made.inspect_err(|fault| {
            connection.record_failure(&self.status, self.clock.now(), fault);
            self.active = None;
        })
    }

    async fn create_subscription(
        &mut self,
        connection: &mut SharedConnectionGuard<'_>,
        batch: &OpcuaPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let client = connection.client::<OpcuaClient>(&self.endpoint).await?;
        let is_another = self
            .active
            .as_ref()
            .is_some_and(|live| !Arc::ptr_eq(&live.notifications, &client.session.notifications));
        let is_again = self.active.as_ref().is_some_and(|live| live.by_group.contains_key(&batch.number));
        if is_another || is_again {
            // The library deletes every subscription that it knows, so all groups are affected.
            client.delete_subscriptions().await?;
            self.active = None;
        }
        let started = Instant::now();
        let now = self.clock.now();
        let (nodes, targets) = resolve(client, batch, answers, now);
        let made =
            Subscription::create(client, batch.number, batch.interval, &nodes, self.endpoint.timeout).await?;
        self.status.record_response(self.clock.now(), started.elapsed());
        let refused = made.items.iter().zip(&targets).filter(|(status, _)| status.is_bad());
        let refused: Vec<PollResult> = refused
            .map(|(status, target)| {
                let outcome = Err(status::status_text(*status));
                PollResult { stream: batch.targets[*target].stream, ts: now, outcome }
            })
            .collect();
        let again = (!refused.is_empty()).then(|| Instant::now() + RESUBSCRIBE_DELAY);
        answers.extend(refused);
        answers.extend(unreadable_results(batch, now));
        let live = self.active.get_or_insert_with(|| ActiveSubscriptions {
            monitor: client.session.monitor(),
            notifications: Arc::clone(&client.session.notifications),
            by_group: BTreeMap::new(),
        });
        live.by_group
            .insert(batch.number, GroupSubscription { subscription: made, targets, retry_at: again });
        Ok(())
    }
}

#[async_trait]
impl PollSource for OpcuaSource {
    type Group = OpcuaPollGroup;

    fn is_same_endpoint(&self, other: &OpcuaSource) -> bool {
        self.endpoint == other.endpoint
    }

    fn group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> OpcuaPollGroup {
        let interval_s =
            streams.first().and_then(|stream| stream.spec.poll_interval_s).or(device.poll_interval_s);
        let interval = interval_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let mut batch = OpcuaPollGroup {
            number: self.batches,
            interval: interval.unwrap_or(Duration::from_secs(1)),
            targets: Vec::new(),
            unreadable: Vec::new(),
        };
        self.batches += 1;
        for stream in streams {
            match stream.spec.path.parse() {
                Ok(node) => {
                    batch.targets.push(NodeTarget { stream: stream.id, node, kind: stream.spec.kind })
                }
                Err(error) => {
                    let error: super::node::InvalidNodeId = error;
                    batch.unreadable.push((stream.id, error.to_string()));
                }
            }
        }
        batch
    }

    /// Connects unless connected, and deletes the subscriptions of an earlier source.
    async fn connect(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let connected = match connection.client::<OpcuaClient>(&self.endpoint).await {
            Ok(client) => client.claim_subscriptions(self.id).await,
            Err(fault) => Err(fault),
        };
        connected.inspect_err(|fault| connection.record_failure(&self.status, self.clock.now(), fault))
    }

    async fn disconnect(&self) {
        self.connection.lock().await.disconnect();
    }

    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup> {
        if self.subscribes {
            return self.ready_subscriptions().await.into_iter().map(|group| (group, None)).collect();
        }
        source::wait_until_due(schedule).await
    }

    /// Pushes a result for each polled node, or for each value received. After an error the connection is closed.
    async fn poll(
        &mut self,
        batch: &mut OpcuaPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        if self.subscribes {
            return self.poll_subscription(batch, answers).await;
        }
        let had_worked = self.connection.lock().await.has_worked();
        match self.poll_by_read(batch, answers).await {
            Err(DeviceFault::Closed { .. }) if had_worked => {
                answers.clear();
                self.poll_by_read(batch, answers).await.inspect(|()| self.status.record_reconnect())
            }
            read => read,
        }
    }
}

/// Resolves the targets of a group to nodes of this server; a node in a namespace that the server lacks gets its
/// result at once.
fn resolve(
    client: &OpcuaClient,
    batch: &OpcuaPollGroup,
    answers: &mut Vec<PollResult>,
    now: Micros,
) -> (Vec<NodeId>, Vec<usize>) {
    let (mut nodes, mut targets) = (Vec::new(), Vec::new());
    for (at, target) in batch.targets.iter().enumerate() {
        match client.resolve(&target.node) {
            Ok(node) => {
                nodes.push(node);
                targets.push(at);
            }
            Err(why) => answers.push(PollResult { stream: target.stream, ts: now, outcome: Err(why) }),
        }
    }
    (nodes, targets)
}

fn unreadable_results(batch: &OpcuaPollGroup, now: Micros) -> impl Iterator<Item = PollResult> {
    batch.unreadable.iter().map(move |(stream, why)| PollResult {
        stream: *stream,
        ts: now,
        outcome: Err(why.clone()),
    })
}

/// The server's timestamp is the time of a value whose source gives none.
fn poll_result(target: &NodeTarget, value: &DataValue, now: Micros) -> PollResult {
    let server = value.server_timestamp.and_then(status::micros);
    let outcome = status::sample(value).and_then(|sample| {
        let content = sample.value.convert_to(target.kind)?;
        let source_time = sample.source_time.or(server);
        Ok(crate::collect::device_value::Sample { value: content, source_time, ..sample })
    });
    PollResult { stream: target.stream, ts: now, outcome }
}
