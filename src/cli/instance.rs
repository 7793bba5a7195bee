//! Builds the parts of Basalt over one data directory: catalog, store, query engine, application.
//!
//! The parts that only a server runs (collectors, HTTP) are in serve.rs.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::config::{Config, NodeRole};
use super::dir_lock::DirLock;
use super::{file_permissions, ingest_node};
use crate::app::ai::ModelRuntime;
use crate::app::ai::query_models::QueryModels;
use crate::app::cluster::{ClusterSettings, NodeIdentity};
use crate::app::collector_ports::CollectorStates;
use crate::app::core_parts::CoreParts;
use crate::app::media::MediaSettings;
use crate::app::session::SessionOptions;
use crate::app::{App, AppSettings};
use crate::auth::admin_token::AdminToken;
use crate::domain::cluster::ClusterRole;
use crate::domain::time::SystemClock;
use crate::domain::{Clock, Error, Micros, Result};
use crate::query::named::NamedQueries;
use crate::query::{Engine, EngineOptions};
use crate::store::backup::UNFINISHED_MARKER;
use crate::store::catalog::Catalog;
use crate::store::compaction::CompactionOptions;
use crate::store::disk::LocalDisk;
use crate::store::flush::FlushOptions;
use crate::store::{Store, StoreOptions};

/// How long a writer waits for memory before it is asked to retry.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a query waits in the queue.
const QUEUE_DEADLINE: Duration = Duration::from_secs(10);

/// An open data directory.
pub struct Instance {
    pub app: Arc<App>,
    pub store: Arc<Store>,
    pub engine: Arc<Engine>,
    pub clock: Arc<dyn Clock>,
    /// Last field, so that the lock is released after everything above is closed.
    _lock: DirLock,
}

