//! Group commit thread. It takes all waiting requests, makes them durable with one fsync, publishes them to queries and
//! acknowledges them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::current_reading::Arrival;
use super::idempotency::Claim;
use super::latest_value_cache::LatestValueCache;
use super::live::CommitFeed;
use super::memory_budget::{MemoryBudget, MemoryPermit};
use super::memtable::run::Run;
use super::table_set::TableSet;
use super::upsert_rows::UpsertRows;
use super::wal::log::Payload;
use super::wal::{IdempotencyRecord, Log};
use crate::domain::arrival::AheadBound;
use crate::domain::reading::Readings;
use crate::domain::{Error, Micros, Result};

/// Maximum bytes of requests per fsync, so that a group's latency stays bounded.
const MAX_GROUP_BYTES: usize = 32 << 20;
const MAX_GROUP_REQUESTS: usize = 4096;

/// A request waiting to become durable: its encoded record and the normalized rows in it.
pub struct PendingWrite {
    pub payload: Payload,
    pub rows: Readings,
    /// Whether the rows are of an import ([`super::wal::Record::is_import`]).
    pub is_import: bool,
    /// Time at which the rows arrived.
    pub arrived_at: Micros,
    /// Rows of the other tables.
    pub upserts: Vec<UpsertRows>,
    /// The idempotency key of the request and the answer for every retry with it. The claim is held here, so that a
    /// client that disconnects does not free the key for a second write of a request already under way.
    pub claimed: Option<(Claim, IdempotencyRecord)>,
    pub memory: MemoryPermit,
    /// Receives the seq once the request is durable and visible.
    pub done: oneshot::Sender<Result<u64>>,
}

/// Queue of requests waiting for the log.
#[derive(Default)]
pub struct CommitQueue {
    waiting: Mutex<Vec<PendingWrite>>,
    arrived: Condvar,
    closed: AtomicBool,
}

impl CommitQueue {
    /// Enqueues a request; fails once the store is closing.
    pub fn push(&self, pending: PendingWrite) -> Result<()> {
        let mut waiting = self.waiting.lock();
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::unavailable("the server is shutting down"));
        }
        waiting.push(pending);
        self.arrived.notify_one();
        Ok(())
    }

    /// Refuses new requests; those already queued are still committed.
    pub fn close(&self) {
        let _guard = self.waiting.lock();
        self.closed.store(true, Ordering::Release);
        self.arrived.notify_all();
    }

    /// Waits for the next group; `None` once closed and empty.
    fn next_group(&self) -> Option<Vec<PendingWrite>> {
        let mut waiting = self.waiting.lock();
        while waiting.is_empty() {
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            self.arrived.wait(&mut waiting);
        }
        let mut bytes = 0;
        let mut fits = |p: &PendingWrite| {
            bytes += p.payload.bytes.len();
            bytes <= MAX_GROUP_BYTES
        };
        // Take at least one request, however large.
        let count =
            waiting.iter().take(MAX_GROUP_REQUESTS).map_while(|p| fits(p).then_some(())).count().max(1);
        Some(waiting.drain(..count).collect())
    }
}

/// State of the committing thread.
pub struct Committer {
    pub queue: Arc<CommitQueue>,
    pub log: Arc<Mutex<Log>>,
    pub tables: Arc<TableSet>,
    pub latest_values: Arc<LatestValueCache>,
    pub ahead_bound: AheadBound,
    pub live: Arc<CommitFeed>,
    pub memory: Arc<MemoryBudget>,
}

impl Committer {
    /// Runs until the queue is closed and empty.
    pub fn run(self) {
        while let Some(mut group) = self.queue.next_group() {
            let payloads: Vec<Payload> = group.iter_mut().map(|p| std::mem::take(&mut p.payload)).collect();
            let appended = self.log.lock().append(&payloads);
            drop(payloads);
            match appended {
                Ok(first_seq) => self.publish(first_seq, group),
                Err(e) => group.into_iter().for_each(|pending| {
                    let PendingWrite { claimed, memory, done, .. } = pending;
                    drop((claimed, memory));
                    let _ = done.send(Err(Error::unavailable(e.message.clone())));
                }),
            }
        }
    }

    /// Publishes the group to queries, then acknowledges it; a caller that disconnected does not matter to its rows.
    /// Keys and last values are updated first, so that a checkpoint taken after a freeze of these rows contains them.
    /// Subscribers come last, so that every later snapshot contains the rows they receive.
    fn publish(&self, first_seq: u64, group: Vec<PendingWrite>) {
        let mut permits = Vec::with_capacity(group.len());
        let mut acks = Vec::with_capacity(group.len());
        let mut runs = Vec::with_capacity(group.len());
        let mut keyed_rows = Vec::new();
        for (seq, pending) in (first_seq..).zip(group) {
            let PendingWrite { rows, is_import, arrived_at, upserts: keyed, claimed, memory, done, .. } =
                pending;
            if let Some((claim, entry)) = claimed {
                claim.finish(entry);
            }
            permits.push(memory);
            let run = Run::new(rows, seq).imported(is_import).arrived(Some(arrived_at));
            self.latest_values.update(&run, Arrival { seq, at: arrived_at, bound: self.ahead_bound });
            runs.push((run, seq));
            keyed_rows.extend(keyed.iter().map(|rows| rows.with_seq(seq)));
            acks.push((done, seq));
        }
        let followed = self.live.share(&runs);
        let count = runs.len();
        self.memory.insert(permits, || self.tables.state.insert(runs, keyed_rows));
        self.live.publish(first_seq, count, followed);
        for (done, seq) in acks {
            let _ = done.send(Ok(seq));
        }
    }
}
