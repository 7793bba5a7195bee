//! A cluster in which every process can be killed or stopped and every link broken, for some time.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::spread::ALL;
use crate::support::{Cluster, DataDir, Link, LinkFault, ObjectStore, PostgresServer, S3Proxy, Server};

/// A fault in a cluster. Query nodes are named by their index.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    KillIngestNode,
    KillQueryNode(usize),
    StopIngestNode,
    StopQueryNode(usize),
    FailStore,
    RestartPostgres,
    /// The links of a query node to the ingest node: for tails, and for what is handed on.
    BreakOwnerLinks(usize, LinkFault),
    /// The link of a query node to PostgreSQL.
    BreakCatalogLink(usize, LinkFault),
    /// The link of the ingest node to PostgreSQL.
    BreakIngestCatalogLink(LinkFault),
}

/// Each kind of trouble once. The query nodes are alike: where a link has two faults, each node has one of them.
pub const TROUBLES: [Trouble; 14] = [
    Trouble::KillIngestNode,
    Trouble::KillQueryNode(0),
    Trouble::KillQueryNode(1),
    Trouble::StopIngestNode,
    Trouble::StopQueryNode(0),
    Trouble::StopQueryNode(1),
    Trouble::FailStore,
    Trouble::RestartPostgres,
    Trouble::BreakOwnerLinks(0, LinkFault::Cut),
    Trouble::BreakOwnerLinks(1, LinkFault::Silence),
    Trouble::BreakCatalogLink(0, LinkFault::Silence),
    Trouble::BreakCatalogLink(1, LinkFault::Cut),
    Trouble::BreakIngestCatalogLink(LinkFault::Cut),
    Trouble::BreakIngestCatalogLink(LinkFault::Silence),
];

/// A query node, and its links to the other parts of the cluster.
pub struct LinkedNode {
    pub server: Server,
    /// To the listeners of the ingest node, for nodes and for clients.
    owner: [Link; 2],
    catalog: Link,
}

impl LinkedNode {
    /// Starts one that divides every query.
    async fn start(cluster: &Cluster, postgres: &PostgresServer, store: (&str, &str)) -> LinkedNode {
        let owner = [Link::to(&cluster.owner_url()).await, Link::to(&cluster.ingest.url).await];
        let catalog = Link::to(&postgres.url()).await;
        let env: [(&str, &str); 5] = [
            store,
            ALL,
            ("BASALT_CLUSTER__OWNER", &owner[0].url),
            ("BASALT_CLUSTER__OWNER_HTTP", &owner[1].url),
            ("BASALT_CATALOG_URL", &catalog.url),
        ];
        LinkedNode { server: cluster.query_node(&env).await, owner, catalog }
    }
}

/// A cluster over a PostgreSQL of its own. All nodes reach the object store through one proxy, and each has its own links.
pub struct Plant {
    pub cluster: Cluster,
    pub nodes: [LinkedNode; 2],
    /// Of the ingest node.
    catalog: Link,
    store: S3Proxy,
    postgres: PostgresServer,
}

impl Plant {
    pub async fn start() -> Plant {
        let (objects, postgres) = tokio::join!(ObjectStore::start(), PostgresServer::start());
        let store = S3Proxy::start(&objects.url).await;
        let through = ("AWS_ENDPOINT_URL", store.url.as_str());
        let catalog = Link::to(&postgres.url()).await;
        // Small segments, frequent flushes and merges, so that troubles meet them.
        let env = [
            through,
            ("BASALT_WAL__SEGMENT", "64KB"),
            ("BASALT_WAL__KEEP", "1"),
            ("BASALT_FLUSH__AGE", "200ms"),
            ("BASALT_COMPACTION__INTERVAL", "1s"),
        ];
        let home = Arc::new(DataDir::new());
        let cluster = Cluster::start_on(catalog.url.clone(), objects, home, &env).await;
        let first = LinkedNode::start(&cluster, &postgres, through).await;
        let second = LinkedNode::start(&cluster, &postgres, through).await;
        Plant { cluster, nodes: [first, second], catalog, store, postgres }
    }

    /// Makes trouble for some time, after which everything runs again.
    pub async fn make(&mut self, trouble: Trouble, time: Duration, seed: u64) {
        match trouble {
            Trouble::KillIngestNode => restart_after_kill(&mut self.cluster.ingest, time).await,
            Trouble::KillQueryNode(node) => restart_after_kill(&mut self.nodes[node].server, time).await,
            Trouble::StopIngestNode => pause(&self.cluster.ingest, time).await,
            Trouble::StopQueryNode(node) => pause(&self.nodes[node].server, time).await,
            Trouble::FailStore => {
                self.store.fail_at_random(seed);
                tokio::time::sleep(time).await;
                self.store.heal();
            }
            Trouble::RestartPostgres => {
                self.postgres.kill().await;
                tokio::time::sleep(time).await;
                self.postgres.start_again().await;
            }
            Trouble::BreakOwnerLinks(node, fault) => {
                break_links(&self.nodes[node].owner, fault, time).await;
            }
            Trouble::BreakCatalogLink(node, fault) => {
                break_links(slice::from_ref(&self.nodes[node].catalog), fault, time).await;
            }
            Trouble::BreakIngestCatalogLink(fault) => {
                break_links(slice::from_ref(&self.catalog), fault, time).await;
            }
        }
    }
}

async fn restart_after_kill(server: &mut Server, time: Duration) {
    server.kill();
    tokio::time::sleep(time).await;
    server.start_again().await;
}

async fn pause(server: &Server, time: Duration) {
    server.signal("STOP");
    tokio::time::sleep(time).await;
    server.signal("CONT");
}

async fn break_links(links: &[Link], fault: LinkFault, time: Duration) {
    links.iter().for_each(|link| link.fail(fault));
    tokio::time::sleep(time).await;
    links.iter().for_each(Link::heal);
}
