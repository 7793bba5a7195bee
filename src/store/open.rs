//! Opens the store: catalog, lake and checkpoint, then the log replayed over them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::Store;
use super::catalog::Catalog;
use super::checkpoint::Checkpoint;
use super::compaction::trigger::CompactionTrigger;
use super::compaction::{CompactionOptions, Compactor, CompactorInputs};
use super::current_reading::Arrival;
use super::directory_id;
use super::disk::Disk;
use super::flush::{FlushOptions, Flusher};
use super::group_commit::{CommitQueue, Committer};
use super::lake::conditional_put;
use super::lake::location::{LakeAccess, LakeLocation};
use super::lake::ownership::LakeOwner;
use super::last_contact::LastContacts;
use super::live::CommitFeed;
use super::memory_budget::MemoryBudget;
use super::memtable::ROW_BYTES;
use super::memtable::run::Run;
use super::message_counts::index::MessageCountsIndex;
use super::objects::{OBJECT_DIR, ObjectFiles};
use super::replica::Owner;
use super::retention::clock_mark::ClockMark;
use super::retention::{RetentionInputs, RetentionJob};
use super::start_orphans::StartOrphans;
use super::table::Table;
use super::table_set::TableSet;
use super::wal::{Log, Record};
use crate::domain::arrival::AheadBound;
use crate::domain::ports::OwnerNode;
use crate::domain::time::Day;
use crate::domain::{Clock, Micros, Result};

/// Configuration of a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub data_dir: PathBuf,
    /// `s3://bucket/prefix`, or `file:///directory` that other processes may read; `None` puts the lake in the data directory.
    pub lake_url: Option<String>,
    /// `s3://bucket/prefix`; `None` keeps the contents of objects in the data directory.
    pub objects_url: Option<String>,
    pub wal_segment_bytes: u64,
    pub flush: FlushOptions,
    pub compaction: CompactionOptions,
    /// Memory limit for unflushed rows, bytes; writers wait while it is reached.
    pub memtable_cap_bytes: usize,
    /// How long writers wait before they get `Busy`.
    pub write_deadline: Duration,
    /// How far a reading's time may be ahead of the clock.
    pub max_future: Duration,
    /// How far it may be ahead for the reading to be current and to be watched.
    pub max_ahead_live: Duration,
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
        let (opened_at, bound) = (clock.now(), AheadBound::new(options.max_ahead_live));
        let tables = open_tables(&options, &disk, LakeAccess::Write, clock).await?;
        let owner = prepare_ownership(disk.as_ref(), &dir, &tables).await?;
        let flushed = tables.state.flushed_seq();
        let checkpoint = Checkpoint::load(disk.clone(), &dir)?;
        let mut replayed = 0;
        let apply = |seq, payload: &[u8]| {
            let record = Record::decode(payload)?;
            replayed += record.readings.len();
            let run = Run::new(record.readings, seq).imported(record.is_import);
            let at = record.arrived_at.unwrap_or(opened_at);
            checkpoint.latest_values.replay(&run, Arrival { seq, at, bound });
            record.idempotent.into_iter().for_each(|entry| checkpoint.idempotency.restore(entry));
            let keyed = record.upserts.iter().map(|rows| rows.with_seq(seq)).collect();
            tables.state.insert(vec![(run, seq)], keyed);
            Ok(())
        };
        if !tables.location().is_shared() {
            // First of all, because on a full disk the rest of the start may need the space that they take.
            StartOrphans::remove_temporary(&tables)?;
        }
        let log = Log::open(disk.clone(), &dir.join("wal"), options.wal_segment_bytes, flushed, apply)?;
        // Only now are log and lake known to belong together, so that every row missing in the lake is in the log.
        if let Some(owner) = owner {
            tables.claim(owner).await?;
        }
        let orphans = StartOrphans::find(&tables)?;
        tracing::info!(rows = replayed, flushed, next = log.next_seq(), "log replayed");
        let clock_mark = ClockMark::new(disk.clone(), &dir);
        catalog.retention.remember_clock(clock_mark.load().unwrap_or_else(|| newest_time(&tables)));
        // A process that ends before its first cycle leaves a time too.
        if catalog.retention.clock_ahead_us() == 0 {
            clock_mark.save(tables.clock().now());
        }

        let objects = ObjectFiles::with_bucket(dir.join(OBJECT_DIR), options.objects_url.as_deref())?;
        let parts = OpenedState {
            objects,
            message_counts: Arc::new(MessageCountsIndex::open(disk.clone(), &dir, flushed)?),
            tables: Arc::new(tables),
            checkpoint: Arc::new(checkpoint),
            // Replayed rows are already in memory.
            memory: Arc::new(MemoryBudget::new(options.memtable_cap_bytes, replayed * ROW_BYTES)),
            live: CommitFeed::new(disk.clone(), dir.join("wal"), log.next_seq(), options.live_ring_bytes),
            log: Arc::new(Mutex::new(log)),
            owner: None,
            orphans,
            clock_mark,
            disk,
        };
        let store = parts.start(options, catalog);
        store.last_contacts.load(&store.latest_values, &store.catalog.streams, opened_at);
        Ok(store)
    }

    /// Opens a lake that another process owns, for reading: nothing is written to it, no background task runs, and every write is
    /// refused. The log in the data directory stays empty. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// `Unavailable` for anything damaged or unreadable, naming it.
    pub async fn open_replica(
        options: StoreOptions,
        catalog: Arc<Catalog>,
        owner: Arc<dyn OwnerNode>,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Store> {
        let dir = options.data_dir.clone();
        let tables = open_tables(&options, &disk, LakeAccess::Read, clock).await?;
        let log = Log::open(disk.clone(), &dir.join("wal"), options.wal_segment_bytes, 0, |_, _| Ok(()))?;
        let orphans = StartOrphans::none(&tables);
        let clock_mark = ClockMark::new(disk.clone(), &dir);
        let parts = OpenedState {
            objects: ObjectFiles::with_bucket(dir.join(OBJECT_DIR), options.objects_url.as_deref())?,
            message_counts: Arc::new(MessageCountsIndex::open(disk.clone(), &dir, 0)?),
            tables: Arc::new(tables),
            checkpoint: Arc::new(Checkpoint::load(disk.clone(), &dir)?),
            memory: Arc::new(MemoryBudget::new(options.memtable_cap_bytes, 0)),
            live: CommitFeed::new(disk.clone(), dir.join("wal"), log.next_seq(), options.live_ring_bytes),
            log: Arc::new(Mutex::new(log)),
            owner: Some(Owner::new(owner, options.memtable_cap_bytes)),
            orphans,
            clock_mark,
            disk,
        };
        Ok(parts.start(options, catalog))
    }
}

