//! The storage engine: write-ahead log, memtable and lake behind one `Store`, and the catalog of what is stored.
//!
//! When `Store::write` returns `Ok` the rows are durable and in every later snapshot. Everything else (flushing,
//! checkpoints, cutting the log) happens behind it and changes no answer.

pub mod admission;
pub mod backup;
pub mod catalog;
pub mod checkpoint;
pub mod commit;
pub mod compaction;
pub mod disk;
pub mod flush;
pub mod idempotency;
pub mod keyed;
pub mod lake;
pub mod last;
pub mod live;
pub mod memtable;
pub mod open;
pub mod pace;
pub mod retention;
pub mod schema;
mod shares;
pub mod snapshot;
pub mod state;
pub mod statistics;
pub mod table;
pub mod verify;
pub mod wal;
pub mod watermark;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

use crate::domain::live::Wanted;
use crate::domain::policy::PolicyChange;
use crate::domain::progress::Progress;
use crate::domain::reading::Readings;
use crate::domain::retention::Kept;
use crate::domain::{Clock, Error, Micros, Principal, Result, StreamId};
use admission::Times;
use catalog::Catalog;
use commit::{Held, Pending, Queue};
use compaction::Compactor;
use flush::Flusher;
use idempotency::{Begin, Claim, Idempotency};
use keyed::KeyedRows;
use last::{LastValues, Latest};
use live::Live;
use live::follow::{self, Following};
use live::position::Position;
use retention::{Amount, Forecast, Retention};
use sha2::{Digest, Sha256};
use snapshot::Snapshot;
use state::Shared;
use wal::log::Payload;
use wal::{Idempotent, Record};

pub use open::StoreOptions;

/// One unit of the memory budget.
const UNIT_BYTES: usize = 64;

/// Sorting and encoding so many rows takes long enough that other requests must not wait for it.
const LARGE_ROWS: usize = 4096;

/// A durable write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Rows of the request.
    pub rows: usize,
    /// The request's number in the log; 0 for a replay.
    pub seq: u64,
}

/// What a request with an idempotency key finds.
pub enum Claimed {
    /// It is the first: write with `Store::write_claimed`.
    First(Claim),
    /// It was written before; the first answer.
    Before(Vec<u8>),
}

