//! Subscription of one principal: the committed readings that it may see and has asked for, filtered by the catalog at
//! the time of delivery.

use std::collections::HashSet;
use std::sync::Arc;

use super::position::FeedPosition;
use super::tail::{Tail, TailItem, TailRecords};
use super::{CommitFeed, Gap};
use crate::domain::reading::Readings;
use crate::domain::retention::StreamStarts;
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{Clock, Principal, Result};
use crate::store::catalog::Catalog;

/// Maximum rows examined per step, or streams skipped, so that a reader with few matches among many rows still sees its
/// position advance.
const MAX_ROWS_PER_STEP: usize = 65_536;
/// A step also ends after this many bytes of text, because texts are copied.
const MAX_TEXT_BYTES_PER_STEP: usize = 1 << 20;

/// Result of one step.
#[derive(Debug)]
pub enum FilteredItem {
    /// May be empty, when none of the examined rows matched.
    Readings(Readings),
    Gap(Gap),
}

/// Parts of the store that a subscription needs.
pub(in crate::store) struct TailContext {
    pub live: Arc<CommitFeed>,
    pub catalog: Arc<Catalog>,
    pub clock: Arc<dyn Clock>,
}

/// A subscription of one principal. Dropping one of its futures loses nothing.
pub struct FilteredTail {
    tail: Tail,
    sieve: RowFilter,
    clock: Arc<dyn Clock>,
    position: FeedPosition,
    /// Records at the position; the first of them is at `position.seq`.
    current: Option<(TailRecords, usize)>,
}

impl FilteredTail {
    pub(in crate::store) fn new(
        context: TailContext,
        who: Arc<Principal>,
        wanted: SubscriptionFilter,
        from: FeedPosition,
    ) -> Self {
        let TailContext { live, catalog, clock } = context;
        let tail = Tail::new(&live, from.seq);
        let sieve = RowFilter { catalog, who, wanted, revision: None, streams: HashSet::new() };
        Self { tail, sieve, clock, position: from, current: None }
    }

    /// Returns the position. Every row before it was delivered or is not for this reader.
    pub fn position(&self) -> &FeedPosition {
        &self.position
    }

    /// Returns at most `most` further readings in write order, those of one request by stream and time. Waits for
    /// records, not for matching readings.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or the store is closing.
    pub async fn next(&mut self, most: usize) -> Result<FilteredItem> {
        if self.current.is_none() {
            match self.tail.next().await? {
                TailItem::Records(records) => self.current = Some((records, 0)),
                TailItem::Gap(gap) => {
                    self.position.seq = gap.to + 1;
                    self.position.row = 0;
                    self.position.covered.prune(self.position.seq);
                    return Ok(FilteredItem::Gap(gap));
                }
            }
        }
        Ok(FilteredItem::Readings(self.filter_rows(most)))
    }

    /// Same as `next` for what is in memory now; `None` when there is nothing.
    pub fn try_next(&mut self, most: usize) -> Option<Readings> {
        if self.current.is_none() {
            self.current = Some((self.tail.try_next()?, 0));
        }
        Some(self.filter_rows(most))
    }

    fn filter_rows(&mut self, most: usize) -> Readings {
        let mut found = Readings::default();
        let Some((records, at)) = &mut self.current else { return found };
        let kept = self.sieve.look(self.clock.as_ref());
        let (mut left, mut text) = (MAX_ROWS_PER_STEP, 0);
        let runs = records.runs();
        while let Some(run) = runs.get(*at) {
            let position = &mut self.position;
            let mut row = usize::try_from(position.row).unwrap_or(usize::MAX).min(run.len());
            while row < run.len() && found.len() < most && left > 0 {
                let (stream, ts) = (run.stream[row], run.ts[row]);
                left -= 1;
                if !self.sieve.streams.contains(&stream) {
                    // Runs are sorted: skip all rows of this stream.
                    row += run.stream[row..].partition_point(|s| *s <= stream);
                    continue;
                }
                if ts >= kept.start_of(stream) && !position.covered.has(position.seq, stream, ts) {
                    let reading = run.get(row);
                    text += reading.text.as_ref().map_or(0, |text| text.len());
                    found.push(reading);
                    if text >= MAX_TEXT_BYTES_PER_STEP {
                        left = 0;
                    }
                }
                row += 1;
            }
            // A run has fewer rows than its request has bytes, which are below 2^32.
            position.row = row as u32;
            if row < run.len() {
                return found;
            }
            (position.seq, position.row) = (position.seq + 1, 0);
            position.covered.prune(position.seq);
            *at += 1;
        }
        self.current = None;
        found
    }
}

/// Set of streams that match, recomputed whenever the catalog has changed.
struct RowFilter {
    catalog: Arc<Catalog>,
    who: Arc<Principal>,
    wanted: SubscriptionFilter,
    revision: Option<u64>,
    streams: HashSet<i32>,
}

impl RowFilter {
    /// Updates the filter. Returns the times from which rows are visible.
    fn look(&mut self, clock: &dyn Clock) -> Arc<StreamStarts> {
        if self.revision != Some(self.catalog.streams.revision()) {
            let (revision, streams) = self.catalog.streams.subscribed_streams(&self.who, &self.wanted);
            self.streams = streams.into_iter().map(|id| id.0).collect();
            self.revision = Some(revision);
        }
        self.catalog.retention.retention_bounds(clock.now()).visible_from.clone()
    }
}
