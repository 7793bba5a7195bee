//! An empty store in a temporary directory, for the fuzz targets that need one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::domain::time::SystemClock;
use crate::domain::{Clock, Principal};
use crate::store::catalog::Catalog;
use crate::store::compaction::CompactionOptions;
use crate::store::disk::LocalDisk;
use crate::store::flush::FlushOptions;
use crate::store::{Store, StoreOptions};

/// A store with everything that must live as long as it does.
pub struct FuzzStore {
    pub runtime: Runtime,
    pub dir: TempDir,
    pub store: Arc<Store>,
    /// A principal that may do everything.
    pub owner: Principal,
}

impl FuzzStore {
    pub fn open() -> FuzzStore {
        let runtime = Runtime::new().expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = store_options(dir.path());
        let (store, owner) = runtime.block_on(async {
            let catalog = Catalog::open("sqlite::memory:", clock.clone()).await.expect("a catalog");
            let owner = Principal::system(catalog.orgs.default_org());
            let store = Store::open(options, Arc::new(catalog), Arc::new(LocalDisk), clock).await;
            (Arc::new(store.expect("a store")), owner)
        });
        FuzzStore { runtime, dir, store, owner }
    }
}

/// Options of a small store in a directory, which does nothing by itself.
pub fn store_options(dir: &Path) -> StoreOptions {
    let hour = Duration::from_secs(3600);
    StoreOptions {
        data_dir: dir.to_owned(),
        lake_url: None,
        objects_url: None,
        wal_segment_bytes: 1 << 20,
        flush: FlushOptions { bytes: 1 << 20, age: hour, wal_keep_bytes: 0 },
        compaction: CompactionOptions {
            interval: hour,
            keep_removed: hour,
            memory_bytes: 1 << 20,
            cpu_share: 1.0,
        },
        memtable_cap_bytes: 1 << 20,
        write_deadline: Duration::from_secs(1),
        max_future: hour,
        max_ahead_live: Duration::from_secs(60),
        retention_interval: hour,
        live_ring_bytes: 1 << 20,
    }
}
