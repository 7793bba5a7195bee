//! In-memory cache of the newest reading of every stream. It is never older than an acknowledged write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::memtable::run::Run;
use crate::domain::StreamId;
use crate::domain::reading::{Quality, Reading, Readings};

/// The newest readings of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestReadings {
    /// The newest reading by time, of any quality.
    pub newest: Reading,
    /// The newest reading that carries a value. After a bad reading overwrote it, this is `None` until the next value
    /// comes: only the lake knows which value came before.
    pub valued: Option<Reading>,
}

/// The newest readings of all streams.
#[derive(Debug, Default)]
pub struct LatestValueCache {
    streams: RwLock<HashMap<StreamId, LatestReadings>>,
    /// Whether entries were removed that the checkpoint may still contain.
    is_dirty: AtomicBool,
}

impl LatestValueCache {
    pub fn get(&self, stream: StreamId) -> Option<LatestReadings> {
        self.streams.read().get(&stream).cloned()
    }

    /// Returns the newest readings of streams as of one moment; streams without readings are left out.
    pub fn newest_of_many(&self, streams: impl Iterator<Item = StreamId>) -> Vec<Reading> {
        let known = self.streams.read();
        streams.filter_map(|stream| Some(known.get(&stream)?.newest.clone())).collect()
    }

    /// Adds a run. It is sorted, so each stream's newest row is its last, and its newest row with a value is found by
    /// going back from there.
    pub fn update(&self, run: &Run) {
        let mut streams = self.streams.write();
        let mut end = run.len();
        while end > 0 {
            let stream = run.stream[end - 1];
            let start = run.stream[..end].partition_point(|s| *s < stream);
            let bad = Quality::Bad as u8;
            if run.quality[end - 1] == bad {
                // The row that held the newest value may be among those that are now bad.
                let known = streams.get(&StreamId(stream)).and_then(|l| l.valued.as_ref()).map(|v| v.ts.0);
                let overwritten = known.and_then(|ts| run.ts[start..end].binary_search(&ts).ok());
                let valued = (start..end).rev().find(|i| run.quality[*i] != bad);
                for row in overwritten.map(|i| start + i).into_iter().chain(valued) {
                    put(&mut streams, run.get(row));
                }
            }
            put(&mut streams, run.get(end - 1));
            end = start;
        }
    }

    /// Returns all entries, for the checkpoint.
    pub fn export(&self) -> Readings {
        let streams = self.streams.read();
        streams.values().flat_map(|l| l.valued.iter().chain([&l.newest])).cloned().collect()
    }

    /// Adds the entries of a checkpoint, in any order.
    pub fn import(&self, readings: &Readings) {
        let mut streams = self.streams.write();
        readings.iter().for_each(|r| put(&mut streams, r));
    }

    /// Removes readings older than the bound `from` gives for their stream.
    pub fn expire(&self, from: impl Fn(i32) -> i64) {
        let mut is_changed = false;
        self.streams.write().retain(|stream, latest| {
            let is_expired = |reading: &Reading| reading.ts.0 < from(stream.0);
            if latest.valued.as_ref().is_some_and(is_expired) {
                latest.valued = None;
                is_changed = true;
            }
            let stays = !is_expired(&latest.newest);
            is_changed |= !stays;
            stays
        });
        self.is_dirty.fetch_or(is_changed, Ordering::AcqRel);
    }

    /// Returns and clears the dirty flag: whether entries were removed since the last call.
    pub fn take_dirty(&self) -> bool {
        self.is_dirty.swap(false, Ordering::AcqRel)
    }

    /// Sets the dirty flag again after a failed checkpoint, which may still contain removed entries.
    pub fn mark_dirty(&self) {
        self.is_dirty.store(true, Ordering::Release);
    }

    /// Removes deleted streams.
    pub fn remove(&self, gone: &[StreamId]) {
        let mut streams = self.streams.write();
        gone.iter().for_each(|s| drop(streams.remove(s)));
        self.is_dirty.store(true, Ordering::Release);
    }
}

/// A row of the same time replaces the previous one, because it was written later.
fn put(streams: &mut HashMap<StreamId, LatestReadings>, reading: Reading) {
    let is_valued = reading.quality != Quality::Bad;
    match streams.get_mut(&reading.stream) {
        None => {
            let valued = is_valued.then(|| reading.clone());
            streams.insert(reading.stream, LatestReadings { newest: reading, valued });
        }
        Some(latest) => {
            if is_valued && latest.valued.as_ref().is_none_or(|v| v.ts <= reading.ts) {
                latest.valued = Some(reading.clone());
            } else if latest.valued.as_ref().is_some_and(|v| v.ts == reading.ts) {
                latest.valued = None;
            }
            if latest.newest.ts <= reading.ts {
                latest.newest = reading;
            }
        }
    }
}

#[cfg(test)]
#[path = "latest_value_cache_tests.rs"]
mod tests;