/// The open storage engine. Cheap to share; closed once by `close`.
pub struct Store {
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    last: Arc<LastValues>,
    keys: Arc<Idempotency>,
    live: Arc<Live>,
    queue: Arc<Queue>,
    flusher: Arc<Flusher>,
    compactor: Arc<Compactor>,
    retention: Arc<Retention>,
    budget: Arc<Semaphore>,
    cap_units: usize,
    /// Longest a writer waits for memory.
    write_deadline: Duration,
    max_future_us: i64,
    assigned: Mutex<HashMap<StreamId, i64>>,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// The flusher's task, the compactor's and that of retention.
    background: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Store {
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Writes rows atomically. Rows of one request with equal (stream, ts): the later wins.
    ///
    /// # Errors
    /// `Invalid` naming rows; `TooLarge` past the memory cap; `Busy` when memory stays full past the deadline;
    /// `Unavailable` when the log cannot be written. On any error no row is acknowledged.
    pub async fn write(&self, principal: &Principal, rows: Readings) -> Result<Ack> {
        self.admit(principal, &rows)?;
        if rows.is_empty() {
            return Ok(Ack { rows: 0, seq: 0 });
        }
        let count = rows.len();
        let acked = self.enqueue(rows, Vec::new(), None).await?;
        Ok(Ack { rows: count, seq: wait(acked).await? })
    }

    /// Writes rows of the other tables atomically; a row takes the place of one with the same key.
    ///
    /// # Errors
    /// As `write`, naming streams or devices the principal does not see.
    pub async fn write_keyed(&self, principal: &Principal, rows: KeyedRows) -> Result<Ack> {
        admission::check_keyed(&self.catalog, principal, &rows, &self.kept())?;
        let count = rows.len();
        let acked = self.enqueue(Readings::default(), vec![rows], None).await?;
        Ok(Ack { rows: count, seq: wait(acked).await? })
    }

    /// Claims an idempotency key for a body, or finds the answer of the request that had it first. `scope` is who
    /// asks and where.
    ///
    /// # Errors
    /// `Conflict` when the key was used with another body; `Throttled` when this caller, or its
    /// organization, has too many live keys.
    pub async fn claim(&self, scope: &str, key: &str, body: &[u8]) -> Result<Claimed> {
        let hash = Sha256::digest(body).into();
        Ok(match self.keys.begin(scope, key, hash, self.clock.now()).await? {
            Begin::Replay(answer) => Claimed::Before(answer),
            Begin::First(claim) => Claimed::First(claim),
        })
    }

    /// Writes rows under a claimed key, with the answer that every retry gets, also after a crash.
    ///
    /// # Errors
    /// As `write`; the key is free again then.
    pub async fn write_claimed(
        &self,
        principal: &Principal,
        rows: Readings,
        claim: Claim,
        answer: Vec<u8>,
    ) -> Result<()> {
        self.admit(principal, &rows)?;
        let entry = claim.entry(answer, self.clock.now());
        wait(self.enqueue(rows, Vec::new(), Some((claim, entry))).await?).await.map(drop)
    }

    fn admit(&self, principal: &Principal, rows: &Readings) -> Result<()> {
        let newest = Micros(self.clock.now().0.saturating_add(self.max_future_us));
        admission::check(&self.catalog, principal, rows, &Times { newest, kept: self.kept() })
    }

    fn kept(&self) -> Arc<Kept> {
        self.catalog.kept(self.clock.now())
    }

    /// Takes memory for a request and hands it to the committing thread.
    async fn enqueue(
        &self,
        rows: Readings,
        keyed: Vec<KeyedRows>,
        claimed: Option<(Claim, Idempotent)>,
    ) -> Result<oneshot::Receiver<Result<u64>>> {
        let is_large = rows.len() >= LARGE_ROWS;
        let readings = aside(is_large, move || memtable::run::normalize(rows)).await?;
        // In memory each row has its seq as well.
        let bytes = readings.size_bytes() + readings.len() * size_of::<i64>();
        let bytes = bytes + keyed.iter().map(KeyedRows::size_bytes).sum::<usize>();
        let units = bytes.div_ceil(UNIT_BYTES) + 1;
        if units > self.cap_units {
            return Err(Error::too_large(format!(
                "the request holds more than the {} MiB that may wait in memory; send it in parts",
                (self.cap_units * UNIT_BYTES) >> 20
            )));
        }
        let permits = u32::try_from(units).expect("the cap is far below 2^32 units");
        self.take_memory(permits).await?;
        let memory = Held { units, budget: self.budget.clone() };
        let idempotent = claimed.as_ref().map(|(_, entry)| entry.clone());
        let record = Record { readings, keyed, idempotent };
        let encode = move || (Payload::new(record.encode()), record);
        let (payload, Record { readings: rows, keyed, .. }) = aside(is_large, encode).await?;
        let (done, acked) = oneshot::channel();
        self.queue.push(Pending { payload, rows, keyed, claimed, memory, done })?;
        Ok(acked)
    }

    async fn take_memory(&self, permits: u32) -> Result<()> {
        if let Ok(memory) = self.budget.try_acquire_many(permits) {
            memory.forget();
            return Ok(());
        }
        let _waiting = Waiting::new(&self.flusher);
        let memory = tokio::time::timeout(self.write_deadline, self.budget.acquire_many(permits)).await;
        let memory = memory.map_err(|_| Error::busy("writes are waiting for the disk; retry later"))?;
        memory.map_err(|e| Error::unavailable("the server is shutting down").because(e))?.forget();
        Ok(())
    }

    /// A time for a value that came without one: now, but later than any assigned to the stream before.
    pub fn assign_ts(&self, stream: StreamId) -> Micros {
        let now = self.clock.now().0;
        let mut assigned = self.assigned.lock();
        let ts = assigned.entry(stream).and_modify(|last| *last = now.max(*last + 1)).or_insert(now);
        Micros(*ts)
    }

    /// The newest readings of a stream the principal sees, as far as they are kept.
    pub fn last(&self, principal: &Principal, stream: StreamId) -> Option<Latest> {
        self.catalog.stream(principal, stream).ok()?;
        self.last_kept(&self.kept(), stream)
    }

    /// The same of many streams; those without any are left out.
    pub fn last_of_many(&self, principal: &Principal, streams: &[StreamId]) -> HashMap<StreamId, Latest> {
        let seen = self.catalog.streams_by_id(principal, streams);
        let kept = self.kept();
        seen.iter().filter_map(|stream| Some((stream.id, self.last_kept(&kept, stream.id)?))).collect()
    }

    fn last_kept(&self, kept: &Kept, stream: StreamId) -> Option<Latest> {
        let Latest { newest, valued } = self.last.get(stream)?;
        let oldest = Micros(kept.shown.of(stream.0));
        (newest.ts >= oldest).then(|| Latest { newest, valued: valued.filter(|v| v.ts >= oldest) })
    }

    /// Pins what a query sees. The rows of every organization are in it, and expired ones: query/ filters by principal
    /// and by what is kept.
    pub fn snapshot(&self) -> Snapshot {
        let rows = self.shared.snapshot();
        // After the rows: what retention has removed by then is nothing they lack.
        Snapshot { kept: self.kept(), ..rows }
    }

    /// Follows, from a position on, what is committed: of it the readings that the principal sees and wants.
    ///
    /// # Errors
    /// `Invalid` naming what is wanted and not seen, or a position that this store has not come to.
    pub fn follow(&self, who: Arc<Principal>, wanted: Wanted, from: Position) -> Result<Following> {
        self.check_follow(&who, &wanted, &from)?;
        let (live, catalog, clock) = (self.live.clone(), self.catalog.clone(), self.clock.clone());
        Ok(Following::new(follow::Ground { live, catalog, clock }, who, wanted, from))
    }

    /// Fails as `follow` would.
    pub fn check_follow(&self, who: &Principal, wanted: &Wanted, from: &Position) -> Result<()> {
        self.catalog.check_wanted(who, wanted)?;
        if from.newest() > self.shared.last_seq() {
            let message = "this cursor is of a later time than anything written here: it is of another server, or of data \
                           that was replaced by a backup";
            return Err(Error::field("after", message));
        }
        Ok(())
    }

    /// The position of who has everything acknowledged so far.
    pub fn present(&self) -> Position {
        Position::at(self.shared.last_seq() + 1)
    }

    /// Removes now what has expired, from memory and disk. It runs by itself once in `StoreOptions::retention_interval`.
    pub async fn retain(&self) -> Result<Amount> {
        self.retention.cycle().await
    }

    /// What a change of policies would remove, changing nothing.
    ///
    /// # Errors
    /// As the change itself.
    pub async fn forecast(&self, principal: &Principal, change: &PolicyChange) -> Result<Forecast> {
        self.retention.forecast(principal, change).await
    }

    /// Forgets the last values of deleted streams; their rows are invisible once the catalog has no such stream.
    pub fn forget(&self, streams: &[StreamId]) {
        self.last.remove(streams);
    }

    /// Moves everything acknowledged so far into the lake.
    pub async fn flush(&self) -> Result<()> {
        self.flusher.flush().await
    }

    /// Flushes, computes statistics, then merges every day into as few files as its rows need. Returns how many files
    /// were replaced.
    pub async fn compact(&self, progress: &Progress) -> Result<usize> {
        progress.begin("flushing", 0);
        self.flush().await?;
        self.compactor.compact(true, progress).await
    }

    /// Computes the statistics of windows that are over, from what is flushed. Returns the windows written.
    pub async fn compute_statistics(&self) -> Result<u64> {
        self.compactor.compute_statistics().await
    }

    /// Stops accepting, commits what waits, flushes. Idempotent.
    pub async fn close(&self) -> Result<()> {
        self.queue.close();
        let committer = self.committer.lock().take();
        if let Some(thread) = committer {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            joined
                .map_err(|e| Error::internal("the committing thread ended early").because(e))?
                .map_err(|_| Error::internal("the committing thread panicked"))?;
        }
        self.live.close();
        self.stop_background().await;
        self.flusher.flush().await?;
        self.flusher.end_log().await
    }

    /// Ends what runs in the background, but never between a commit and its being known here: whoever commits holds the
    /// tables.
    async fn stop_background(&self) {
        self.compactor.stop();
        let _tables = self.flusher.deltas.lock().await;
        self.background.lock().drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Store {
    /// Without `close`: the threads end, nothing more is flushed.
    fn drop(&mut self) {
        self.queue.close();
        self.live.close();
        self.compactor.stop();
        self.background.lock().drain(..).for_each(|task| task.abort());
    }
}

/// A writer that waits for memory: the flusher goes on flushing while there is one.
struct Waiting<'a>(&'a Flusher);

impl<'a> Waiting<'a> {
    fn new(flusher: &'a Flusher) -> Self {
        flusher.writers_waiting.fetch_add(1, Ordering::AcqRel);
        flusher.grown.notify_one();
        Self(flusher)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.writers_waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn wait(acked: oneshot::Receiver<Result<u64>>) -> Result<u64> {
    acked.await.map_err(|e| Error::unavailable("the write was not made durable").because(e))?
}

/// Does large work where it keeps no other request waiting.
async fn aside<T: Send + 'static>(is_large: bool, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    match is_large {
        true => pace::large(work).await,
        false => Ok(work()),
    }
}

#[cfg(test)]
pub mod fuzz_ground;
