//! Opens the store: catalog, lake and checkpoint, then the log replayed over them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::catalog::Catalog;
use super::compaction::{CompactionOptions, Compactor};
use super::disk::Disk;
use super::flush::{self, FlushOptions, Flusher};
use super::group_commit::{CommitQueue, Committer};
use super::idempotency::IdempotencyKeys;
use super::lake::delta::{DeltaLog, TxnWatermark};
use super::lake::location::LakeLocation;
use super::lake::orphans;
use super::latest_value_cache::LatestValueCache;
use super::live::CommitFeed;
use super::memtable::ROW_BYTES;
use super::memtable::run::Run;
use super::retention::RetentionJob;
use super::state::{LoadedTables, SharedState};
use super::statistics::invalidations::Invalidations;
use super::statistics::materialization::Materialization;
use super::table::{PerTable, Table};
use super::wal::{Log, Record};
use super::{MEMORY_UNIT_BYTES, Store, checkpoint};
use crate::domain::{Clock, Result};

/// Configuration of a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub data_dir: PathBuf,
    /// `s3://bucket/prefix`; `None` puts the lake in the data directory.
    pub lake_url: Option<String>,
    pub wal_segment_bytes: u64,
    pub flush: FlushOptions,
    pub compaction: CompactionOptions,
    /// Memory limit for unflushed rows, bytes; writers wait while it is reached.
    pub memtable_cap_bytes: usize,
    /// How long writers wait before they get `Busy`.
    pub write_deadline: Duration,
    /// How far a reading's time may be ahead of the clock.
    pub max_future: Duration,
    /// Interval between two retention cycles.
    pub retention_interval: Duration,
    /// Memory limit for the latest rows kept for live readers, bytes.
    pub live_ring_bytes: usize,
}

