//! Basalt in process: store, engine and application over a directory, without a process of its own.
//!
//! For cases that reach behind the sockets: a disk that fails, a flush at this moment, an answer in batches.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::json::ArrayWriter;
use basalt::app::ai::query_models::QueryModels;
use basalt::app::ai::{LOADED_BYTES, ModelRuntime};
use basalt::app::collector_ports::CollectorStates;
use basalt::app::compat::CompatSettings;
use basalt::app::core_parts::CoreParts;
use basalt::app::host::HostSettings;
use basalt::app::live::LiveSettings;
use basalt::app::mk::MkSettings;
use basalt::app::session::SessionOptions;
use basalt::app::{App, AppSettings};
use basalt::auth::rate_limiter::AttemptBudget;
use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::progress::Progress;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::stream::{StreamKind, StreamSpec};
use basalt::domain::{Clock, DeviceId, Micros, Principal, Result, StreamId};
use basalt::query::engine::{QueryOutput, StatementRequest};
use basalt::query::log::Surface;
use basalt::query::named::NamedQueries;
use basalt::query::params::Params;
use basalt::query::readings_list::ValuesQuery;
use basalt::query::{Engine, EngineOptions};
use basalt::store::catalog::Catalog;
use basalt::store::compaction::CompactionOptions;
use basalt::store::disk::{Disk, LocalDisk};
use basalt::store::flush::FlushOptions;
use basalt::store::table::Table;
use basalt::store::upsert_rows::UpsertRows;
use basalt::store::{Store, StoreOptions};
use futures::TryStreamExt;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::Client;

/// 2026-04-28T12:00:00Z.
pub const NOW: i64 = 1_777_377_600_000_000;
pub const MINUTE: i64 = 60_000_000;
pub const DAY: i64 = 86_400_000_000;

/// Each question is answered a microsecond later.
pub struct StepClock {
    now: AtomicI64,
    passed: AtomicI64,
}

impl StepClock {
    pub fn new() -> Arc<StepClock> {
        Arc::new(StepClock { now: AtomicI64::new(NOW), passed: AtomicI64::new(0) })
    }

    /// Somebody sets the clock, also back.
    pub fn jump(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
    }

    /// Time goes by.
    pub fn advance(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::Relaxed);
        self.passed.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for StepClock {
    fn now(&self) -> Micros {
        Micros(self.now.fetch_add(1, Ordering::Relaxed))
    }

    fn monotonic(&self) -> Micros {
        Micros(self.passed.load(Ordering::Relaxed))
    }
}

/// A catalog of its own, with one device and its streams: ids from 1, numbers first, the last of them a text.
pub struct TestEnv {
    pub catalog: Arc<Catalog>,
    pub clock: Arc<StepClock>,
    pub owner: Principal,
    /// `CompactionOptions::memory_bytes` of what is opened.
    pub merge_memory_bytes: usize,
    url: String,
    _dir: TempDir,
}

impl TestEnv {
    pub async fn new(streams: i32) -> TestEnv {
        let dir = tempfile::tempdir().unwrap();
        let clock = StepClock::new();
        let url = format!("sqlite://{}", dir.path().join("catalog.sqlite").display());
        let catalog = Arc::new(Catalog::open(&url, clock.clone()).await.unwrap());
        let owner = Principal::system(catalog.orgs.default_org());
        let device =
            catalog.devices.create_device(&owner, DeviceSpec::new("plant", Protocol::Virtual)).await.unwrap();
        for n in 1..=streams {
            let kind = if n == streams { StreamKind::Text } else { StreamKind::Fp64 };
            let spec = StreamSpec { kind, ..StreamSpec::new(format!("s{n}"), device.id) };
            assert_eq!(catalog.streams.create_stream(&owner, spec).await.unwrap().id, StreamId(n));
        }
        TestEnv { catalog, clock, owner, merge_memory_bytes: 128 << 20, url, _dir: dir }
    }

    /// One with an open data directory of its own.
    pub async fn open_new(streams: i32) -> (TestEnv, TempDir, TestDb) {
        let (env, dir) = (TestEnv::new(streams).await, tempfile::tempdir().unwrap());
        let db = env.open_local(dir.path()).await;
        (env, dir, db)
    }

