//! In-memory cache of the last readings of every stream: the current ones, as the rule about time in `domain::arrival` has it, and
//! the newest by time. It is never older than an acknowledged write.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::current_reading::{Arrival, ArrivedReading, LatestReadings, StreamReadings, StreamRows};
use super::latest_value_codec::{StoredReading, role};
use super::memtable::run::Run;
use crate::domain::reading::Reading;
use crate::domain::{Micros, StreamId};

/// The last readings of all streams.
#[derive(Debug, Default)]
pub struct LatestValueCache {
    streams: RwLock<HashMap<StreamId, StreamReadings>>,
    /// Whether entries were removed that the checkpoint may still contain.
    is_dirty: AtomicBool,
}

impl LatestValueCache {
    /// Returns what is current of a stream when the clock shows `now`, of readings not before `oldest`.
    pub fn get(&self, stream: StreamId, now: Micros, oldest: Micros) -> Option<LatestReadings> {
        self.streams.read().get(&stream)?.at(now, oldest)
    }

    /// Returns the time of a stream's newest reading by time, of any quality, also when it is ahead.
    pub fn newest_time(&self, stream: StreamId) -> Option<Micros> {
        self.streams.read().get(&stream).map(|known| known.newest.ts())
    }

    /// Returns a stream's newest reading by time, of any quality, also when it is ahead.
    pub fn newest_by_time(&self, stream: StreamId) -> Option<Reading> {
        self.streams.read().get(&stream).map(|known| Reading::clone(&known.newest.reading))
    }

    /// Returns the current readings of streams as of one moment, each not before what `oldest` says for its stream; streams
    /// without one are left out.
    pub fn newest_of_many(
        &self,
        streams: impl Iterator<Item = StreamId>,
        now: Micros,
        oldest: impl Fn(StreamId) -> Micros,
    ) -> Vec<Reading> {
        let known = self.streams.read();
        streams.filter_map(|stream| Some(known.get(&stream)?.at(now, oldest(stream))?.newest)).collect()
    }

    /// Adds the rows of a request that has just arrived.
    pub fn update(&self, run: &Run, arrival: Arrival) {
        self.add(run, arrival, |_| true);
    }

    /// Adds the rows of a record of the log, except to streams that have had it: what came after it decides there.
    pub fn replay(&self, run: &Run, arrival: Arrival) {
        self.add(run, arrival, |known| known.seq < arrival.seq);
    }

    /// A run is sorted, so the rows of each stream lie together.
    fn add(&self, run: &Run, arrival: Arrival, is_new: impl Fn(&StreamReadings) -> bool) {
        let mut streams = self.streams.write();
        let mut end = run.len();
        while end > 0 {
            let stream = run.stream[end - 1];
            let start = run.stream[..end].partition_point(|s| *s < stream);
            let rows = StreamRows { run, rows: start..end };
            match streams.get_mut(&StreamId(stream)) {
                None => drop(streams.insert(StreamId(stream), StreamReadings::first(&rows, &arrival))),
                Some(known) if is_new(known) => known.add(&rows, &arrival),
                Some(_) => {}
            }
            end = start;
        }
    }

    /// Returns the time of every stream's newest reading by time, of any quality, also when it is ahead; in no order.
    pub(super) fn newest_times(&self) -> Vec<(StreamId, Micros)> {
        self.streams.read().iter().map(|(stream, known)| (*stream, known.newest.ts())).collect()
    }

    /// Returns the streams with readings, by id.
    pub fn streams(&self) -> Vec<StreamId> {
        let mut streams: Vec<StreamId> = self.streams.read().keys().copied().collect();
        streams.sort_unstable();
        streams
    }

    /// Returns all entries, for the checkpoint.
    pub(super) fn export(&self) -> Vec<StoredReading> {
        let streams = self.streams.read();
        let mut stored = Vec::with_capacity(streams.len());
        streams.values().for_each(|known| store(known, &mut stored));
        stored
    }

    /// Adds the entries of a checkpoint, in any order.
    pub(super) fn import(&self, stored: Vec<StoredReading>) {
        let mut streams = self.streams.write();
        for StoredReading { arrived, roles, stream_seq } in stored {
            let known = streams.entry(arrived.reading.stream).or_insert_with(|| StreamReadings {
                seq: stream_seq,
                newest: arrived.clone(),
                current: None,
                valued: None,
                waiting: Vec::new(),
            });
            if roles & role::CURRENT != 0 {
                known.current = Some(arrived.clone());
            }
            if roles & role::VALUED != 0 {
                known.valued = Some(arrived.clone());
            }
            if roles & role::WAITING != 0 {
                let at = known.waiting.partition_point(|other| other.ts() < arrived.ts());
                known.waiting.insert(at, arrived.clone());
            }
            if roles & role::NEWEST != 0 {
                known.newest = arrived;
            }
        }
    }

    /// Removes readings older than the bound `from` gives for their stream.
    pub fn expire(&self, from: impl Fn(i32) -> i64) {
        let mut is_changed = false;
        self.streams.write().retain(|stream, known| {
            let expired = known.expire(Micros(from(stream.0)));
            is_changed |= expired.unwrap_or(true);
            expired.is_some()
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

/// Adds the entries of a stream. The newest reading is mostly the current one and that with a value: it is there once.
fn store(known: &StreamReadings, stored: &mut Vec<StoredReading>) {
    let first = stored.len();
    let places = [
        (role::NEWEST, Some(&known.newest)),
        (role::CURRENT, known.current.as_ref()),
        (role::VALUED, known.valued.as_ref()),
    ];
    let waiting = known.waiting.iter().map(|reading| (role::WAITING, Some(reading)));
    for (role, arrived) in places.into_iter().chain(waiting) {
        let Some(arrived) = arrived else { continue };
        let is_same = |other: &&mut StoredReading| is_same(&other.arrived, arrived);
        match stored[first..].iter_mut().find(is_same) {
            Some(same) => same.roles |= role,
            None => {
                stored.push(StoredReading { arrived: arrived.clone(), roles: role, stream_seq: known.seq })
            }
        }
    }
}

fn is_same(one: &ArrivedReading, other: &ArrivedReading) -> bool {
    Arc::ptr_eq(&one.reading, &other.reading) || one == other
}

#[cfg(test)]
#[path = "latest_value_cache_tests.rs"]
mod tests;