/// Opens a data directory whose lock the caller holds.
pub async fn open_instance(config: &Config, lock: DirLock) -> Result<Instance> {
    if config.data_dir.join(UNFINISHED_MARKER).exists() {
        return Err(Error::unavailable(format!(
            "{} holds a restore that was not finished: empty the directory and restore again",
            config.data_dir.display()
        )));
    }
    let queries = Arc::new(NamedQueries::load(config.queries_dir.as_deref())?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Arc::new(match config.cluster.role {
        NodeRole::All | NodeRole::Ingest => open_store(config, clock.clone()).await?,
        NodeRole::Query => open_replica(config, clock.clone()).await?,
    });
    let states = CollectorStates::new(store.clone());
    let ai = ModelRuntime::new(store.clone(), to_usize(config.ai_loaded_bytes));
    let models = Arc::new(QueryModels::new(ai.clone()));
    let engine = Engine::new(store.clone(), Arc::new(states.clone()), models, engine_options(config)?)?;
    let settings = AppSettings {
        data_dir: config.data_dir.clone(),
        body_bytes: to_usize(config.limits.body_bytes),
        sessions: SessionOptions {
            // With TLS, no session cookie may travel without it.
            secure_cookies: config.sessions.secure_cookies || config.tls.cert.is_some(),
            ..config.sessions.clone()
        },
        audit_keep: config.audit_keep,
        metrics_public: config.metrics_public,
        graphql: config.graphql,
        host: config.host.clone(),
        cluster: ClusterSettings {
            secret: config.cluster.secret.as_ref().and_then(|secret| AdminToken::parse(secret.expose())),
            node: node_identity(config, clock.now()),
        },
        media: MediaSettings { networks: config.networks.clone(), ..config.media.clone() },
        cors: config.cors.clone(),
        base_path: config.base_path.clone(),
        compat: config.compat.clone(),
        live: config.live.clone(),
        messages: config.messages.clone(),
        mqtt: config.mqtt.settings.clone(),
        smtp: config.smtp.clone(),
        commands: config.commands.clone(),
        opensynaptic: config.opensynaptic.settings.clone(),
        queries,
        series: config.series.clone(),
        backup_dir: config.backup_dir.clone(),
    };
    let engine = Arc::new(engine);
    let parts = CoreParts { store: store.clone(), engine: engine.clone(), clock: clock.clone(), states };
    let app = Arc::new(App::new(parts, ai, settings));
    Ok(Instance { app, store, engine, clock, _lock: lock })
}

/// Returns this process as a node; `None` where it belongs to no cluster.
fn node_identity(config: &Config, started_at: Micros) -> Option<NodeIdentity> {
    let role = match config.cluster.role {
        NodeRole::Query => ClusterRole::Query,
        NodeRole::All | NodeRole::Ingest => {
            config.cluster.listen?;
            ClusterRole::Ingest
        }
    };
    let url = config.cluster.advertised(config.tls.cert.is_some());
    Some(NodeIdentity { id: Uuid::new_v4(), role, url, started_at })
}

/// Opens the catalog and the store that this process owns.
async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store> {
    let catalog_url = catalog_url(config);
    file_permissions::restrict_catalog(&catalog_url);
    let catalog = Arc::new(Catalog::open(&catalog_url, clock.clone()).await?);
    catalog.orgs.set_org_limits(config.limits.organization);
    let store = Store::open(store_options(config), catalog, Arc::new(LocalDisk), clock).await?;
    store.check_catalog().await?;
    Ok(store)
}

/// Opens the catalog and the lake of the ingest node, for queries.
async fn open_replica(config: &Config, clock: Arc<dyn Clock>) -> Result<Store> {
    let catalog = Arc::new(Catalog::open_follower(&catalog_url(config), clock.clone()).await?);
    let owner = ingest_node::owner_node(&config.cluster)?;
    Store::open_replica(store_options(config), catalog, owner, Arc::new(LocalDisk), clock).await
}

impl Instance {
    /// Commits pending writes, flushes, saves the catalog's in-memory state and releases the directory.
    pub async fn close(self) -> Result<()> {
        let closed = self.store.close().await;
        // What was written until then is counted.
        let remembered = self.app.node.maintenance.save_pending().await;
        closed.and(remembered)
    }
}

/// Returns the URL of the catalog database.
pub fn catalog_url(config: &Config) -> String {
    let own = || format!("sqlite://{}", config.data_dir.join("catalog.sqlite").display());
    config.catalog_url.clone().unwrap_or_else(own)
}

fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        data_dir: config.data_dir.clone(),
        lake_url: config.lake.url.clone(),
        objects_url: config.objects_url.clone(),
        wal_segment_bytes: config.wal.segment,
        flush: FlushOptions {
            bytes: to_usize(config.flush.bytes),
            age: config.flush.age,
            wal_keep_bytes: config.wal.keep,
        },
        compaction: CompactionOptions {
            interval: config.compaction.interval,
            keep_removed: config.lake.keep_removed,
            memory_bytes: to_usize(config.compaction.memory),
            cpu_share: config.compaction.cpu,
        },
        memtable_cap_bytes: to_usize(config.memtable_cap),
        write_deadline: WRITE_DEADLINE,
        max_future: config.ingest_max_future,
        max_ahead_live: config.ingest_max_ahead_live.min(config.ingest_max_future),
        retention_interval: config.retention_interval,
        live_ring_bytes: to_usize(config.live_ring),
    }
}

fn engine_options(config: &Config) -> Result<EngineOptions> {
    let limits = &config.limits;
    Ok(EngineOptions {
        timeout: limits.query_timeout,
        max_rows: to_usize(limits.query_rows),
        memory_bytes: to_usize(limits.query_memory),
        share_bytes: to_usize(limits.query_share),
        max_running: limits.queries_running,
        max_waiting: limits.queries_waiting,
        queue_deadline: QUEUE_DEADLINE,
        spill_dir: config.data_dir.join("run").join("spill"),
        spread: ingest_node::spread_options(config)?,
    })
}

/// Converts a number of the configuration; one that is too large means no limit.
pub fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