    /// The catalog as a restart reads it, shortly after a cycle of retention has seen the clock.
    pub async fn reload(&mut self) {
        self.reopen_catalog().await;
        self.catalog.retention.remember_clock(self.clock.now());
    }

    /// The catalog as a restart reads it, which knows of the clock what is in the data directory.
    pub async fn reopen_catalog(&mut self) {
        self.catalog = Arc::new(Catalog::open(&self.url, self.clock.clone()).await.unwrap());
    }

    /// Opens `dir` as a data directory; small segments, no flush but on demand.
    pub async fn open(&self, dir: &Path, disk: Arc<dyn Disk>) -> Result<TestDb> {
        let mut options = StoreOptions { wal_segment_bytes: 1024, ..store_options(dir) };
        options.compaction.memory_bytes = self.merge_memory_bytes;
        TestDb::open(options, self.catalog.clone(), disk, self.clock.clone()).await
    }

    pub async fn open_local(&self, dir: &Path) -> TestDb {
        self.open(dir, Arc::new(LocalDisk)).await.unwrap()
    }
}

/// A message as it came from a device.
pub fn message(device: DeviceId, ts: Micros, text: &str) -> UpsertRows {
    let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![ts.0]).with_timezone("UTC"));
    let words = |word: String| -> ArrayRef { Arc::new(StringArray::from(vec![word])) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![device.0])),
        time.clone(),
        words(format!("00000000-0000-0000-0000-{:012}", device.0)),
        time,
        words("ONLINE".to_owned()),
        words(serde_json::json!({ "id": text }).to_string()),
        words("fact".to_owned()),
        words(String::new()),
        words(String::new()),
        Arc::new(Int32Array::from(vec![0])),
        Arc::new(Int64Array::from(vec![0])),
    ];
    let batch = RecordBatch::try_new(Table::Messages.schema(), columns).unwrap();
    UpsertRows::new(Table::Messages, batch).unwrap()
}

pub fn store_options(dir: &Path) -> StoreOptions {
    let hour = Duration::from_secs(3600);
    StoreOptions {
        data_dir: dir.to_owned(),
        lake_url: None,
        objects_url: None,
        wal_segment_bytes: 16 << 20,
        flush: FlushOptions { bytes: 64 << 20, age: hour, wal_keep_bytes: 0 },
        compaction: CompactionOptions {
            interval: hour,
            keep_removed: Duration::ZERO,
            memory_bytes: 128 << 20,
            cpu_share: 1.0,
        },
        memtable_cap_bytes: 64 << 20,
        write_deadline: Duration::from_secs(5),
        max_future: 31 * 24 * hour,
        max_ahead_live: Duration::from_secs(60),
        retention_interval: hour,
        live_ring_bytes: 16 << 20,
    }
}

pub fn engine_options(dir: &Path) -> EngineOptions {
    EngineOptions {
        timeout: Duration::from_secs(60),
        max_rows: 1_000_000,
        memory_bytes: 256 << 20,
        share_bytes: 128 << 20,
        max_running: 4,
        max_waiting: 64,
        queue_deadline: Duration::from_secs(30),
        spill_dir: dir.join("run").join("spill"),
        spread: None,
    }
}

/// Serves HTTP on a free port for as long as the test runs; clients of it by key.
pub async fn serve(app: Arc<App>) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, basalt::api::router(app)).await });
    Client::new(&url, "none")
}

/// An open data directory. Dropping it is a crash of the process: nothing is flushed.
#[derive(Clone)]
pub struct TestDb {
    pub store: Arc<Store>,
    pub engine: Arc<Engine>,
    pub clock: Arc<StepClock>,
    pub dir: PathBuf,
    /// Not in the data directory: the disk under test holds only what the store put there.
    _spill: Arc<TempDir>,
}

impl TestDb {
    pub async fn open(
        options: StoreOptions,
        catalog: Arc<Catalog>,
        disk: Arc<dyn Disk>,
        clock: Arc<StepClock>,
    ) -> Result<TestDb> {
        let dir = options.data_dir.clone();
        let store = Arc::new(Store::open(options, catalog, disk, clock.clone()).await?);
        let spill = tempfile::tempdir().unwrap();
        let models = Arc::new(QueryModels::new(ModelRuntime::new(store.clone(), LOADED_BYTES)));
        let options = engine_options(spill.path());
        let engine =
            Engine::new(store.clone(), Arc::new(CollectorStates::new(store.clone())), models, options)?;
        Ok(TestDb { store, engine: Arc::new(engine), clock, dir, _spill: Arc::new(spill) })
    }

