//! Requests of the nodes of a cluster to each other. A node is recognized by the cluster's secret and may read every organization, as
//! whoever has the lake's bucket may.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::time::{Interval, MissedTickBehavior, interval};
use url::Url;
use uuid::Uuid;

use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use crate::auth::admin_token::AdminToken;
use crate::domain::cluster::{ClusterNode, ClusterRole, OwnerStates, TailQuery};
use crate::domain::device::DeviceFilter;
use crate::domain::ports::{DeviceStatusSource, OwnerNode};
use crate::domain::{Error, Kind, Micros, OrgId, Principal, Result};
use crate::fetch::owner_client::OwnerClient;
use crate::query::Engine;
use crate::store::Store;

/// Interval in which a query node looks for changes of the catalog, so that what runs for long ends when its key does.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);
/// Intervals in which a query node saves the refusals and the uses of keys that it counts, as the ingest node does.
const SAVE_REFUSALS: Duration = Duration::from_secs(5);
const SAVE_USES: Duration = Duration::from_secs(60);

/// How long a tail waits for the version of the catalog: it is of use only when it takes less time than a question of the query
/// node.
const VERSION_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns what asks the owner of a lake on its listener for nodes, which has this URL.
///
/// # Errors
/// `Invalid` naming the configuration key of a secret or of certificates that cannot be used.
pub fn owner_node(url: Url, secret: &str, ca: Option<&str>) -> Result<Arc<dyn OwnerNode>> {
    Ok(Arc::new(OwnerClient::new(url, secret, ca)?))
}

/// The configuration of a cluster that the core needs.
#[derive(Debug, Clone, Default)]
pub struct ClusterSettings {
    /// Secret by which nodes prove themselves; `None` where there is no cluster.
    pub secret: Option<AdminToken>,
    /// This server as a node; `None` where there is no cluster.
    pub node: Option<NodeIdentity>,
}

/// This server as a node of its cluster.
#[derive(Debug, Clone)]
pub struct NodeIdentity {
    /// Of this run of the process.
    pub id: Uuid,
    pub role: ClusterRole,
    /// Its listener for query nodes as other nodes reach it.
    pub url: Option<Url>,
    /// When the process started.
    pub started_at: Micros,
}

/// Nodes of the cluster as they were at the last renewal; none for a server that is no node. They are for the server
/// itself: callers see the table `nodes`.
pub(super) type KnownNodes = Arc<RwLock<Arc<Vec<ClusterNode>>>>;

/// This server's part in its cluster: tails for query nodes, its entry among the nodes, and the upkeep of a query node.
pub struct ClusterMembership {
    pub(super) store: Arc<Store>,
    pub(super) engine: Arc<Engine>,
    states: CollectorStates,
    pub(super) settings: ClusterSettings,
    pub(super) nodes: KnownNodes,
}

impl ClusterMembership {
    pub(super) fn new(parts: &CoreParts, nodes: KnownNodes, settings: &ClusterSettings) -> Self {
        let (store, engine, states) = (parts.store.clone(), parts.engine.clone(), parts.states.clone());
        Self { store, engine, states, settings: settings.clone(), nodes }
    }

    /// Returns, encoded, the unflushed rows of an organization that a query node lacks and the versions of the lake that have all
    /// others.
    ///
    /// # Errors
    /// `Unauthorized` unless the secret is the cluster's; `Unavailable` once another server has taken the lake over.
    pub fn tail(&self, secret: &str, query: TailQuery) -> Result<Vec<u8>> {
        self.check_is_node(secret)?;
        self.store.check_ownership()?;
        self.store.tail(query, |org| self.owner_states(org)).encode()
    }

    /// Reads the version of the catalog that `tail` tells, unless it is known. Where it cannot be read at once, tails are
    /// without, and query nodes ask the catalog's database themselves.
    pub async fn learn_catalog_version(&self) {
        let reading = tokio::time::timeout(VERSION_TIMEOUT, self.store.catalog().learn_mirror_version());
        let late = || Err(Error::new(Kind::Timeout, "the catalog's database took too long"));
        if let Err(error) = reading.await.unwrap_or_else(|_| late()) {
            tracing::debug!(error = error.full_message(), "query nodes are told no version of the catalog");
        }
    }

    /// Checks that this is the secret of the cluster.
    ///
    /// # Errors
    /// `Unauthenticated` otherwise.
    pub fn check_is_node(&self, secret: &str) -> Result<()> {
        if self.is_node(secret) {
            return Ok(());
        }
        Err(Error::new(Kind::Unauthenticated, "the secret is not the one of this cluster"))
    }

    /// Whether this is the secret of the cluster, which its nodes have.
    pub fn is_node(&self, secret: &str) -> bool {
        self.settings.secret.as_ref().is_some_and(|own| own.matches(secret))
    }

    fn owner_states(&self, org: OrgId) -> OwnerStates {
        let all = Principal::system(org);
        let devices = self.store.catalog().devices.devices(&all, &DeviceFilter::default());
        let devices = devices.iter().map(|device| (device.id, self.states.status(device))).collect();
        OwnerStates { devices, sessions: self.states.mqtt_sessions(&all) }
    }

    /// On a query node, waits until every change of the catalog that was committed before is known here: credentials are then
    /// judged by what holds now.
    ///
    /// # Errors
    /// `Unavailable` when the catalog's database does not answer.
    pub async fn catch_up_catalog(&self) -> Result<()> {
        self.store.catalog().catch_up().await
    }

    /// Runs forever on a query node: follows the catalog, saves what is counted in memory, and renews the entry of this node. It
    /// may be stopped at any moment: `save_counts` writes what is left.
    pub async fn run_query_node_maintenance(&self) {
        // Beside each other: a large catalog may take longer to load than a node may be silent, and a save may wait for as long as
        // a large change of the ingest node takes.
        tokio::join!(self.run_node_renewal(), self.run_following(), self.run_saves());
    }

    async fn run_following(&self) {
        let mut ticks = delayed_interval(FOLLOW_INTERVAL);
        loop {
            ticks.tick().await;
            warn_if_failed("changes of the catalog", self.catch_up_catalog().await);
        }
    }

    async fn run_saves(&self) {
        let (mut refusals, mut uses) = (delayed_interval(SAVE_REFUSALS), delayed_interval(SAVE_USES));
        loop {
            let (what, done) = tokio::select! {
                _ = refusals.tick() => ("refused accesses", self.store.catalog().audit.save_denials().await),
                _ = uses.tick() => ("uses of keys", self.store.catalog().keys.save_last_used().await),
            };
            warn_if_failed(what, done);
        }
    }

    /// Writes the uses of keys and the refusals that a query node has counted.
    pub async fn save_counts(&self) -> Result<()> {
        let refusals = self.store.catalog().audit.save_denials().await;
        refusals.and(self.store.catalog().keys.save_last_used().await)
    }
}

/// Ticks at once and then in this interval, counted from a tick that came late.
fn delayed_interval(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn warn_if_failed(what: &str, done: Result<()>) {
    if let Err(error) = done {
        tracing::warn!(error = error.full_message(), "{what}: the work was not finished; it is tried again");
    }
}
