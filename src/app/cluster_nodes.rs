//! This server among the nodes of its cluster: it renews its entry in the catalog, and learns from that which others run.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use url::Url;

use super::cluster::{ClusterMembership, NodeIdentity};
use crate::domain::Result;
use crate::domain::cluster::{ClusterNode, ClusterRole, LEASE_S};
use crate::store::catalog::answer_within;

/// Interval in which a node renews its entry.
const RENEW_INTERVAL: Duration = Duration::from_secs(3);
/// How long what is known of the other nodes holds without a renewal.
const LEASE: Duration = Duration::from_secs(LEASE_S);
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl ClusterMembership {
    /// Notes in the catalog that this node runs, and takes over which others do. A server that is no node does nothing.
    ///
    /// # Errors
    /// `Unavailable` when the catalog's database does not answer; what was known stays.
    pub async fn renew_node(&self) -> Result<()> {
        let Some(identity) = &self.settings.node else { return Ok(()) };
        let nodes = self.store.catalog().nodes.renew_node(&entry(identity)).await?;
        if identity.role == ClusterRole::Query {
            self.engine.set_workers(worker_urls(&nodes));
        }
        *self.nodes.write() = Arc::new(nodes);
        Ok(())
    }

    /// Runs forever on a node of a cluster: renews its entry. Without a renewal for as long as the lease, no query is spread
    /// any more.
    pub(super) async fn run_node_renewal(&self) {
        let Some(identity) = &self.settings.node else { return };
        let mut ticks = interval(RENEW_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed_at = Instant::now();
        loop {
            ticks.tick().await;
            let patience = LEASE.saturating_sub(renewed_at.elapsed()).max(RENEW_INTERVAL);
            match answer_within(patience, self.renew_node()).await {
                Ok(()) => renewed_at = Instant::now(),
                Err(error) => {
                    tracing::warn!(
                        error = error.full_message(),
                        "this node's entry in the cluster: the work was not finished; it is tried again"
                    );
                    if identity.role == ClusterRole::Query && renewed_at.elapsed() >= LEASE {
                        self.engine.set_workers(Vec::new());
                    }
                }
            }
        }
    }

    /// Removes the entry of this node, when it stops in order. An entry that stays lapses.
    pub async fn leave_cluster(&self) {
        let Some(identity) = &self.settings.node else { return };
        let removal = self.store.catalog().nodes.remove_node(identity.id);
        if let Err(error) = answer_within(RENEW_INTERVAL, removal).await {
            tracing::warn!(
                error = error.full_message(),
                "this node's entry in the cluster was not removed; it lapses"
            );
        }
    }
}

/// The entry of this node. The database says when it was renewed.
fn entry(identity: &NodeIdentity) -> ClusterNode {
    ClusterNode {
        id: identity.id,
        role: identity.role,
        url: identity.url.as_ref().map(Url::to_string),
        version: VERSION.to_owned(),
        started_at: identity.started_at,
        renewed_at: identity.started_at,
        is_running: true,
    }
}

/// URLs of the query nodes that can be sent parts of a query: those that run, listen, and have the version of this one.
fn worker_urls(nodes: &[ClusterNode]) -> Vec<Url> {
    let is_worker =
        |node: &&ClusterNode| node.is_running && node.role == ClusterRole::Query && node.version == VERSION;
    let urls = nodes.iter().filter(is_worker).filter_map(|node| Url::parse(node.url.as_deref()?).ok());
    let mut urls: Vec<Url> = urls.collect();
    urls.sort();
    urls.dedup();
    urls
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::app::test_app;
    use crate::domain::Micros;

    fn node(role: ClusterRole, url: Option<&str>) -> ClusterNode {
        let url = url.map(|url| Url::parse(url).expect("a URL"));
        entry(&NodeIdentity { id: Uuid::new_v4(), role, url, started_at: Micros(1) })
    }

    #[test]
    fn parts_are_sent_to_query_nodes_that_run_this_version() {
        let (a, b, c) = ("http://127.0.0.1:8001/", "http://127.0.0.1:8002/", "http://127.0.0.1:8003/");
        let nodes = [
            node(ClusterRole::Query, Some(b)),
            node(ClusterRole::Query, Some(a)),
            node(ClusterRole::Query, Some(b)),
            node(ClusterRole::Query, None),
            node(ClusterRole::Ingest, Some(c)),
            ClusterNode { is_running: false, ..node(ClusterRole::Query, Some(c)) },
            ClusterNode { version: "0.0.0-other".to_owned(), ..node(ClusterRole::Query, Some(c)) },
            ClusterNode { url: Some("nowhere".to_owned()), ..node(ClusterRole::Query, None) },
        ];
        let urls = worker_urls(&nodes);
        assert_eq!(urls.iter().map(Url::as_str).collect::<Vec<_>>(), [a, b]);
    }

    #[tokio::test]
    async fn a_server_alone_is_no_node() {
        let (_dir, app) = test_app::open().await;
        let cluster = &app.node.cluster;
        cluster.run_node_renewal().await;
        cluster.leave_cluster().await;
        assert!(cluster.nodes.read().is_empty());
    }
}