/// Returns a time that has come if the rows of a lake say so: the end of its newest day, or the present where there are no
/// rows or they are newer.
fn newest_time(tables: &TableSet) -> Micros {
    let (now, pinned) = (tables.clock().now(), tables.state.pin());
    let in_lake = pinned.lakes[Table::Readings].days().keys().next_back().copied();
    let newest = in_lake.max(pinned.memory.keys().next_back().copied());
    newest.map_or(now, |day| Day(day.0 + 1).start().min(now))
}

async fn open_tables(
    options: &StoreOptions,
    disk: &Arc<dyn Disk>,
    access: LakeAccess,
    clock: Arc<dyn Clock>,
) -> Result<TableSet> {
    let location = match &options.lake_url {
        Some(url) => LakeLocation::shared(url, disk.clone(), access)?,
        None => LakeLocation::local(disk.clone(), &options.data_dir.join("lake"))?,
    };
    TableSet::open(location, clock).await
}

/// Returns the owner to claim a lake for that other data directories may write to, before anything is changed there; `None` for
/// a lake in the data directory, which the directory's lock protects.
async fn prepare_ownership(disk: &dyn Disk, dir: &Path, tables: &TableSet) -> Result<Option<LakeOwner>> {
    let location = tables.location();
    if !location.is_shared() {
        return Ok(None);
    }
    let owner = tables.next_owner(directory_id::load_or_create(disk, dir)?).await?;
    if !conditional_put::is_supported(location.object_store().as_ref(), &location.object_root()?).await? {
        tracing::warn!(
            lake = %location,
            "the object store ignores conditional puts: nothing keeps a second server from overwriting this lake"
        );
    }
    Ok(Some(owner))
}

