//! An application over an empty directory, for tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::ai::query_models::QueryModels;
use super::ai::{LOADED_BYTES, ModelRuntime};
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::session::SessionOptions;
use super::{App, AppSettings};
use crate::domain::Clock;
use crate::domain::time::SystemClock;
use crate::query::{Engine, EngineOptions};
use crate::store::catalog::Catalog;
use crate::store::compaction::CompactionOptions;
use crate::store::disk::LocalDisk;
use crate::store::flush::FlushOptions;
use crate::store::{Store, StoreOptions};

/// Opens an application over an empty directory, which exists until the `TempDir` is dropped.
pub async fn open() -> (TempDir, App) {
    let dir = tempfile::tempdir().expect("a directory");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let catalog = Arc::new(Catalog::open("sqlite::memory:", clock.clone()).await.expect("a catalog"));
    let flush = FlushOptions { bytes: 1 << 20, age: Duration::from_secs(60), wal_keep_bytes: 0 };
    let compaction = CompactionOptions {
        interval: Duration::from_secs(60),
        keep_removed: Duration::from_secs(60),
        memory_bytes: 1 << 20,
        cpu_share: 1.0,
    };
    let options = StoreOptions {
        data_dir: dir.path().to_owned(),
        lake_url: None,
        objects_url: None,
        wal_segment_bytes: 1 << 20,
        flush,
        compaction,
        memtable_cap_bytes: 1 << 20,
        write_deadline: Duration::from_secs(1),
        max_future: Duration::from_secs(1),
        max_ahead_live: Duration::from_secs(1),
        retention_interval: Duration::from_secs(60),
        live_ring_bytes: 1 << 20,
    };
    let store = Store::open(options, catalog, Arc::new(LocalDisk), clock.clone()).await.expect("a store");
    let store = Arc::new(store);
    let states = CollectorStates::new(store.clone());
    let options = EngineOptions {
        timeout: Duration::from_secs(1),
        max_rows: 10,
        memory_bytes: 1 << 20,
        share_bytes: 1 << 20,
        max_running: 1,
        max_waiting: 1,
        queue_deadline: Duration::from_secs(1),
        spill_dir: dir.path().join("spill"),
        spread: None,
    };
    let ai = ModelRuntime::new(store.clone(), LOADED_BYTES);
    let models = Arc::new(QueryModels::new(ai.clone()));
    let engine = Engine::new(store.clone(), Arc::new(states.clone()), models, options).expect("an engine");
    let settings = settings(dir.path());
    let parts = CoreParts { store, engine: Arc::new(engine), clock, states };
    (dir, App::new(parts, ai, settings))
}

fn settings(data_dir: &Path) -> AppSettings {
    AppSettings {
        data_dir: data_dir.to_owned(),
        body_bytes: 1 << 20,
        sessions: SessionOptions::default(),
        audit_keep: Duration::from_secs(60),
        metrics_public: false,
        graphql: Default::default(),
        cluster: Default::default(),
        host: Default::default(),
        media: Default::default(),
        cors: Default::default(),
        base_path: Default::default(),
        compat: Default::default(),
        live: Default::default(),
        messages: Default::default(),
        mqtt: Default::default(),
        smtp: Default::default(),
        commands: Default::default(),
        opensynaptic: Default::default(),
        queries: Arc::default(),
        series: Default::default(),
        backup_dir: None,
    }
}
