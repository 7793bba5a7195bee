//! A reader's place in what is committed: from the ring, from the log's files when it is behind, and back.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::kept::{self, Place};
use super::recent::{self, Group};
use super::{Gap, Live};
use crate::domain::{Error, Result};
use crate::store::memtable::run::Run;

/// What comes next.
#[derive(Debug)]
pub enum Piece {
    Records(Records),
    Gap(Gap),
}

/// Consecutive records, at least one.
#[derive(Debug, Clone)]
pub struct Records {
    group: Arc<Group>,
    /// Records of the group that come before.
    skip: usize,
}

impl Records {
    /// The number of the first.
    pub fn first(&self) -> u64 {
        self.group.first + self.skip as u64
    }

    /// Their readings, one run a record.
    pub fn runs(&self) -> &[Run] {
        &self.group.runs[self.skip..]
    }
}

type Reading = JoinHandle<Result<kept::Found>>;

/// Reads every committed record from a position on, in order, each once; what is no longer kept is a gap.
///
/// It holds at most one piece of the log in memory. Dropping it, or a future of it, loses nothing and stops nobody.
pub struct Tail {
    live: Arc<Live>,
    grown: watch::Receiver<()>,
    next: u64,
    /// Where the log was left off.
    place: Option<Place>,
    /// Kept here, so that whoever gives up waiting finds it again.
    reading: Option<Reading>,
}

impl Tail {
    /// A reader whose first record is `next`.
    pub fn new(live: &Arc<Live>, next: u64) -> Tail {
        live.ring.lock().readers += 1;
        let grown = live.grown.subscribe();
        Tail { live: live.clone(), grown, next, place: None, reading: None }
    }

    /// The records or the gap at its position; waits until there is something.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or is closed.
    pub async fn next(&mut self) -> Result<Piece> {
        loop {
            if self.reading.is_none() {
                match self.find() {
                    recent::Found::Group(group) => return Ok(self.take(group)),
                    recent::Found::Behind { end } => self.reading = Some(self.read(end)),
                    recent::Found::Closed => return Err(Error::unavailable("the server is shutting down")),
                    recent::Found::Ahead => {
                        self.grown
                            .changed()
                            .await
                            .map_err(|e| Error::internal("the log is gone").because(e))?;
                        continue;
                    }
                }
            }
            if let Some(reading) = &mut self.reading {
                let found = reading.await;
                self.reading = None;
                let found =
                    found.map_err(|e| Error::internal("reading the log ended early").because(e))??;
                return Ok(self.take_kept(found));
            }
        }
    }

    /// As `next`, but only what the ring has at this moment.
    pub fn ready(&mut self) -> Option<Records> {
        if self.reading.is_some() {
            return None;
        }
        match self.find() {
            recent::Found::Group(group) => match self.take(group) {
                Piece::Records(records) => Some(records),
                Piece::Gap(_) => None,
            },
            recent::Found::Behind { .. } | recent::Found::Ahead | recent::Found::Closed => None,
        }
    }

    fn find(&mut self) -> recent::Found {
        self.grown.mark_unchanged();
        self.live.ring.lock().find(self.next)
    }

    fn take(&mut self, group: Arc<Group>) -> Piece {
        let skip = usize::try_from(self.next - group.first).expect("a group is found by a record in it");
        self.next = group.end();
        self.place = None;
        Piece::Records(Records { group, skip })
    }

    fn take_kept(&mut self, found: kept::Found) -> Piece {
        match found {
            kept::Found::Records(group, place) => {
                let piece = self.take(Arc::new(group));
                self.place = Some(place);
                piece
            }
            kept::Found::Gap(gap) => {
                self.next = gap.to + 1;
                Piece::Gap(gap)
            }
        }
    }

    /// Off the async threads, a few readers at a time.
    fn read(&self, end: u64) -> Reading {
        let (kept, turns) = (self.live.kept.clone(), self.live.turns.clone());
        let (next, place) = (self.next, self.place);
        tokio::spawn(async move {
            let gone = |e: tokio::sync::AcquireError| Error::internal("the log is gone").because(e);
            let turn = turns.acquire_owned().await.map_err(gone)?;
            let read = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                kept.read(next, end, place)
            });
            read.await.map_err(|e| Error::internal("reading the log ended early").because(e))?
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
