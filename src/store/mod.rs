//! The storage engine: write-ahead log, memtable and lake behind one `Store`, and the catalog of what is stored.
//!
//! When `Store::write` returns `Ok`, the rows are durable and visible in every later snapshot. Flushes, checkpoints and
//! log truncation happen in the background and change no query result.

pub mod backup;
pub mod blocking;
pub mod catalog;
pub mod checkpoint;
pub mod checkpoint_frame;
pub mod compaction;
pub mod current_reading;
pub mod directory_id;
pub mod disk;
mod fair_quota;
pub mod flush;
pub mod group_commit;
pub mod idempotency;
pub mod lake;
mod last_contact;
pub mod latest_value_cache;
mod latest_value_codec;
pub mod live;
pub mod memory_budget;
pub mod memtable;
pub mod message_counts;
pub mod message_rows;
mod newest_readings;
pub mod objects;
pub mod open;
pub mod org_channels;
pub mod replica;
pub mod retention;
pub mod s3;
pub mod schema;
mod sender_clock;
pub mod snapshot;
mod start_orphans;
pub mod state;
pub mod statistics;
mod status;
mod storage_usage;
mod stored_ids;
pub mod table;
pub mod table_set;
pub mod throttle;
pub mod upsert_rows;
pub mod verify;
pub mod wal;
pub mod watermark;
mod write_path;
pub mod write_validation;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::arrival::AheadBound;
use crate::domain::cluster::{OwnerStates, TailQuery, TailRequest};
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::policy::PolicyChange;
use crate::domain::progress::Progress;
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{Clock, DeviceId, Error, Micros, OrgId, Principal, Result, StreamId};
use catalog::Catalog;
use compaction::Compactor;
use disk::Disk;
use flush::Flusher;
use group_commit::CommitQueue;
use idempotency::{Claim, IdempotencyKeys};
use last_contact::LastContacts;
use latest_value_cache::LatestValueCache;
use live::CommitFeed;
use live::filtered_tail::{self, FilteredTail};
use live::position::FeedPosition;
use live::tail::Tail;
use memory_budget::MemoryBudget;
use memtable::run::{Run, normalize};
use message_counts::index::MessageCountsIndex;
use objects::ObjectFiles;
use replica::{OrgSources, OrgTail, Owner};
use retention::purge_stats::PurgeStats;
use retention::{RetentionJob, RetentionPreview};
use snapshot::Snapshot;
use table_set::TableSet;

pub use open::StoreOptions;

/// Acknowledgement of a durable write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Number of rows in the request.
    pub rows: usize,
    /// The request's number in the log; 0 for a replay.
    pub seq: u64,
}

/// Outcome of claiming an idempotency key.
pub enum ClaimOutcome {
    /// This is the first request with the key: write it with `Store::write_claimed`.
    First(Claim),
    /// The request was written before; this is its answer.
    Replay(Vec<u8>),
}

/// The open storage engine. It is cheap to share, and closed once by `close`.
pub struct Store {
    /// Made at each start, so that query nodes know whose rows they have.
    instance: Uuid,
    data_dir: PathBuf,
    /// The disk of the data directory, and of backups.
    disk: Arc<dyn Disk>,
    catalog: Arc<Catalog>,
    tables: Arc<TableSet>,
    latest_values: Arc<LatestValueCache>,
    last_contacts: LastContacts,
    message_counts: Arc<MessageCountsIndex>,
    objects: ObjectFiles,
    idempotency: Arc<IdempotencyKeys>,
    live: Arc<CommitFeed>,
    queue: Arc<CommitQueue>,
    flusher: Arc<Flusher>,
    compactor: Arc<Compactor>,
    retention: Arc<RetentionJob>,
    memory: Arc<MemoryBudget>,
    /// Longest time a writer waits for memory.
    write_deadline: Duration,
    max_future_us: i64,
    ahead_bound: AheadBound,
    /// The last time that was assigned to a value of each stream, microseconds.
    assigned: Mutex<HashMap<StreamId, i64>>,
    /// The last time of arrival given to a message, microseconds.
    received_at: AtomicI64,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// The owner of the lake, when that is another process.
    owner: Option<Owner>,
    /// Tasks of the flusher, the compactor and retention.
    background: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Store {
    /// Returns the catalog of everything but rows and the contents of objects.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Returns the contents of objects.
    pub fn objects(&self) -> &ObjectFiles {
        &self.objects
    }

    /// Returns the clock of all of the store's times, which tests replace.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.tables.clock()
    }

