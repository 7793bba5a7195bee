//! Polling source for OPC UA servers: nodes are polled in few calls, or subscribed to.
//!
//! A subscription belongs to its connection. After a loss everything is created anew (session, subscription, items),
//! and the first values that arrive then are the current ones. What was learned from calls that failed outlives that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use opcua::types::StatusCode;
use tokio::time::{Instant, sleep_until};

use super::call_size::CallSize;
use super::endpoint::{self, OpcuaEndpoint};
use super::group_subscription::{GroupSubscription, RESUBSCRIBE_DELAY};
use super::isolation::CallIsolation;
use super::monitored_items::{self, MonitoredItems};
use super::node_reads::{self, NodeReads};
use super::notification_queue::NotificationQueue;
use super::poll_group::OpcuaPollGroup;
use super::server_link::ServerLink;
use super::session::SessionMonitor;
use super::status;
use super::subscription;
use crate::collect::deadband::PollResult;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::source::{self, PollSource, ReadyGroup};
use crate::domain::Result;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;

/// Polling source of one server.
pub struct OpcuaSource {
    link: ServerLink,
    subscribes: bool,
    /// Number of targets of each group.
    group_sizes: Vec<usize>,
    active: Option<ActiveSubscriptions>,
    reading: CallIsolation,
    monitoring: CallIsolation,
    /// Items of one subscription: the server reports their values in one message.
    subscription_size: CallSize,
    /// Groups that are read before they are subscribed to again, because a message was too large and its values are lost.
    unread: BTreeSet<usize>,
    /// Whether nothing was found yet that makes messages smaller.
    is_oversized: bool,
}

/// The subscriptions on one connection.
struct ActiveSubscriptions {
    monitor: SessionMonitor,
    notifications: Arc<NotificationQueue>,
    by_group: BTreeMap<usize, GroupSubscription>,
}

