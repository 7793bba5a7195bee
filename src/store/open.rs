//! Opening the store: catalog, lake, checkpoint, then the log replayed over them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::catalog::Catalog;
use super::commit::{Committer, Queue};
use super::compaction::{CompactionOptions, Compactor};
use super::disk::Disk;
use super::flush::{self, FlushOptions, Flusher};
use super::idempotency::Idempotency;
use super::lake::delta::{Delta, Position};
use super::lake::orphans;
use super::lake::place::Place;
use super::last::LastValues;
use super::live::Live;
use super::memtable::ROW_BYTES;
use super::memtable::run::Run;
use super::retention::Retention;
use super::state::{Opened, Shared};
use super::statistics::computed::Computed;
use super::statistics::touched::Touched;
use super::table::{PerTable, Table};
use super::wal::{Log, Record};
use super::{Store, UNIT_BYTES, checkpoint};
use crate::domain::{Clock, Result};

/// How a store behaves.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub data_dir: PathBuf,
    /// `s3://bucket/prefix`; none is a folder of the data directory.
    pub lake_url: Option<String>,
    pub wal_segment_bytes: u64,
    pub flush: FlushOptions,
    pub compaction: CompactionOptions,
    /// Unflushed rows may take this much memory; past it writers wait.
    pub memtable_cap_bytes: usize,
    /// How long they wait before `Busy`.
    pub write_deadline: Duration,
    /// How far ahead of the clock a reading may be.
    pub max_future: Duration,
    /// Between two removals of what has expired.
    pub retention_interval: Duration,
    /// The latest rows kept in memory for readers that follow, at most, bytes.
    pub live_ring_bytes: usize,
}

impl Store {
    /// Opens the data directory; starts the committing thread and the flusher. Must run inside a tokio runtime.
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
            Some(url) => Place::s3(url)?,
            None => Place::local(disk.clone(), &dir.join("lake"))?,
        };
        let deltas = open_tables(&place).await?;
        let opened = opened(place.clone(), &deltas).await?;
        let flushed = opened.flushed;

        let (last, keys) = (Arc::new(LastValues::default()), Arc::new(Idempotency::default()));
        checkpoint::load(disk.as_ref(), &dir, &last, &keys)?;
        let shared = Shared::new(opened);
        let mut replayed = 0;
        let apply = |seq, payload: &[u8]| {
            let record = Record::decode(payload)?;
            replayed += record.readings.len();
            let run = Run::new(record.readings, seq);
            last.update(&run);
            record.idempotent.into_iter().for_each(|entry| keys.restore(entry));
            let keyed = record.keyed.iter().map(|rows| rows.with_seq(seq)).collect();
            shared.insert(vec![(run, seq)], keyed);
            Ok(())
        };
        let log = Log::open(disk.clone(), &dir.join("wal"), options.wal_segment_bytes, flushed, apply)?;
        // Only now: log and lake belong together, so what the lake does not know is in the log.
        for table in Table::ALL {
            let live = shared.lake(table).files().map(|f| f.path.clone()).collect();
            orphans::remove(place.disk().as_ref(), deltas[table].dir(), &live)?;
        }
        tracing::info!(rows = replayed, flushed, next = log.next_seq(), "log replayed");

        let cap_units = options.memtable_cap_bytes / UNIT_BYTES;
        // Replayed rows are already in memory: they count, as far as the cap reaches.
        let held = (replayed * ROW_BYTES).div_ceil(UNIT_BYTES).min(cap_units);
        let live = Live::new(disk.clone(), dir.join("wal"), log.next_seq(), options.live_ring_bytes);
        let (shared, log) = (Arc::new(shared), Arc::new(Mutex::new(log)));
        let parts = Parts { shared, last, keys, log, live, disk, clock };
        Ok(parts.start(options, catalog, deltas, (cap_units, held)))
    }
}

struct Parts {
    shared: Arc<Shared>,
    last: Arc<LastValues>,
    keys: Arc<Idempotency>,
    log: Arc<Mutex<Log>>,
    live: Arc<Live>,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
}

impl Parts {
    fn start(
        self,
        options: StoreOptions,
        catalog: Arc<Catalog>,
        deltas: PerTable<Delta>,
        (cap_units, held): (usize, usize),
    ) -> Store {
        let grown = Arc::new(Notify::new());
        let queue = Arc::new(Queue::default());
        let budget = Arc::new(Semaphore::new(cap_units - held));
        let flusher = Arc::new(Flusher {
            spread_bytes: spread_bytes(&options),
            disk: self.disk,
            data_dir: options.data_dir,
            deltas: tokio::sync::Mutex::new(deltas),
            log: self.log.clone(),
            shared: self.shared.clone(),
            last: self.last.clone(),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            options: options.flush,
            grown: grown.clone(),
            writers_waiting: AtomicUsize::new(0),
            budget: budget.clone(),
            taken: Arc::new(Mutex::new((held, 0))),
            added: AtomicUsize::new(0),
            crowded: Notify::new(),
        });
        let committer = Committer {
            queue: queue.clone(),
            log: self.log,
            shared: self.shared.clone(),
            last: self.last.clone(),
            live: self.live.clone(),
            taken: flusher.taken.clone(),
            grown,
        };
        let thread = std::thread::Builder::new().name("basalt-commit".to_owned());
        let committer = thread.spawn(move || committer.run()).expect("a thread can be started at start");
        let compactor = Arc::new(Compactor::new(flusher.clone(), catalog.clone(), options.compaction));
        let interval = options.retention_interval;
        let retention = Retention::new(flusher.clone(), compactor.clone(), catalog.clone(), interval);
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
            last: self.last,
            keys: self.keys,
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

/// Half of the room: the other half takes the writes that come during the flush.
fn spread_bytes(options: &StoreOptions) -> usize {
    options.flush.bytes.max(options.memtable_cap_bytes / 2)
}

async fn open_tables(place: &Place) -> Result<PerTable<Delta>> {
    let [readings, statistics, messages] = Table::ALL;
    Ok(PerTable::from_array([
        Delta::open(place, readings).await?,
        Delta::open(place, statistics).await?,
        Delta::open(place, messages).await?,
    ]))
}

/// What the tables hold, and how far statistics are computed from it.
async fn opened(place: Place, deltas: &PerTable<Delta>) -> Result<Opened> {
    let statistics = &deltas[Table::Statistics];
    let mut computed = Computed::default();
    if let Some(sealed) = statistics.position(Position::Sealed).await? {
        let seq = statistics.position(Position::Computed).await?.map_or(0, i64::unsigned_abs);
        computed = computed.advanced(seq, sealed);
    }
    let readings = deltas[Table::Readings].files()?;
    let flushed = flush::flushed(&deltas[Table::Readings]).await?;
    let mut touched = Touched::default();
    readings.files().filter(|f| f.seq.1 > computed.seq).for_each(|f| touched.add_file(f));
    Ok(Opened {
        lakes: PerTable::from_array([readings, statistics.files()?, deltas[Table::Messages].files()?]),
        place,
        flushed,
        computed: computed.with_stale(flushed, touched),
    })
}