    /// Returns how far a reading may be ahead of the clock and is still one of now.
    pub fn ahead_bound(&self) -> AheadBound {
        self.ahead_bound
    }

    /// Returns the use of the store's memory budgets.
    pub fn memory_usage(&self) -> [MemoryUsage; 2] {
        // Where another process owns the lake, the rows are those that it has sent.
        let rows = MemoryUsage {
            budget: "memtable",
            used_bytes: self.memory.used_bytes() + self.owner.as_ref().map_or(0, Owner::tail_bytes),
            limit_bytes: self.memory.cap_bytes(),
        };
        [rows, self.tables.cache().usage()]
    }

    /// Returns when a device last sent a reading that was acknowledged, whatever the reading's time; history that was imported
    /// does not count. For those who show devices that the principal sees.
    pub fn last_contact(&self, device: DeviceId) -> Option<Micros> {
        self.last_contacts.get(device)
    }

    /// Returns how far the clock of those who send a device's readings is ahead, seconds; `None` unless that is more than
    /// [`Store::ahead_bound`]. For those who show devices that the principal sees.
    pub fn sender_clock_offset_s(&self, device: DeviceId) -> Option<f64> {
        self.last_contacts.clock_offset_s(device)
    }

    /// Notifies of clocks of senders that are found ahead, or right again.
    pub fn sender_clock_changes(&self) -> watch::Receiver<()> {
        self.last_contacts.clock_changes()
    }

    /// Pins a consistent view for a query. It includes expired rows and the rows of every organization: query/ filters
    /// by principal and by retention.
    pub fn snapshot(&self) -> Snapshot {
        // Taken before the rows, so that the rows include everything that is counted.
        let message_counts = self.message_counts.current();
        let rows = self.tables.snapshot();
        // Taken after the rows, so that the rows include everything that the bounds count as present.
        Snapshot { retention_bounds: self.retention_bounds(), message_counts, ..rows }
    }

    /// Pins a consistent view with every row acknowledged so far, of the organization that is named. Where another process owns
    /// the lake, it is asked for the rows that are not flushed and for what else is wanted.
    ///
    /// # Errors
    /// `Unavailable` when the owner, the lake or the catalog's database does not answer.
    pub async fn current_snapshot(&self, wanted: TailRequest) -> Result<Snapshot> {
        let Some(owner) = &self.owner else { return Ok(self.snapshot()) };
        let _permit = owner.admit(wanted.org).await?;
        let rows = owner.snapshot(&self.tables, wanted).await?;
        // After the rows, as in `snapshot`: rows that retention has removed from them must count as removed. The owner removes
        // rows by what the catalog has in its own mirror, so what it had then is enough, and mostly here already.
        let needed = rows.owner.as_ref().and_then(|owner| owner.catalog);
        self.catalog.catch_up_to(needed).await?;
        // By the owner's clock, which decides what is removed. This node's own may be wrong.
        let retention_bounds = match rows.owner.as_ref() {
            Some(owner) => self.catalog.retention.retention_bounds_at(owner.expiry_time),
            None => self.retention_bounds(),
        };
        Ok(Snapshot { retention_bounds, ..rows })
    }

    /// Whether another process owns the lake.
    pub fn is_replica(&self) -> bool {
        self.owner.is_some()
    }

    /// Returns the unflushed rows of an organization for a node that reads this store's lake, as far as it lacks them, and what
    /// else it wants. `states` finds the states of devices.
    ///
    /// The version of the catalog is in it when `Catalog::learn_mirror_version` was called after the last change.
    pub fn tail(&self, query: TailQuery, states: impl FnOnce(OrgId) -> OwnerStates) -> OrgTail {
        let TailRequest { org, newest, states: wants_states } = query.wanted;
        let pinned = self.tables.state.pin();
        // Looked up after the rows, so that no row is of a stream which is not known yet.
        let sources = OrgSources {
            streams: &|ids: &[i32]| self.catalog.streams.are_streams_of(org, ids),
            devices: &|ids: &[i32]| self.catalog.devices.are_devices_of(org, ids),
        };
        let tail = OrgTail::select(pinned, self.instance, query.known, &sources);
        let newest = newest.then(|| self.newest_of_org(org));
        let states = wants_states.then(|| states(org));
        // Last of all. What the pinned files came about by was in the mirror before: a floor, for one, before the first row
        // below it was removed (`RetentionJob::purge_day`). What was looked up since was in it too. This version has all of it.
        let catalog_version = self.catalog.mirror_version();
        let expiry_time = self.catalog.retention.expiry_time(self.clock().now());
        OrgTail { newest, states, epoch: self.tables.owner_epoch(), catalog_version, expiry_time, ..tail }
    }