impl OpcuaSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<OpcuaSource> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let SourceContext { connection, status, clock, .. } = context;
        let endpoint = Arc::new(OpcuaEndpoint::from_spec(spec)?);
        let subscriber = IDS.fetch_add(1, Ordering::Relaxed);
        Ok(OpcuaSource {
            link: ServerLink { endpoint, connection, status, clock, subscriber },
            subscribes: endpoint::uses_subscription(spec)?,
            group_sizes: Vec::new(),
            active: None,
            reading: CallIsolation::default(),
            monitoring: CallIsolation::default(),
            subscription_size: CallSize::default(),
            unread: BTreeSet::new(),
            is_oversized: false,
        })
    }

    /// Resolves with the groups to poll now, when values arrive by subscription.
    async fn ready_subscriptions(&mut self) -> Vec<usize> {
        let all = 0..self.group_sizes.len();
        let Some(live) = &mut self.active else { return all.collect() };
        let unmade: Vec<usize> = all.clone().filter(|number| !live.by_group.contains_key(number)).collect();
        if !unmade.is_empty() {
            return unmade;
        }
        let due = live.by_group.values().filter_map(GroupSubscription::due).min();
        let wake = due.unwrap_or_else(|| Instant::now() + RESUBSCRIBE_DELAY);
        tokio::select! {
            _ = live.monitor.closed() => all.collect(),
            () = live.notifications.wait_nonempty() => match live.notifications.end_status() {
                Some(_) => all.collect(),
                None => live.notifications.pending_subscriptions().into_iter().filter(|number| all.contains(number)).collect(),
            },
            () = sleep_until(wake) => {
                let now = Instant::now();
                let is_due = |made: &GroupSubscription| made.due().is_some_and(|due| due <= now);
                live.by_group.iter().filter(|(_, made)| is_due(made)).map(|(number, _)| *number).collect()
            }
        }
    }

    /// Reads the nodes of a group. Every stream has its result then.
    async fn read(
        &mut self,
        group: &OpcuaPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let mut reads = NodeReads::new(&self.link, group);
        results.extend(node_reads::read_group(&mut self.reading, &mut reads, group).await?);
        results.extend(group.unreadable_results(self.link.now()));
        Ok(())
    }

    /// Pushes the values received by a subscription, which is created first if needed.
    async fn poll_subscription(
        &mut self,
        group: &OpcuaPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        if let Some(fault) = self.subscription_fault() {
            let is_repaired = self.oversized_status().is_some() && self.record_oversized();
            self.active = None;
            let mut connection = self.link.connection.lock().await;
            // The session may be in order after a message that is too large, but would send it again.
            connection.record_failure(&self.link.status, self.link.now(), &fault);
            if !is_repaired {
                return Err(fault);
            }
        }
        let made = self.active.as_ref().and_then(|live| live.by_group.get(&group.number));
        let is_due = made.is_none_or(|made| made.retry_at.is_some_and(|at| at <= Instant::now()));
        if is_due && !self.extend(group, results).await.inspect_err(|_| self.active = None)? {
            self.subscribe(group, results).await.inspect_err(|_| self.active = None)?;
        }
        let Some(live) = &mut self.active else { return Ok(()) };
        let Some(made) = live.by_group.get_mut(&group.number) else { return Ok(()) };
        let now = self.link.now();
        let notifications = live.notifications.take_for(group.number);
        if !notifications.is_empty() {
            self.link.status.record_received(now);
        }
        for notification in notifications {
            let member = subscription::index_of_handle(notification.handle);
            let target = member.and_then(|member| Some((member, group.targets.get(member)?)));
            if let Some((member, target)) = target {
                made.note(member, notification.value.status.unwrap_or_default(), Instant::now());
                results.push(target.result(now, target.sample(&notification.value)));
            }
        }
        Ok(())
    }

    /// Why the subscriptions have ended, if they have.
    fn subscription_fault(&self) -> Option<DeviceFault> {
        let live = self.active.as_ref()?;
        let address = || self.link.endpoint.address();
        if let Some(fault) = live.monitor.closed_fault() {
            return Some(fault);
        }
        if let Some(ended) = live.notifications.end_status() {
            let reason = format!("the server ended the subscription, {}", status::status_text(ended));
            return Some(DeviceFault::Closed { address: address(), reason });
        }
        let now = Instant::now();
        let mut dead = live.by_group.values().filter_map(GroupSubscription::first_dead);
        let silent = dead.find(|subscription| subscription.deadline() <= now)?;
        Some(DeviceFault::Timeout { address: address(), after: silent.max_silence })
    }

    /// The status of a message that was too large or could not be decoded, when that ended the subscriptions.
    fn oversized_status(&self) -> Option<StatusCode> {
        let live = self.active.as_ref()?;
        let ended = live.monitor.closed_status().or_else(|| live.notifications.end_status());
        ended.filter(|status| status::is_of_values(*status))
    }

    /// Has all groups read before they are subscribed to again, because a message was too large. Returns false where messages
    /// of one value are too large, which do not get smaller.
    fn record_oversized(&mut self) -> bool {
        self.is_oversized = true;
        self.unread.extend(0..self.group_sizes.len());
        self.subscription_size.get(Instant::now()) != Some(1)
    }

    /// Reads a group of which a message was too large. Its values are those that were lost, and nodes that are too large even
    /// alone are found; where there are none, subscriptions get half as many items.
    async fn read_lost(
        &mut self,
        group: &OpcuaPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let known = self.reading.faulty_members(group).count();
        self.read(group, results).await?;
        self.unread.remove(&group.number);
        let has_found = self.reading.faulty_members(group).count() > known;
        if std::mem::take(&mut self.is_oversized) && !has_found {
            let now = Instant::now();
            let largest = self.group_sizes.iter().copied().max().unwrap_or_default();
            let size = self.subscription_size.at_most(largest, now);
            self.subscription_size.learn(size / 2, now);
        }
        Ok(())
    }

    /// Creates the subscriptions of a group. Nodes that are not answered for alone are left out until they are due.
    async fn subscribe(
        &mut self,
        group: &OpcuaPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        if self.unread.contains(&group.number) || self.reading.next_due(group).is_some() {
            self.read_lost(group, results).await?;
        }
        self.prepare_session(group.number).await?;
        let max_items = self.subscription_size.get(Instant::now());
        let mut items = MonitoredItems::new(&self.link, group, max_items);
        let is_healthy = |member: &usize| !self.reading.is_faulty(&group.targets[*member].node);
        let members = (0..group.targets.len()).filter(is_healthy).collect();
        let outcomes = self.monitoring.call_all(&mut items, group, members).await;
        let finished = match outcomes {
            Ok(outcomes) => items.finish().await.map(|created| (outcomes, created)),
            Err(fault) => Err(fault),
        };
        if items.is_oversized() && self.record_oversized() {
            self.active = None;
            return Ok(());
        }
        let (outcomes, created) = finished?;
        let mut unmonitored = Vec::new();
        for outcome in outcomes {
            if let Err(why) = outcome.outcome {
                let target = &group.targets[outcome.target];
                // A node that is called again at its own time needs no other attempt before.
                if !self.monitoring.is_faulty(&target.node) {
                    unmonitored.push(outcome.target);
                }
                results.push(target.result(outcome.ts, Err(why)));
            }
        }
        results.extend(group.unreadable_results(self.link.now()));
        let retry_at = self.next_retry(group, &unmonitored);
        let live = self.active.take().filter(|live| Arc::ptr_eq(&live.notifications, &created.notifications));
        let live = self.active.insert(live.unwrap_or_else(|| ActiveSubscriptions {
            monitor: created.monitor,
            notifications: created.notifications,
            by_group: BTreeMap::new(),
        }));
        let created = GroupSubscription::new(created.subscriptions, unmonitored, retry_at);
        live.by_group.insert(group.number, created);
        Ok(())
    }

    /// Tries the nodes again that the server has not monitored, in the subscription that there is: one that is created anew
    /// loses the values that the server has queued. Returns false where everything is to be created anew.
    async fn extend(
        &mut self,
        group: &OpcuaPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<bool, DeviceFault> {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        let has_other_cause = is_due(self.reading.next_due(group))
            || is_due(self.monitoring.next_due(group))
            || self.unread.contains(&group.number)
            || self.subscription_size.get(now).is_some();
        let live = self.active.as_ref().filter(|_| !has_other_cause);
        let made = live.and_then(|live| Some((live, live.by_group.get(&group.number)?)));
        let Some((live, made)) = made else { return Ok(false) };
        let Some(subscription) = made.extensible() else { return Ok(false) };
        let (notifications, members) = (Arc::clone(&live.notifications), made.unmonitored.clone());
        let added = monitored_items::add_members(&self.link, group, subscription, &notifications, &members);
        let answers = match added.await {
            Ok(Some(answers)) => answers,
            Err(fault) if fault.is_connection_loss() => return Err(fault),
            Ok(None) | Err(_) => return Ok(false),
        };
        let (mut unmonitored, received_at) = (Vec::new(), self.link.now());
        for (member, answer) in members.into_iter().zip(answers) {
            if let Err(why) = answer {
                results.push(group.targets[member].result(received_at, Err(why)));
                unmonitored.push(member);
            }
        }
        let retry_at = self.next_retry(group, &unmonitored);
        if let Some(made) = self.active.as_mut().and_then(|live| live.by_group.get_mut(&group.number)) {
            (made.retry_at, made.unmonitored) = (retry_at, unmonitored);
        }
        Ok(true)
    }

    /// When nodes of a group are tried again: those that are not monitored, and those at fault.
    fn next_retry(&self, group: &OpcuaPollGroup, unmonitored: &[usize]) -> Option<Instant> {
        let soon = Instant::now() + RESUBSCRIBE_DELAY;
        let due = [self.reading.next_due(group), self.monitoring.next_due(group)];
        let due = due.into_iter().flatten().map(|due| due.max(soon));
        due.chain((!unmonitored.is_empty()).then_some(soon)).min()
    }

    /// Connects, and deletes the subscriptions if there is one of this group: the library deletes every subscription that
    /// it knows, so all groups are affected.
    async fn prepare_session(&mut self, group: usize) -> Result<(), DeviceFault> {
        let is_unused = self.active.as_ref().is_none_or(|live| live.by_group.contains_key(&group));
        if is_unused {
            self.active = None;
            self.link.delete_subscriptions().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl PollSource for OpcuaSource {
    type Group = OpcuaPollGroup;

    fn is_same_endpoint(&self, other: &OpcuaSource) -> bool {
        self.link.endpoint == other.link.endpoint
    }

    fn group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> OpcuaPollGroup {
        let group = OpcuaPollGroup::new(self.group_sizes.len(), device, streams);
        self.group_sizes.push(group.targets.len());
        group
    }

    /// Keeps which nodes are not answered for, and how large calls may be: to learn it anew costs timeouts and sessions.
    fn resume(&mut self, before: OpcuaSource, groups: &[OpcuaPollGroup]) {
        self.reading.resume(before.reading, groups);
        self.monitoring.resume(before.monitoring, groups);
        self.subscription_size = before.subscription_size;
    }

    /// Connects unless connected, and deletes the subscriptions of an earlier source.
    async fn connect(&self) -> Result<(), DeviceFault> {
        self.link.connect().await.map(drop)
    }

    async fn disconnect(&self) {
        self.link.connection.lock().await.disconnect();
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
        group: &mut OpcuaPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        match self.subscribes {
            true => self.poll_subscription(group, results).await,
            false => self.read(group, results).await,
        }
    }
}
