//! The current reading of one stream: what arrived last of what is not ahead of the clock (`domain::arrival`).

use std::ops::Range;
use std::sync::Arc;

use super::memtable::run::Run;
use crate::domain::Micros;
use crate::domain::arrival::{self, AheadBound};
use crate::domain::reading::{Quality, Reading};

/// How many readings of a stream that are ahead are kept until their time has come: those whose time comes first, and the newest.
const MAX_WAITING: usize = 8;

/// The current readings of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestReadings {
    /// The current reading, of any quality: the one that arrived last of those that are not ahead of the clock.
    pub newest: Reading,
    /// The current reading among those that carry a value. After a bad reading overwrote it, this is `None` until the next
    /// value comes: only the lake knows which value came before.
    pub valued: Option<Reading>,
}

/// How a request arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Its number in the log.
    pub seq: u64,
    /// Time of the clock then.
    pub at: Micros,
    /// How far its times may be ahead of that.
    pub bound: AheadBound,
}

/// A reading and how it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArrivedReading {
    pub reading: Arc<Reading>,
    /// The number of its record in the log.
    pub seq: u64,
    /// Whether it is history that an import brought: it is current only when it is newer by its time.
    pub is_import: bool,
}

impl ArrivedReading {
    fn of_row(run: &Run, row: usize, seq: u64) -> Self {
        Self { reading: Arc::new(run.get(row)), seq, is_import: run.is_import }
    }

    /// Returns the reading's own time, not that of its arrival.
    pub fn ts(&self) -> Micros {
        self.reading.ts
    }

    /// Whether the reading carries a value: its quality is not bad.
    pub fn is_valued(&self) -> bool {
        self.reading.quality != Quality::Bad
    }

    /// Whether this reading is current after another, when both are not ahead.
    fn follows(&self, other: &ArrivedReading) -> bool {
        !self.is_import || other.ts() <= self.ts()
    }

    /// Whether this reading, which was ahead, is current after another now that its time has come: what arrived after it stays
    /// when its time is newer.
    fn follows_in_time(&self, other: &ArrivedReading) -> bool {
        other.ts() <= self.ts() || (self.follows(other) && other.seq < self.seq)
    }
}

/// The rows of one stream in a run.
pub(super) struct StreamRows<'a> {
    pub run: &'a Run,
    /// Not empty.
    pub rows: Range<usize>,
}

impl StreamRows<'_> {
    /// Returns the row with a time.
    fn at(&self, ts: Micros) -> Option<usize> {
        let found = self.run.ts[self.rows.clone()].binary_search(&ts.0).ok()?;
        Some(self.rows.start + found)
    }

    /// Returns the first row that is later than a time.
    fn first_after(&self, ts: Micros) -> usize {
        self.rows.start + self.run.ts[self.rows.clone()].partition_point(|row| *row <= ts.0)
    }

    fn is_valued(&self, row: usize) -> bool {
        self.run.quality[row] != Quality::Bad as u8
    }
}

/// Knowledge about a stream's last readings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StreamReadings {
    /// The number of the last record that had rows of the stream.
    pub seq: u64,
    /// The newest reading by time, of any quality, also when it is ahead.
    pub newest: ArrivedReading,
    /// The current reading, of any quality; `None` when all were ahead, and after it has expired.
    pub current: Option<ArrivedReading>,
    /// The current reading among those with a value. After a bad reading overwrote it, this is `None` until the next value
    /// comes: only the lake knows which value came before.
    pub valued: Option<ArrivedReading>,
    /// Readings that are ahead, by time.
    pub waiting: Vec<ArrivedReading>,
}

impl StreamReadings {
    /// Knowledge after the first rows of a stream.
    pub fn first(rows: &StreamRows<'_>, arrival: &Arrival) -> Self {
        let newest = ArrivedReading::of_row(rows.run, rows.rows.end - 1, arrival.seq);
        let mut first = Self { seq: arrival.seq, newest, current: None, valued: None, waiting: Vec::new() };
        first.add(rows, arrival);
        first
    }

