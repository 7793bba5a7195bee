//! Times touched by rows, per stream, that the statistics do not cover yet.

use std::collections::HashMap;

use crate::domain::min_max::MinMax;
use crate::store::lake::file::LakeFile;
use crate::store::memtable::run::Run;

/// Rows closer together than this form one range, microseconds. The time between them counts as touched: reading a few
/// more minutes from raw rows changes no result, and a stream polled every second stays one range.
const MERGE_GAP_US: i64 = 300 * 1_000_000;

/// Times touched by rows up to some seq. It may hold more than was touched, never less.
#[derive(Debug, Default)]
pub struct Invalidations {
    /// Half-open ranges, ascending.
    streams: HashMap<i32, Vec<(i64, i64)>>,
    /// The only bounds known of files without opening them.
    files: Vec<FileInvalidation>,
}

/// Bounds of the rows of a file.
#[derive(Debug)]
struct FileInvalidation {
    streams: MinMax<i32>,
    /// Half-open.
    times: (i64, i64),
}

impl Invalidations {
    /// Adds the times of a run's rows.
    pub fn add_run(&mut self, run: &Run) {
        let mut start = 0;
        while start < run.len() {
            let stream = run.stream[start];
            let end = start + run.stream[start..].partition_point(|s| *s == stream);
            merge_times(self.streams.entry(stream).or_default(), &run.ts[start..end]);
            start = end;
        }
    }

    /// Adds the bounds of a file.
    pub fn add_file(&mut self, file: &LakeFile) {
        let times = (file.ts.min, file.ts.max.saturating_add(1));
        self.files.push(FileInvalidation { streams: file.streams, times });
    }

    /// Whether no time is touched: all computed rows stay valid.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.files.is_empty()
    }

    /// Returns the touched times of one stream, in no particular order.
    pub fn of_stream(&self, stream: i32) -> impl Iterator<Item = (i64, i64)> {
        let files = self.files.iter().filter(move |file| file.streams.contains(stream));
        self.streams.get(&stream).into_iter().flatten().copied().chain(files.map(|file| file.times))
    }

    /// Returns the touched times of all streams, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = (i64, i64)> {
        self.streams.values().flatten().copied().chain(self.files.iter().map(|file| file.times))
    }
}

/// Adds ascending times to ranges, starting a new range only after a gap.
pub fn merge_times(ranges: &mut Vec<(i64, i64)>, mut times: &[i64]) {
    while let Some(first) = times.first() {
        let near = match ranges.last_mut() {
            Some((from, to)) if first >= from && *first - *to < MERGE_GAP_US => {
                // Extend by all times before the gap at once, because rows are mostly far closer than that.
                let near = times.partition_point(|ts| *ts - *to < MERGE_GAP_US);
                *to = (*to).max(times[near - 1] + 1);
                near
            }
            _ => {
                ranges.push((*first, *first + 1));
                1
            }
        };
        times = &times[near..];
    }
}
