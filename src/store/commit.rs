//! The committing thread: takes what waits, makes it durable with one fsync, shows it to queries, acknowledges.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, Semaphore, oneshot};

use super::idempotency::Claim;
use super::keyed::KeyedRows;
use super::last::LastValues;
use super::live::Live;
use super::memtable::run::Run;
use super::state::Shared;
use super::wal::log::Payload;
use super::wal::{Idempotent, Log};
use crate::domain::reading::Readings;
use crate::domain::{Error, Result};

/// One fsync covers at most this many bytes of requests, so that a group's latency stays bounded.
const GROUP_BYTES: usize = 32 << 20;
const GROUP_REQUESTS: usize = 4096;

/// A request waiting to be made durable: its encoded record and the normalized rows in it.
pub struct Pending {
    pub payload: Payload,
    pub rows: Readings,
    /// Rows of the other tables.
    pub keyed: Vec<KeyedRows>,
    /// The key it came with, and what every retry with it is answered. Held here, so that a client that leaves does not
    /// free the key for a second write of a request that is on its way.
    pub claimed: Option<(Claim, Idempotent)>,
    pub memory: Held,
    /// Gets the seq once the request is durable and visible.
    pub done: oneshot::Sender<Result<u64>>,
}

/// Memory taken for a request; dropping it gives the memory back.
pub struct Held {
    pub units: usize,
    pub budget: Arc<Semaphore>,
}

impl Held {
    /// The rows stay in memory, and so does what they hold.
    fn keep(mut self) -> usize {
        std::mem::take(&mut self.units)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.add_permits(self.units);
    }
}

/// Requests on their way to the log.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Vec<Pending>>,
    arrived: Condvar,
    closed: AtomicBool,
}

impl Queue {
    /// Hands a request over; refused once the store is closing.
    pub fn push(&self, pending: Pending) -> Result<()> {
        let mut waiting = self.waiting.lock();
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::unavailable("the server is shutting down"));
        }
        waiting.push(pending);
        self.arrived.notify_one();
        Ok(())
    }

    /// Refuses new requests; those waiting are still committed.
    pub fn close(&self) {
        let _guard = self.waiting.lock();
        self.closed.store(true, Ordering::Release);
        self.arrived.notify_all();
    }

    /// The next group, or `None` once closed and empty.
    fn next_group(&self) -> Option<Vec<Pending>> {
        let mut waiting = self.waiting.lock();
        while waiting.is_empty() {
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            self.arrived.wait(&mut waiting);
        }
        let mut bytes = 0;
        let mut fits = |p: &Pending| {
            bytes += p.payload.bytes.len();
            bytes <= GROUP_BYTES
        };
        // At least one, however large.
        let count = waiting.iter().take(GROUP_REQUESTS).map_while(|p| fits(p).then_some(())).count().max(1);
        Some(waiting.drain(..count).collect())
    }
}

/// The thread's parts.
pub struct Committer {
    pub queue: Arc<Queue>,
    pub log: Arc<Mutex<Log>>,
    pub shared: Arc<Shared>,
    pub last: Arc<LastValues>,
    pub live: Arc<Live>,
    /// Units of memory held by rows since the last freeze, and by the frozen rows.
    pub taken: Arc<Mutex<(usize, usize)>>,
    /// Told after every group, so that the flusher looks at sizes.
    pub grown: Arc<Notify>,
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
                    let Pending { claimed, memory, done, .. } = pending;
                    drop((claimed, memory));
                    let _ = done.send(Err(Error::unavailable(e.message.clone())));
                }),
            }
        }
    }

    /// Shows the group to queries, then acknowledges; a caller that went away is no concern of its rows. Keys and last
    /// values first: a checkpoint taken once the rows can be frozen holds them. Readers that follow come last: what they
    /// see is in every snapshot.
    fn publish(&self, first_seq: u64, group: Vec<Pending>) {
        let mut units = 0;
        let mut acks = Vec::with_capacity(group.len());
        let mut runs = Vec::with_capacity(group.len());
        let mut keyed_rows = Vec::new();
        for (seq, pending) in (first_seq..).zip(group) {
            let Pending { rows, keyed, claimed, memory, done, .. } = pending;
            if let Some((claim, entry)) = claimed {
                claim.finish(entry);
            }
            units += memory.keep();
            runs.push((Run::new(rows, seq), seq));
            keyed_rows.extend(keyed.iter().map(|rows| rows.with_seq(seq)));
            acks.push((done, seq));
        }
        for (run, _) in &runs {
            self.last.update(run);
        }
        let followed = self.live.share(&runs);
        let count = runs.len();
        // Together, as `Flusher::freeze` takes them.
        let mut taken = self.taken.lock();
        self.shared.insert(runs, keyed_rows);
        taken.0 += units;
        drop(taken);
        self.grown.notify_one();
        self.live.publish(first_seq, count, followed);
        for (done, seq) in acks {
            let _ = done.send(Ok(seq));
        }
    }
}
