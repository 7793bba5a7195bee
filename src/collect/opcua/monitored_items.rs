//! Creation of a group's subscriptions and their monitored items. After a loss of the session they are created anew, with
//! the items that they had.

use std::sync::Arc;

use async_trait::async_trait;
use opcua::types::{NodeId, StatusCode};
use tokio::time::Instant;

use super::client::OpcuaClient;
use super::isolation::{CallAnswers, NodeCalls};
use super::notification_queue::NotificationQueue;
use super::poll_group::OpcuaPollGroup;
use super::server_link::ServerLink;
use super::session::SessionMonitor;
use super::status;
use super::subscription::{Subscription, SubscriptionOptions};
use crate::collect::fault::DeviceFault;
use crate::domain::Micros;

/// The subscriptions of a group and the session that they belong to.
pub struct SessionSubscriptions {
    pub subscriptions: Vec<Subscription>,
    pub monitor: SessionMonitor,
    pub notifications: Arc<NotificationQueue>,
    /// Items of the last subscription.
    last_items: usize,
}

/// The calls that create the monitored items of one group.
pub struct MonitoredItems<'a> {
    link: &'a ServerLink,
    group: &'a OpcuaPollGroup,
    /// The most items of a subscription, where more would make its messages too large.
    max_items: Option<usize>,
    created: Option<SessionSubscriptions>,
    /// Whether a message with values was too large, which ended the session.
    is_oversized: bool,
    /// Members whose items were created, by call.
    monitored: Vec<Vec<usize>>,
}

impl<'a> MonitoredItems<'a> {
    /// Prepares the calls and sends nothing. `max_items` bounds the items of each subscription, where there is a bound.
    pub fn new(link: &'a ServerLink, group: &'a OpcuaPollGroup, max_items: Option<usize>) -> Self {
        MonitoredItems { link, group, max_items, created: None, is_oversized: false, monitored: Vec::new() }
    }

    /// The subscriptions, with all items that were created.
    pub async fn finish(&mut self) -> Result<SessionSubscriptions, DeviceFault> {
        self.open().await?;
        self.created.take().ok_or_else(|| self.oversized_fault())
    }

    /// Whether a message with values of these items was too large.
    pub fn is_oversized(&self) -> bool {
        self.is_oversized
    }

    fn oversized_fault(&self) -> DeviceFault {
        DeviceFault::LimitExceeded {
            address: self.link.endpoint.address(),
            reason: "a message of its subscription is too large".to_owned(),
        }
    }

    /// Items that were created are not created again in a new session. Everything begins anew.
    fn other_nodes_fault(&self) -> DeviceFault {
        let reason = "the server has other nodes than before its connection was lost".to_owned();
        DeviceFault::Closed { address: self.link.endpoint.address(), reason }
    }

    /// Notices that a session has ended because something was too large or could not be decoded. That were the values of the
    /// items: the answers to their creation are small, and no node is at fault for them.
    fn notice_end<T>(&mut self, created: &Result<T, DeviceFault>, client: &OpcuaClient) {
        let is_of_values =
            matches!(created, Err(DeviceFault::LimitExceeded { .. } | DeviceFault::Malformed { .. }));
        self.is_oversized |= is_of_values && !client.session.is_open();
    }

    /// Connects unless connected, and creates a subscription unless there is one. A refusal of it is of no node.
    async fn open(&mut self) -> Result<(), DeviceFault> {
        let link = self.link;
        let mut connection = link.connection.lock().await;
        let client = connection.client::<OpcuaClient>(&link.endpoint).await?;
        let kept = self.keep_subscriptions(client).await;
        self.notice_end(&kept, client);
        kept.inspect_err(|fault| connection.record_failure(&link.status, link.now(), fault))
    }

    /// Creates a subscription and the items that there were, unless they are there.
    async fn keep_subscriptions(&mut self, client: &mut OpcuaClient) -> Result<(), DeviceFault> {
        let is_of_session = |created: &SessionSubscriptions| {
            Arc::ptr_eq(&created.notifications, &client.session.notifications)
        };
        if self.created.as_ref().is_some_and(is_of_session) {
            return Ok(());
        }
        let ended = self.created.take().and_then(|created| created.monitor.closed_status());
        self.is_oversized |= ended.is_some_and(status::is_of_values);
        if self.is_oversized {
            return Err(self.oversized_fault());
        }
        client.claim_subscriptions(self.link.subscriber).await?;
        let mut created = SessionSubscriptions {
            subscriptions: vec![self.create_subscription(client).await?],
            monitor: client.session.monitor(),
            notifications: Arc::clone(&client.session.notifications),
            last_items: 0,
        };
        for members in &self.monitored {
            let nodes = with_nodes(&resolve(self.group, client, members));
            let statuses = self.add_items(client, &mut created, &nodes).await?;
            if nodes.len() < members.len() || statuses.iter().any(StatusCode::is_bad) {
                return Err(self.other_nodes_fault());
            }
        }
        self.created = Some(created);
        Ok(())
    }

    async fn create_subscription(&self, client: &mut OpcuaClient) -> Result<Subscription, DeviceFault> {
        let OpcuaPollGroup { number, interval, .. } = *self.group;
        let most = self.max_items.and_then(|most| u32::try_from(most).ok());
        let options = SubscriptionOptions { number, interval, max_notifications: most.unwrap_or_default() };
        Subscription::create(client, options).await
    }

