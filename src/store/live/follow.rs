//! Following as somebody: of what is committed the readings that a principal sees and wants, as the catalog stands when
//! they are handed out.

use std::collections::HashSet;
use std::sync::Arc;

use super::position::Position;
use super::tail::{Piece, Records, Tail};
use super::{Gap, Live};
use crate::domain::live::Wanted;
use crate::domain::reading::Readings;
use crate::domain::retention::Since;
use crate::domain::{Clock, Principal, Result};
use crate::store::catalog::Catalog;

/// Rows, or streams that are passed over, in one step, so that a reader of little beside much is told how far it is.
const STEP_ROWS: usize = 65_536;
/// Or until they have so many bytes of text, which are copied.
const STEP_TEXT: usize = 1 << 20;

/// What a step brings.
#[derive(Debug)]
pub enum Step {
    /// Perhaps none: nothing of what was looked at is wanted or seen.
    Readings(Readings),
    Gap(Gap),
}

/// What a following stands on.
pub(in crate::store) struct Ground {
    pub live: Arc<Live>,
    pub catalog: Arc<Catalog>,
    pub clock: Arc<dyn Clock>,
}

/// A reader of one principal. Dropping a future of it loses nothing.
pub struct Following {
    tail: Tail,
    sieve: Sieve,
    clock: Arc<dyn Clock>,
    position: Position,
    /// Records at the position; the first of them is at `position.seq`.
    current: Option<(Records, usize)>,
}

impl Following {
    pub(in crate::store) fn new(ground: Ground, who: Arc<Principal>, wanted: Wanted, from: Position) -> Self {
        let Ground { live, catalog, clock } = ground;
        let tail = Tail::new(&live, from.seq);
        let sieve = Sieve { catalog, who, wanted, revision: None, streams: HashSet::new() };
        Self { tail, sieve, clock, position: from, current: None }
    }

    /// Every row before it was handed out, or is not for this reader.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// At most `most` more readings, in the order of writing, those of one request by stream and time. Waits for records,
    /// not for readings.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or the store is closing.
    pub async fn next(&mut self, most: usize) -> Result<Step> {
        if self.current.is_none() {
            match self.tail.next().await? {
                Piece::Records(records) => self.current = Some((records, 0)),
                Piece::Gap(gap) => {
                    self.position.seq = gap.to + 1;
                    self.position.row = 0;
                    self.position.covered.settle(self.position.seq);
                    return Ok(Step::Gap(gap));
                }
            }
        }
        Ok(Step::Readings(self.sift(most)))
    }

    /// The same of what is in memory now; `None` when there is nothing.
    pub fn ready(&mut self, most: usize) -> Option<Readings> {
        if self.current.is_none() {
            self.current = Some((self.tail.ready()?, 0));
        }
        Some(self.sift(most))
    }

    fn sift(&mut self, most: usize) -> Readings {
        let mut found = Readings::default();
        let Some((records, at)) = &mut self.current else { return found };
        let kept = self.sieve.look(self.clock.as_ref());
        let (mut left, mut text) = (STEP_ROWS, 0);
        let runs = records.runs();
        while let Some(run) = runs.get(*at) {
            let position = &mut self.position;
            let mut row = usize::try_from(position.row).unwrap_or(usize::MAX).min(run.len());
            while row < run.len() && found.len() < most && left > 0 {
                let (stream, ts) = (run.stream[row], run.ts[row]);
                left -= 1;
                if !self.sieve.streams.contains(&stream) {
                    // Runs are sorted: nothing of this stream is looked at.
                    row += run.stream[row..].partition_point(|s| *s <= stream);
                    continue;
                }
                if ts >= kept.of(stream) && !position.covered.has(position.seq, stream, ts) {
                    let reading = run.get(row);
                    text += reading.text.as_ref().map_or(0, |text| text.len());
                    found.push(reading);
                    if text >= STEP_TEXT {
                        left = 0;
                    }
                }
                row += 1;
            }
            // A run has fewer rows than a request has bytes, which are below 2^32.
            position.row = row as u32;
            if row < run.len() {
                return found;
            }
            (position.seq, position.row) = (position.seq + 1, 0);
            position.covered.settle(position.seq);
            *at += 1;
        }
        self.current = None;
        found
    }
}

/// Which streams pass: found out again when the catalog has changed.
struct Sieve {
    catalog: Arc<Catalog>,
    who: Arc<Principal>,
    wanted: Wanted,
    revision: Option<u64>,
    streams: HashSet<i32>,
}

impl Sieve {
    /// Brings it up to date; from when on rows are kept.
    fn look(&mut self, clock: &dyn Clock) -> Arc<Since> {
        if self.revision != Some(self.catalog.revision()) {
            let (revision, streams) = self.catalog.followed(&self.who, &self.wanted);
            self.streams = streams.into_iter().map(|id| id.0).collect();
            self.revision = Some(revision);
        }
        self.catalog.kept(clock.now()).shown.clone()
    }
}
