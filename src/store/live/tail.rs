//! Tail reader of the change feed: reads from the ring, switches to the log files when it falls behind, and back.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::record_ring::{self, RecordGroup};
use super::retained_log::{self, RecordLocation};
use super::{CommitFeed, Gap};
use crate::domain::{Error, Result};
use crate::store::blocking::blocking;
use crate::store::memtable::run::Run;

/// Next item of a tail.
#[derive(Debug)]
pub enum TailItem {
    Records(TailRecords),
    Gap(Gap),
}

/// One or more consecutive records.
#[derive(Debug, Clone)]
pub struct TailRecords {
    group: Arc<RecordGroup>,
    /// Number of records of the group to skip.
    skip: usize,
}

impl TailRecords {
    /// Returns the number of the first record.
    pub fn first(&self) -> u64 {
        self.group.first + self.skip as u64
    }

    /// Returns the readings, one run per record.
    pub fn runs(&self) -> &[Run] {
        &self.group.runs[self.skip..]
    }
}

type LogReadTask = JoinHandle<Result<retained_log::LogLookup>>;

/// Reads every committed record from a position on, in order, each once. Records no longer retained become a gap.
///
/// It holds at most one chunk of the log in memory. Dropping it, or one of its futures, loses nothing and blocks
/// nobody.
pub struct Tail {
    live: Arc<CommitFeed>,
    grown: watch::Receiver<()>,
    next: u64,
    /// Location in the log where the last chunk ended.
    place: Option<RecordLocation>,
    /// The task is kept here, so that a caller that stops waiting finds it again.
    reading: Option<LogReadTask>,
}

impl Tail {
    /// Creates a reader whose first record is `next`.
    pub fn new(live: &Arc<CommitFeed>, next: u64) -> Tail {
        live.ring.lock().readers += 1;
        let grown = live.grown.subscribe();
        Tail { live: live.clone(), grown, next, place: None, reading: None }
    }

    /// Returns the records or the gap at its position; waits until there is one.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or the store is closing.
    pub async fn next(&mut self) -> Result<TailItem> {
        loop {
            if self.reading.is_none() {
                match self.find() {
                    record_ring::RingLookup::Group(group) => return Ok(self.take_group(group)),
                    record_ring::RingLookup::Behind { end } => self.reading = Some(self.read(end)),
                    record_ring::RingLookup::Closed => {
                        return Err(Error::unavailable("the server is shutting down"));
                    }
                    record_ring::RingLookup::CaughtUp => {
                        self.grown
                            .changed()
                            .await
                            .map_err(|e| Error::internal("the log is gone").with_source(e))?;
                        continue;
                    }
                }
            }
            if let Some(reading) = &mut self.reading {
                let found = reading.await;
                self.reading = None;
                let found =
                    found.map_err(|e| Error::internal("reading the log ended early").with_source(e))??;
                return Ok(self.take_log_lookup(found));
            }
        }
    }

    /// Same as `next`, but only for what the ring holds at this moment.
    pub fn try_next(&mut self) -> Option<TailRecords> {
        if self.reading.is_some() {
            return None;
        }
        match self.find() {
            record_ring::RingLookup::Group(group) => match self.take_group(group) {
                TailItem::Records(records) => Some(records),
                TailItem::Gap(_) => None,
            },
            record_ring::RingLookup::Behind { .. }
            | record_ring::RingLookup::CaughtUp
            | record_ring::RingLookup::Closed => None,
        }
    }

    fn find(&mut self) -> record_ring::RingLookup {
        self.grown.mark_unchanged();
        self.live.ring.lock().find(self.next)
    }

    fn take_group(&mut self, group: Arc<RecordGroup>) -> TailItem {
        let skip = usize::try_from(self.next - group.first).expect("a group is found by a record in it");
        self.next = group.end();
        self.place = None;
        TailItem::Records(TailRecords { group, skip })
    }

    fn take_log_lookup(&mut self, found: retained_log::LogLookup) -> TailItem {
        match found {
            retained_log::LogLookup::Records(group, place) => {
                let piece = self.take_group(Arc::new(group));
                self.place = Some(place);
                piece
            }
            retained_log::LogLookup::Gap(gap) => {
                self.next = gap.to + 1;
                TailItem::Gap(gap)
            }
        }
    }

    /// Reads the log on a blocking thread, with a limited number of readers at a time.
    fn read(&self, end: u64) -> LogReadTask {
        let (kept, permits) = (self.live.retained_log.clone(), self.live.log_reader_permits.clone());
        let (next, place) = (self.next, self.place);
        tokio::spawn(async move {
            let gone = |e: tokio::sync::AcquireError| Error::internal("the log is gone").with_source(e);
            let permit = permits.acquire_owned().await.map_err(gone)?;
            let read = move || {
                let _turn = permit;
                kept.read(next, end, place)
            };
            blocking("reading the log ended early", read).await
        })
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let mut ring = self.live.ring.lock();
        ring.readers -= 1;
        let unread = if ring.readers == 0 { ring.clear() } else { Vec::new() };
        drop(ring);
        drop(unread);
    }
}
