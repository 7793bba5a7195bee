//! Ring buffer of the latest committed groups, for readers that keep up.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::store::memtable::ROW_BYTES;
use crate::store::memtable::run::Run;

/// Maximum number of groups, however small.
const MAX_GROUPS: usize = 8192;
/// Approximate memory of a run besides its rows, bytes: its buffers and their reference counts.
const RUN_OVERHEAD_BYTES: usize = 800;

/// Consecutive records with their readings, the first of them numbered `first`. A record without readings has an empty
/// run.
#[derive(Debug)]
pub struct RecordGroup {
    pub first: u64,
    pub runs: Vec<Run>,
}

impl RecordGroup {
    /// Returns the number after the last record.
    pub fn end(&self) -> u64 {
        self.first + self.runs.len() as u64
    }

    fn size_bytes(&self) -> usize {
        use arrow::array::Array;
        let text = |run: &Run| run.text.as_ref().map_or(0, |t| t.get_array_memory_size());
        self.runs.iter().map(|run| RUN_OVERHEAD_BYTES + run.len() * ROW_BYTES + text(run)).sum()
    }
}

/// Result of looking up a reader's position.
pub enum RingLookup {
    Group(Arc<RecordGroup>),
    /// The position is older than the ring: read from the log, up to `end`, exclusive.
    Behind {
        end: u64,
    },
    /// No records yet.
    CaughtUp,
    /// No records, and there will be none.
    Closed,
}

/// Ring bounded in groups and bytes; the oldest groups are removed first.
pub struct Ring {
    groups: VecDeque<(Arc<RecordGroup>, usize)>,
    bytes: usize,
    most_bytes: usize,
    /// The number of the next record.
    pub next: u64,
    pub readers: usize,
    pub is_closed: bool,
}

impl Ring {
    /// Creates an empty ring before record `next`, for groups of at most `most_bytes` bytes together.
    pub fn new(next: u64, most_bytes: usize) -> Self {
        Self { groups: VecDeque::new(), bytes: 0, most_bytes, next, readers: 0, is_closed: false }
    }

    /// Adds a group and returns the groups removed. A group without rows, or with too many, leaves the ring empty.
    pub fn push(&mut self, first: u64, count: usize, runs: Option<Vec<Run>>) -> Vec<Arc<RecordGroup>> {
        self.next = first + count as u64;
        let group = runs.filter(|_| self.readers > 0).map(|runs| RecordGroup { first, runs });
        let fitting = group.map(|group| (group.size_bytes(), group)).filter(|(b, _)| *b <= self.most_bytes);
        let Some((bytes, group)) = fitting else { return self.clear() };
        self.bytes += bytes;
        self.groups.push_back((Arc::new(group), bytes));
        let mut outrun = Vec::new();
        while self.bytes > self.most_bytes || self.groups.len() > MAX_GROUPS {
            let Some((group, bytes)) = self.groups.pop_front() else { break };
            self.bytes -= bytes;
            outrun.push(group);
        }
        outrun
    }

    /// Removes all groups and returns them, so that the caller drops them outside of its lock.
    pub fn clear(&mut self) -> Vec<Arc<RecordGroup>> {
        self.bytes = 0;
        self.groups.drain(..).map(|(group, _)| group).collect()
    }

    /// Finds the group that holds record `seq`.
    pub fn find(&self, seq: u64) -> RingLookup {
        let after = self.groups.partition_point(|(group, _)| group.first <= seq);
        match after.checked_sub(1).and_then(|at| self.groups.get(at)) {
            _ if seq >= self.next && self.is_closed => RingLookup::Closed,
            _ if seq >= self.next => RingLookup::CaughtUp,
            Some((group, _)) => RingLookup::Group(group.clone()),
            None => RingLookup::Behind { end: self.next },
        }
    }
}