impl Store {
    /// Opens the data directory and starts the committing thread and the background tasks. Must run inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// `Unavailable` for anything damaged or unreadable, naming it.
    pub async fn open(
        options: StoreOptions,
        catalog: Arc<Catalog>,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Store> {
        let dir = options.data_dir.clone();
        let place = match &options.lake_url {
            Some(url) => LakeLocation::s3(url)?,
            None => LakeLocation::local(disk.clone(), &dir.join("lake"))?,
        };
        let deltas = open_tables(&place).await?;
        let opened = load_tables(place.clone(), &deltas).await?;
        let flushed = opened.flushed;

        let (last, keys) = (Arc::new(LatestValueCache::default()), Arc::new(IdempotencyKeys::default()));
        checkpoint::load(disk.as_ref(), &dir, &last, &keys)?;
        let shared = SharedState::new(opened);
        let mut replayed = 0;
        let apply = |seq, payload: &[u8]| {
            let record = Record::decode(payload)?;
            replayed += record.readings.len();
            let run = Run::new(record.readings, seq);
            last.update(&run);
            record.idempotent.into_iter().for_each(|entry| keys.restore(entry));
            let keyed = record.upserts.iter().map(|rows| rows.with_seq(seq)).collect();
            shared.insert(vec![(run, seq)], keyed);
            Ok(())
        };
        let log = Log::open(disk.clone(), &dir.join("wal"), options.wal_segment_bytes, flushed, apply)?;
        // Only now are log and lake known to belong together, so that every row missing in the lake is in the log.
        for table in Table::ALL {
            let live = shared.lake(table).files().map(|f| f.path.clone()).collect();
            orphans::remove(place.disk().as_ref(), deltas[table].dir(), &live)?;
        }
        tracing::info!(rows = replayed, flushed, next = log.next_seq(), "log replayed");

        let cap_units = options.memtable_cap_bytes / MEMORY_UNIT_BYTES;
        // Replayed rows are already in memory: count them, up to the cap.
        let held = (replayed * ROW_BYTES).div_ceil(MEMORY_UNIT_BYTES).min(cap_units);
        let live = CommitFeed::new(disk.clone(), dir.join("wal"), log.next_seq(), options.live_ring_bytes);
        let (shared, log) = (Arc::new(shared), Arc::new(Mutex::new(log)));
        let parts = OpenedParts { shared, last, keys, log, live, disk, clock };
        Ok(parts.start(options, catalog, deltas, (cap_units, held)))
    }
}

struct OpenedParts {
    shared: Arc<SharedState>,
    last: Arc<LatestValueCache>,
    keys: Arc<IdempotencyKeys>,
    log: Arc<Mutex<Log>>,
    live: Arc<CommitFeed>,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
}

impl OpenedParts {
    fn start(
        self,
        options: StoreOptions,
        catalog: Arc<Catalog>,
        deltas: PerTable<DeltaLog>,
        (cap_units, held): (usize, usize),
    ) -> Store {
        let grown = Arc::new(Notify::new());
        let queue = Arc::new(CommitQueue::default());
        let budget = Arc::new(Semaphore::new(cap_units - held));
        let flusher = Arc::new(Flusher {
            backfill_flush_bytes: backfill_flush_bytes(&options),
            disk: self.disk,
            data_dir: options.data_dir,
            deltas: tokio::sync::Mutex::new(deltas),
            log: self.log.clone(),
            shared: self.shared.clone(),
            latest_values: self.last.clone(),
            idempotency: self.keys.clone(),
            clock: self.clock.clone(),
            options: options.flush,
            flush_wakeup: grown.clone(),
            writers_waiting: AtomicUsize::new(0),
            budget: budget.clone(),
            memtable_units: Arc::new(Mutex::new((held, 0))),
            files_since_compaction: AtomicUsize::new(0),
            compaction_trigger: Notify::new(),
        });
        let committer = Committer {
            queue: queue.clone(),
            log: self.log,
            shared: self.shared.clone(),
            latest_values: self.last.clone(),
            live: self.live.clone(),
            memtable_units: flusher.memtable_units.clone(),
            flush_wakeup: grown,
        };
        let thread = std::thread::Builder::new().name("basalt-commit".to_owned());
        let committer = thread.spawn(move || committer.run()).expect("a thread can be started at start");
        let compactor = Arc::new(Compactor::new(flusher.clone(), catalog.clone(), options.compaction));
        let interval = options.retention_interval;
        let retention = RetentionJob::new(flusher.clone(), compactor.clone(), catalog.clone(), interval);
        let retention = Arc::new(retention);
        let background = vec![
            tokio::spawn(flusher.clone().run()),
            tokio::spawn(compactor.clone().run()),
            tokio::spawn(retention.clone().run()),
        ];
        Store {
            catalog,
            clock: self.clock,
            shared: self.shared,
            latest_values: self.last,
            idempotency: self.keys,
            live: self.live,
            queue,
            flusher,
            compactor,
            retention,
            budget,
            cap_units,
            write_deadline: options.write_deadline,
            max_future_us: i64::try_from(options.max_future.as_micros()).unwrap_or(i64::MAX),
            assigned: Mutex::default(),
            committer: Mutex::new(Some(committer)),
            background: Mutex::new(background),
        }
    }
}

/// Half of the memory cap. The other half takes the writes that arrive during the flush.
fn backfill_flush_bytes(options: &StoreOptions) -> usize {
    options.flush.bytes.max(options.memtable_cap_bytes / 2)
}

async fn open_tables(place: &LakeLocation) -> Result<PerTable<DeltaLog>> {
    let [readings, statistics, messages] = Table::ALL;
    Ok(PerTable::from_array([
        DeltaLog::open(place, readings).await?,
        DeltaLog::open(place, statistics).await?,
        DeltaLog::open(place, messages).await?,
    ]))
}

/// Loads the live files of the tables, and how far statistics are computed.
async fn load_tables(place: LakeLocation, deltas: &PerTable<DeltaLog>) -> Result<LoadedTables> {
    let statistics = &deltas[Table::Statistics];
    let mut computed = Materialization::default();
    if let Some(sealed) = statistics.watermark(TxnWatermark::Sealed).await? {
        let seq = statistics.watermark(TxnWatermark::Computed).await?.map_or(0, i64::unsigned_abs);
        computed = computed.advanced(seq, sealed);
    }
    let readings = deltas[Table::Readings].lake_version()?;
    let flushed = flush::flushed_seq(&deltas[Table::Readings]).await?;
    let mut touched = Invalidations::default();
    readings.files().filter(|f| f.seq.1 > computed.seq).for_each(|f| touched.add_file(f));
    Ok(LoadedTables {
        lakes: PerTable::from_array([
            readings,
            statistics.lake_version()?,
            deltas[Table::Messages].lake_version()?,
        ]),
        place,
        flushed,
        computed: computed.with_invalidations(flushed, touched),
    })
}
