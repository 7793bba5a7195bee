//! Resources that the other nodes have used for a query: the node that was asked collects it for the query log when the query has
//! ended.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::runtime::Handle;
use tonic::Status;
use url::Url;

use super::Spread;
use super::node_channels::NodeChannels;
use super::task_session::TaskHeaders;
use super::usage_service;
use crate::query::log::QueryTracker;
use crate::query::node_usage::{NodeUsage, RemoteUsage};

/// How long a node may take to answer; its part is left out after it. Nothing waits for it, and a node that computes for
/// others may be slow.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the other nodes when it is dropped, in the background: the rows of a query own it, and they are dropped however
/// the query ends. Nothing waits for the answers, so the query is no slower and a node that is lost does not fail it.
pub struct UsageCollector {
    channels: NodeChannels,
    nodes: Vec<Url>,
    headers: TaskHeaders,
    usage: Arc<RemoteUsage>,
    runtime: Handle,
}

impl Spread {
    /// Returns what asks these nodes, this one left out, for their part in a query that was asked here. Must be called on the
    /// threads of the query.
    pub(super) fn usage_collector(&self, nodes: &[Url], tracker: &QueryTracker) -> UsageCollector {
        UsageCollector {
            channels: self.channels.clone(),
            nodes: nodes.iter().filter(|node| **node != self.options.own_url).cloned().collect(),
            headers: TaskHeaders::of(tracker),
            usage: tracker.remote_usage.clone(),
            runtime: Handle::current(),
        }
    }
}

impl Drop for UsageCollector {
    fn drop(&mut self) {
        let (channels, headers, usage) = (self.channels.clone(), self.headers, self.usage.clone());
        let nodes = std::mem::take(&mut self.nodes);
        self.runtime.spawn(async move {
            join_all(nodes.into_iter().map(|node| collect(&channels, node, headers, &usage))).await;
        });
    }
}

async fn collect(channels: &NodeChannels, node: Url, headers: TaskHeaders, usage: &RemoteUsage) {
    add_answer(&node, headers, ask(channels, &node, headers), usage).await;
}

async fn ask(channels: &NodeChannels, node: &Url, headers: TaskHeaders) -> Result<NodeUsage, Status> {
    let channel = channels.channel(node).map_err(|error| Status::unavailable(error.to_string()))?;
    usage_service::ask(channel, headers).await
}

/// Adds what a node answers in time, and says which node does not.
pub(super) async fn add_answer(
    node: &Url,
    headers: TaskHeaders,
    answer: impl Future<Output = Result<NodeUsage, Status>>,
    usage: &RemoteUsage,
) {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
    match answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("the node does not answer"))) {
        Ok(part) => usage.add(part),
        Err(error) => tracing::warn!(
            query = %headers.query,
            %node,
            %error,
            "the query log has a query without what this node has used for it"
        ),
    }
}