    /// Returns this database with other limits on queries.
    pub fn with_engine_options(self, change: impl FnOnce(&mut EngineOptions)) -> TestDb {
        let spill = tempfile::tempdir().unwrap();
        let mut options = engine_options(spill.path());
        change(&mut options);
        let models = Arc::new(QueryModels::new(ModelRuntime::new(self.store.clone(), LOADED_BYTES)));
        let engine = Engine::new(
            self.store.clone(),
            Arc::new(CollectorStates::new(self.store.clone())),
            models,
            options,
        )
        .unwrap();
        TestDb { engine: Arc::new(engine), _spill: Arc::new(spill), ..self }
    }

    /// Flushes, and merges every day.
    pub async fn compact(&self) -> Result<usize> {
        self.store.compact(&Progress::default()).await
    }

    pub fn app(&self) -> Arc<App> {
        self.app_with(HostSettings::default())
    }

    pub fn app_with(&self, host: HostSettings) -> Arc<App> {
        let settings = AppSettings {
            data_dir: self.dir.clone(),
            body_bytes: 16 << 20,
            sessions: SessionOptions::default(),
            audit_keep: Duration::from_secs(400 * 86_400),
            metrics_public: false,
            graphql: Default::default(),
            host,
            cluster: Default::default(),
            media: Default::default(),
            cors: Default::default(),
            base_path: Default::default(),
            mqtt: Default::default(),
            compat: CompatSettings {
                mk: MkSettings {
                    rate: AttemptBudget { attempts: 1_000_000, window_us: 1_000_000 },
                    ..MkSettings::default()
                },
                ..CompatSettings::default()
            },
            smtp: Default::default(),
            live: LiveSettings::default(),
            messages: Default::default(),
            commands: Default::default(),
            opensynaptic: Default::default(),
            queries: Arc::new(NamedQueries::load(None).unwrap()),
            series: Default::default(),
            backup_dir: None,
        };
        let parts = CoreParts {
            store: self.store.clone(),
            engine: self.engine.clone(),
            clock: self.clock.clone(),
            states: CollectorStates::new(self.store.clone()),
        };
        let ai = ModelRuntime::new(self.store.clone(), LOADED_BYTES);
        Arc::new(App::new(parts, ai, settings))
    }

    /// Serves HTTP on a free port for as long as the test runs; clients of it by key.
    pub async fn serve(&self) -> Client {
        serve(self.app()).await
    }

    /// Every reading of a list.
    pub async fn values(&self, who: &Principal, query: ValuesQuery) -> Vec<Reading> {
        let chunks: Vec<Readings> =
            self.engine.values(who, query).await.unwrap().try_collect().await.unwrap();
        chunks.iter().flat_map(|rows| rows.iter().collect::<Vec<_>>()).collect()
    }

    /// The rows of a query, which has to succeed, as JSON objects.
    pub async fn sql(&self, who: &Principal, query: &str) -> Vec<Value> {
        let answer = self.try_sql(who, query, &Value::Null).await;
        answer.unwrap_or_else(|e| panic!("{query}\n  {e} {:?}", e.source))
    }

    /// An answer to be read.
    pub async fn query_stream(&self, who: &Principal, query: &str, params: &Value) -> Result<QueryOutput> {
        let (text, params) = (query.to_owned(), Params::Json(params.clone()));
        self.engine.sql(who, StatementRequest { text, params, surface: Surface::Sql, settings: None }).await
    }

    pub async fn try_sql(&self, who: &Principal, query: &str, params: &Value) -> Result<Vec<Value>> {
        let QueryOutput { batches, .. } = self.query_stream(who, query, params).await?;
        let batches: Vec<_> = batches.try_collect().await?;
        let mut writer = ArrayWriter::new(Vec::new());
        writer.write_batches(&batches.iter().collect::<Vec<_>>()).unwrap();
        writer.finish().unwrap();
        let bytes = writer.into_inner();
        Ok(if bytes.is_empty() { Vec::new() } else { serde_json::from_slice(&bytes).unwrap() })
    }
}