    /// Adds the rows of one request.
    pub fn add(&mut self, rows: &StreamRows<'_>, arrival: &Arrival) {
        self.seq = arrival.seq;
        self.settle(arrival.at);
        self.overwrite(rows, arrival.seq);
        let entry = |row| ArrivedReading::of_row(rows.run, row, arrival.seq);
        let end = rows.rows.end;
        let newest = entry(end - 1);
        let ahead = rows.first_after(arrival.bound.latest(arrival.at));
        if ahead > rows.rows.start {
            let last = if ahead == end { newest.clone() } else { entry(ahead - 1) };
            let valued = (rows.rows.start..ahead).rev().find(|row| rows.is_valued(*row));
            let valued = valued.map(|row| if row == ahead - 1 { last.clone() } else { entry(row) });
            replace(&mut self.current, last, ArrivedReading::follows);
            valued.into_iter().for_each(|valued| replace(&mut self.valued, valued, ArrivedReading::follows));
        }
        let kept = |row: &usize| *row < ahead + MAX_WAITING - 1 || *row == end - 1;
        (ahead..end).filter(kept).for_each(|row| self.wait(entry(row)));
        if self.newest.ts() <= newest.ts() {
            self.newest = newest;
        }
    }

    /// Replaces readings that rows of the same time overwrite.
    fn overwrite(&mut self, rows: &StreamRows<'_>, seq: u64) {
        if let Some(current) = &mut self.current
            && let Some(row) = rows.at(current.ts())
        {
            *current = ArrivedReading::of_row(rows.run, row, seq);
        }
        if let Some(row) = self.valued.as_ref().and_then(|valued| rows.at(valued.ts())) {
            self.valued = rows.is_valued(row).then(|| ArrivedReading::of_row(rows.run, row, seq));
        }
        self.waiting.retain(|waiting| rows.at(waiting.ts()).is_none());
    }

    /// Keeps a reading that is ahead.
    fn wait(&mut self, reading: ArrivedReading) {
        let at = self.waiting.partition_point(|other| other.ts() < reading.ts());
        self.waiting.insert(at, reading);
        if self.waiting.len() > MAX_WAITING {
            self.waiting.remove(MAX_WAITING - 1);
        }
    }

    /// Makes readings current whose time has come.
    fn settle(&mut self, now: Micros) {
        let come = self.waiting.partition_point(|waiting| arrival::has_come(waiting.ts(), now));
        for reading in self.waiting.drain(..come) {
            if reading.is_valued() {
                replace(&mut self.valued, reading.clone(), ArrivedReading::follows_in_time);
            }
            replace(&mut self.current, reading, ArrivedReading::follows_in_time);
        }
    }

    /// Returns what is current when the clock shows `now`, of readings not before `oldest`.
    pub fn at(&self, now: Micros, oldest: Micros) -> Option<LatestReadings> {
        let has_come = |reading: &ArrivedReading| arrival::has_come(reading.ts(), now);
        let mut settled;
        let known = match self.waiting.first().is_some_and(has_come) {
            false => self,
            true => {
                settled = self.clone();
                settled.settle(now);
                &settled
            }
        };
        let is_kept = |reading: &&ArrivedReading| reading.ts() >= oldest;
        // When what arrived last has expired, what is left of the stream is known by its time only.
        let newest = || Some(&known.newest).filter(|newest| has_come(newest));
        let current = known.current.as_ref().filter(is_kept).or_else(newest).filter(is_kept)?;
        let valued = known.valued.as_ref().filter(is_kept);
        Some(LatestReadings {
            newest: Reading::clone(&current.reading),
            valued: valued.map(|valued| Reading::clone(&valued.reading)),
        })
    }

    /// Removes readings before `oldest`. Returns whether there were any, or `None` when no reading is left.
    pub fn expire(&mut self, oldest: Micros) -> Option<bool> {
        if self.newest.ts() < oldest {
            return None;
        }
        let mut is_changed = false;
        for place in [&mut self.current, &mut self.valued] {
            is_changed |= place.take_if(|reading| reading.ts() < oldest).is_some();
        }
        let count = self.waiting.len();
        self.waiting.retain(|reading| reading.ts() >= oldest);
        Some(is_changed || self.waiting.len() < count)
    }
}

/// Puts a reading in the place of one that it follows.
fn replace(
    place: &mut Option<ArrivedReading>,
    reading: ArrivedReading,
    follows: fn(&ArrivedReading, &ArrivedReading) -> bool,
) {
    if place.as_ref().is_none_or(|other| follows(&reading, other)) {
        *place = Some(reading);
    }
}
