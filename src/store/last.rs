//! The newest reading of every stream, in memory, never older than an acknowledged write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::memtable::run::Run;
use crate::domain::StreamId;
use crate::domain::reading::{Quality, Reading, Readings};

/// The newest readings of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// By time, whatever its quality.
    pub newest: Reading,
    /// The newest that carries a value. `None` also after that one was overwritten by a bad reading, until a next
    /// value comes: which one was before it only the lake knows.
    pub valued: Option<Reading>,
}

/// The newest readings of all streams.
#[derive(Debug, Default)]
pub struct LastValues {
    streams: RwLock<HashMap<StreamId, Latest>>,
    /// Whether something was forgotten that the checkpoint may still hold.
    has_forgotten: AtomicBool,
}

impl LastValues {
    pub fn get(&self, stream: StreamId) -> Option<Latest> {
        self.streams.read().get(&stream).cloned()
    }

    /// Takes over a run: sorted, so each stream's newest row is its last, and its newest valued one is found
    /// going back from there.
    pub fn update(&self, run: &Run) {
        let mut streams = self.streams.write();
        let mut end = run.len();
        while end > 0 {
            let stream = run.stream[end - 1];
            let start = run.stream[..end].partition_point(|s| *s < stream);
            let bad = Quality::Bad as u8;
            if run.quality[end - 1] == bad {
                // The row that held the newest value may be among those that are bad now.
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

    /// Everything, for the checkpoint.
    pub fn export(&self) -> Readings {
        let streams = self.streams.read();
        streams.values().flat_map(|l| l.valued.iter().chain([&l.newest])).cloned().collect()
    }

    /// Takes over a checkpoint, in any order.
    pub fn import(&self, readings: &Readings) {
        let mut streams = self.streams.write();
        readings.iter().for_each(|r| put(&mut streams, r));
    }

    /// Forgets what is older than `from` says of its stream.
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
        self.has_forgotten.fetch_or(is_changed, Ordering::AcqRel);
    }

    /// Whether anything was forgotten since this was asked last.
    pub fn take_forgotten(&self) -> bool {
        self.has_forgotten.swap(false, Ordering::AcqRel)
    }

    /// What was forgotten is still in the checkpoint: it could not be written.
    pub fn keep_forgotten(&self) {
        self.has_forgotten.store(true, Ordering::Release);
    }

    /// Forgets deleted streams.
    pub fn remove(&self, gone: &[StreamId]) {
        let mut streams = self.streams.write();
        gone.iter().for_each(|s| drop(streams.remove(s)));
        self.has_forgotten.store(true, Ordering::Release);
    }
}

/// A row of the same time replaces: it was written later.
fn put(streams: &mut HashMap<StreamId, Latest>, reading: Reading) {
    let is_valued = reading.quality != Quality::Bad;
    match streams.get_mut(&reading.stream) {
        None => {
            let valued = is_valued.then(|| reading.clone());
            streams.insert(reading.stream, Latest { newest: reading, valued });
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
#[path = "last_tests.rs"]
mod tests;
