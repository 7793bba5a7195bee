//! The latest groups, in memory, for readers that keep up.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::store::memtable::ROW_BYTES;
use crate::store::memtable::run::Run;

/// Groups held, however small.
const GROUPS: usize = 8192;
/// What a run takes beside its rows, about: its buffers and what counts who shares them.
const RUN_BYTES: usize = 800;

/// Consecutive records with their readings, the first of them numbered `first`. A record without readings has an empty run.
#[derive(Debug)]
pub struct Group {
    pub first: u64,
    pub runs: Vec<Run>,
}

impl Group {
    /// The number after its last record.
    pub fn end(&self) -> u64 {
        self.first + self.runs.len() as u64
    }

    fn size_bytes(&self) -> usize {
        use arrow::array::Array;
        let text = |run: &Run| run.text.as_ref().map_or(0, |t| t.get_array_memory_size());
        self.runs.iter().map(|run| RUN_BYTES + run.len() * ROW_BYTES + text(run)).sum()
    }
}

/// What a reader finds at its position.
pub enum Found {
    Group(Arc<Group>),
    /// It is older than the ring: to be read in the log, before `end`.
    Behind {
        end: u64,
    },
    /// Nothing yet.
    Ahead,
    /// Nothing, and there will be nothing.
    Closed,
}

/// Bounded in groups and bytes; the oldest go first.
pub struct Ring {
    groups: VecDeque<(Arc<Group>, usize)>,
    bytes: usize,
    most_bytes: usize,
    /// The number of the next record.
    pub next: u64,
    pub readers: usize,
    pub is_closed: bool,
}

impl Ring {
    pub fn new(next: u64, most_bytes: usize) -> Self {
        Self { groups: VecDeque::new(), bytes: 0, most_bytes, next, readers: 0, is_closed: false }
    }

    /// Adds a group and returns those that had to go. One whose rows are not given, or are too many, leaves the ring empty.
    pub fn push(&mut self, first: u64, count: usize, runs: Option<Vec<Run>>) -> Vec<Arc<Group>> {
        self.next = first + count as u64;
        let group = runs.filter(|_| self.readers > 0).map(|runs| Group { first, runs });
        let fitting = group.map(|group| (group.size_bytes(), group)).filter(|(b, _)| *b <= self.most_bytes);
        let Some((bytes, group)) = fitting else { return self.clear() };
        self.bytes += bytes;
        self.groups.push_back((Arc::new(group), bytes));
        let mut outrun = Vec::new();
        while self.bytes > self.most_bytes || self.groups.len() > GROUPS {
            let Some((group, bytes)) = self.groups.pop_front() else { break };
            self.bytes -= bytes;
            outrun.push(group);
        }
        outrun
    }

    pub fn clear(&mut self) -> Vec<Arc<Group>> {
        self.bytes = 0;
        self.groups.drain(..).map(|(group, _)| group).collect()
    }

    /// What holds the record `seq`.
    pub fn find(&self, seq: u64) -> Found {
        let after = self.groups.partition_point(|(group, _)| group.first <= seq);
        match after.checked_sub(1).and_then(|at| self.groups.get(at)) {
            _ if seq >= self.next && self.is_closed => Found::Closed,
            _ if seq >= self.next => Found::Ahead,
            Some((group, _)) => Found::Group(group.clone()),
            None => Found::Behind { end: self.next },
        }
    }
}