    /// Adds the items of one call to the last subscription if it has room, else to a new one.
    async fn add_items(
        &self,
        client: &mut OpcuaClient,
        created: &mut SessionSubscriptions,
        nodes: &[(usize, NodeId)],
    ) -> Result<Vec<StatusCode>, DeviceFault> {
        if nodes.is_empty() {
            return Ok(Vec::new());
        }
        let is_full = self.max_items.is_some_and(|most| created.last_items + nodes.len() > most);
        if is_full && created.last_items > 0 {
            created.subscriptions.push(self.create_subscription(client).await?);
            created.last_items = 0;
        }
        let Some(last) = created.subscriptions.last() else { return Ok(Vec::new()) };
        let statuses = last.add_items(client, nodes).await?;
        created.last_items += nodes.len();
        Ok(statuses)
    }

    /// Creates the items of members. Returns for each whether it is monitored.
    async fn create_items(
        &mut self,
        client: &mut OpcuaClient,
        members: &[usize],
    ) -> Result<ItemAnswers, DeviceFault> {
        self.keep_subscriptions(client).await?;
        client.refresh_namespaces(&self.group.paths(members)).await;
        let nodes = resolve(self.group, client, members);
        let wanted = with_nodes(&nodes);
        let mut statuses = Vec::new();
        if let Some(mut created) = self.created.take() {
            let added = self.add_items(client, &mut created, &wanted).await;
            self.created = Some(created);
            statuses = added?;
        }
        let answers = item_answers(nodes, statuses);
        let monitored = members.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        self.monitored.push(monitored.map(|(member, _)| *member).collect());
        Ok(answers)
    }
}

#[async_trait]
impl NodeCalls for MonitoredItems<'_> {
    type Answer = ();

    async fn connect(&mut self) -> Result<usize, DeviceFault> {
        let limits = self.link.connect().await?;
        self.open().await?;
        Ok(self.max_items.unwrap_or(limits.subscribe).min(limits.subscribe))
    }

    async fn call(&mut self, members: &[usize]) -> Result<CallAnswers<()>, DeviceFault> {
        let link = self.link;
        let mut connection = link.connection.lock().await;
        let client = connection.client::<OpcuaClient>(&link.endpoint).await?;
        let started = Instant::now();
        let created = self.create_items(client, members).await;
        self.notice_end(&created, client);
        let now = link.now();
        let answers = created.inspect_err(|fault| connection.record_failure(&link.status, now, fault))?;
        link.status.record_response(now, started.elapsed());
        Ok((now, answers))
    }

    async fn probe(&mut self) -> Result<(), DeviceFault> {
        self.link.probe().await
    }

    fn now(&self) -> Micros {
        self.link.now()
    }
}

/// For each member whether it is monitored, or why not.
type ItemAnswers = Vec<Result<(), String>>;
/// A member with its node, or why it has none.
type MemberNode = Result<(usize, NodeId), String>;

/// The nodes of members, each with its member, or why a member has none.
fn resolve(group: &OpcuaPollGroup, client: &OpcuaClient, members: &[usize]) -> Vec<MemberNode> {
    let resolve = |member: &usize| client.resolve(&group.targets[*member].node).map(|node| (*member, node));
    members.iter().map(resolve).collect()
}

fn with_nodes(nodes: &[MemberNode]) -> Vec<(usize, NodeId)> {
    nodes.iter().filter_map(|node| node.as_ref().ok().cloned()).collect()
}

/// Whether each member is monitored, by the statuses of the items of those that have a node.
fn item_answers(nodes: Vec<MemberNode>, statuses: Vec<StatusCode>) -> ItemAnswers {
    let mut statuses = statuses.into_iter();
    let answer = |node: MemberNode| {
        node?;
        match statuses.next() {
            Some(status) if !status.is_bad() => Ok(()),
            Some(status) => Err(status::status_text(status)),
            None => Err("the server has not created the item".to_owned()),
        }
    };
    nodes.into_iter().map(answer).collect()
}

/// Adds members to a subscription that there is. One that is created anew loses what the server has queued of the others.
/// `None` where the session of these notifications has ended.
pub async fn add_members(
    link: &ServerLink,
    group: &OpcuaPollGroup,
    subscription: &Subscription,
    notifications: &Arc<NotificationQueue>,
    members: &[usize],
) -> Result<Option<ItemAnswers>, DeviceFault> {
    let mut connection = link.connection.lock().await;
    let client = connection.open_client::<OpcuaClient>();
    let Some(client) = client.filter(|client| Arc::ptr_eq(&client.session.notifications, notifications))
    else {
        return Ok(None);
    };
    client.refresh_namespaces(&group.paths(members)).await;
    let nodes = resolve(group, client, members);
    let started = Instant::now();
    let added = add_in_parts(client, subscription, &with_nodes(&nodes)).await;
    let now = link.now();
    let statuses = added.inspect_err(|fault| connection.record_failure(&link.status, now, fault))?;
    if !statuses.is_empty() {
        link.status.record_response(now, started.elapsed());
    }
    Ok(Some(item_answers(nodes, statuses)))
}

async fn add_in_parts(
    client: &mut OpcuaClient,
    subscription: &Subscription,
    nodes: &[(usize, NodeId)],
) -> Result<Vec<StatusCode>, DeviceFault> {
    let mut statuses = Vec::with_capacity(nodes.len());
    for part in nodes.chunks(client.limits.subscribe.max(1)) {
        statuses.extend(subscription.add_items(client, part).await?);
    }
    Ok(statuses)
}