    /// Returns the newest reading of each stream of an organization, by stream.
    fn newest_of_org(&self, org: OrgId) -> Run {
        let all = Principal::system(org);
        let streams = self.catalog.streams.visible_streams(&all);
        Run::new(normalize(self.newest_of_many(&all, &streams).into_iter().collect()), 0)
    }

    /// Follows the committed readings of every organization from a record of the log on, for the server's own work.
    pub fn follow_log(&self, next_seq: u64) -> Tail {
        Tail::new(&self.live, next_seq)
    }

    /// Subscribes to committed readings from a position on, limited to those the principal sees and asked for.
    ///
    /// # Errors
    /// `Invalid` naming what was asked for but is not visible, or a position ahead of this store.
    pub fn subscribe(
        &self,
        who: Arc<Principal>,
        wanted: SubscriptionFilter,
        from: FeedPosition,
    ) -> Result<FilteredTail> {
        self.check_subscription(&who, &wanted, &from)?;
        let (live, catalog, clock) = (self.live.clone(), self.catalog.clone(), self.clock().clone());
        Ok(FilteredTail::new(filtered_tail::TailContext { live, catalog, clock }, who, wanted, from))
    }

    /// Fails in the same cases as `subscribe`.
    pub fn check_subscription(
        &self,
        who: &Principal,
        wanted: &SubscriptionFilter,
        from: &FeedPosition,
    ) -> Result<()> {
        self.catalog.streams.check_subscription(who, wanted)?;
        if from.newest() > self.tables.state.last_seq() {
            let message = "this cursor is ahead of everything written here: it comes from another server, or from \
                           data that was replaced by a backup";
            return Err(Error::field("after", message));
        }
        Ok(())
    }

    /// Returns the position after everything acknowledged so far.
    pub fn current_position(&self) -> FeedPosition {
        FeedPosition::from_seq(self.tables.state.last_seq() + 1)
    }

    /// Removes expired rows from memory and disk now. It also runs once per `StoreOptions::retention_interval`.
    pub async fn run_retention(&self) -> Result<PurgeStats> {
        self.retention.run_cycle().await
    }

    /// Returns what a change of policies would remove, without changing anything.
    ///
    /// # Errors
    /// Same as the change itself.
    pub async fn dry_run_retention(
        &self,
        principal: &Principal,
        change: &PolicyChange,
    ) -> Result<RetentionPreview> {
        self.retention.dry_run(principal, change).await
    }

    /// Removes the last values of deleted streams. Their rows are invisible once the catalog has no such stream.
    pub fn forget(&self, streams: &[StreamId]) {
        self.latest_values.remove(streams);
    }

    /// Moves everything acknowledged so far into the lake.
    pub async fn flush(&self) -> Result<()> {
        self.flusher.flush().await
    }

    /// Flushes, computes statistics, then merges every day into as few files as its rows need. Returns the number of
    /// files replaced.
    pub async fn compact(&self, progress: &Progress) -> Result<usize> {
        progress.begin("flushing", 0);
        self.flush().await?;
        self.compactor.compact(true, progress).await
    }

    /// Computes the statistics of completed windows from flushed rows. Returns the number of windows written.
    pub async fn compute_statistics(&self) -> Result<u64> {
        self.compactor.compute_statistics().await
    }

    /// Stops accepting writes, commits queued ones and flushes. It is idempotent.
    pub async fn close(&self) -> Result<()> {
        self.queue.close();
        let committer = self.committer.lock().take();
        if let Some(thread) = committer {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            joined
                .map_err(|e| Error::internal("the committing thread ended early").with_source(e))?
                .map_err(|_| Error::internal("the committing thread panicked"))?;
        }
        self.live.close();
        self.stop_background().await;
        self.flusher.flush().await?;
        self.flusher.end_log().await
    }

    /// Stops the background tasks, but never between a commit and its publication here, because a committing task holds
    /// the lock on the tables.
    async fn stop_background(&self) {
        self.compactor.stop();
        let _tables = self.tables.lock().await;
        self.background.lock().drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Store {
    /// Ends the threads without flushing, when the store was not closed.
    fn drop(&mut self) {
        self.queue.close();
        self.live.close();
        self.compactor.stop();
        self.background.lock().drain(..).for_each(|task| task.abort());
    }
}