/// Findings in the data directory, before anything runs on it.
struct OpenedState {
    objects: ObjectFiles,
    tables: Arc<TableSet>,
    message_counts: Arc<MessageCountsIndex>,
    checkpoint: Arc<Checkpoint>,
    memory: Arc<MemoryBudget>,
    live: Arc<CommitFeed>,
    log: Arc<Mutex<Log>>,
    /// The owner of the lake, when that is another process.
    owner: Option<Owner>,
    orphans: StartOrphans,
    clock_mark: ClockMark,
    disk: Arc<dyn Disk>,
}

impl OpenedState {
    /// Starts the thread that commits what is queued. Where another process owns the lake, the queue takes nothing.
    fn start_committer(&self, ahead_bound: AheadBound) -> (Arc<CommitQueue>, JoinHandle<()>) {
        let queue = Arc::new(CommitQueue::default());
        if self.owner.is_some() {
            queue.close();
        }
        let committer = Committer {
            queue: queue.clone(),
            log: self.log.clone(),
            tables: self.tables.clone(),
            latest_values: self.checkpoint.latest_values.clone(),
            ahead_bound,
            live: self.live.clone(),
            memory: self.memory.clone(),
        };
        let thread = std::thread::Builder::new().name("basalt-commit".to_owned());
        (queue, thread.spawn(move || committer.run()).expect("a thread can be started at start"))
    }

    /// Starts the committing thread and the background tasks.
    fn start(self, options: StoreOptions, catalog: Arc<Catalog>) -> Store {
        let ahead_bound = AheadBound::new(options.max_ahead_live);
        let (queue, committer) = self.start_committer(ahead_bound);
        let Self { objects, tables, message_counts, checkpoint, memory, live, log, owner, .. } = self;
        let (trigger, keep_removed) = (Arc::<CompactionTrigger>::default(), options.compaction.keep_removed);
        let (log_size, orphans) = (log.lock().size(), Arc::new(self.orphans));
        let flusher = Arc::new(Flusher {
            tables: tables.clone(),
            memory: memory.clone(),
            log_size,
            log,
            checkpoint: checkpoint.clone(),
            compaction: trigger.clone(),
            options: options.flush,
        });
        let (shared, counts) = (tables.clone(), message_counts.clone());
        let parts =
            CompactorInputs { tables: shared, trigger, catalog: catalog.clone(), message_counts: counts };
        let compactor = Arc::new(Compactor::new(parts, options.compaction));
        let parts = RetentionInputs {
            tables: tables.clone(),
            flusher: flusher.clone(),
            compactor: compactor.clone(),
            catalog: catalog.clone(),
            start_orphans: orphans.clone(),
            clock_mark: self.clock_mark,
        };
        let retention = Arc::new(RetentionJob::new(parts, options.retention_interval));
        let mut background = Vec::new();
        if owner.is_none() {
            background.push(tokio::spawn(flusher.clone().run()));
            background.push(tokio::spawn(compactor.clone().run()));
            background.push(tokio::spawn(retention.clone().run()));
            background.push(tokio::spawn(orphans.remove_after(keep_removed)));
        }
        Store {
            instance: Uuid::new_v4(),
            last_contacts: LastContacts::new(ahead_bound),
            data_dir: options.data_dir,
            disk: self.disk,
            catalog,
            tables,
            latest_values: checkpoint.latest_values.clone(),
            message_counts,
            objects,
            idempotency: checkpoint.idempotency.clone(),
            live,
            queue,
            flusher,
            compactor,
            retention,
            memory,
            write_deadline: options.write_deadline,
            ahead_bound,
            max_future_us: i64::try_from(options.max_future.as_micros()).unwrap_or(i64::MAX),
            assigned: Mutex::default(),
            received_at: AtomicI64::default(),
            committer: Mutex::new(Some(committer)),
            owner,
            background: Mutex::new(background),
        }
    }
}
