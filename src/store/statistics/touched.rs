//! Which times rows touched, stream by stream: what statistics do not know of yet.

use std::collections::HashMap;

use crate::store::lake::file::LakeFile;
use crate::store::memtable::run::Run;

/// Rows nearer to each other than this make one range, microseconds. What lies between them counts as touched: reading
/// a few minutes more from raw changes no answer, and a stream that is polled every second stays one range.
const GAP_US: i64 = 300 * 1_000_000;

/// Times of rows up to one seq. It may hold more than was touched, never less.
#[derive(Debug, Default)]
pub struct Touched {
    /// Half-open, ascending.
    streams: HashMap<i32, Vec<(i64, i64)>>,
    /// Streams `low..=high`, times `from..to`: all that is known of files without opening them.
    boxes: Vec<((i32, i32), (i64, i64))>,
}

impl Touched {
    /// By rows of a run.
    pub fn add_run(&mut self, run: &Run) {
        let mut start = 0;
        while start < run.len() {
            let stream = run.stream[start];
            let end = start + run.stream[start..].partition_point(|s| *s == stream);
            join(self.streams.entry(stream).or_default(), &run.ts[start..end]);
            start = end;
        }
    }

    /// By any row of a file.
    pub fn add_file(&mut self, file: &LakeFile) {
        self.boxes.push((file.streams, (file.ts.0, file.ts.1.saturating_add(1))));
    }

    pub fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.boxes.is_empty()
    }

    /// The times of one stream, in no order.
    pub fn of(&self, stream: i32) -> impl Iterator<Item = (i64, i64)> {
        let boxes = self.boxes.iter().filter(move |((low, high), _)| (*low..=*high).contains(&stream));
        self.streams.get(&stream).into_iter().flatten().copied().chain(boxes.map(|(_, times)| *times))
    }

    /// The times of all streams, in no order.
    pub fn all(&self) -> impl Iterator<Item = (i64, i64)> {
        self.streams.values().flatten().copied().chain(self.boxes.iter().map(|(_, times)| *times))
    }
}

/// Adds ascending times to ranges, opening a new one only past a gap.
pub fn join(ranges: &mut Vec<(i64, i64)>, mut times: &[i64]) {
    while let Some(first) = times.first() {
        let near = match ranges.last_mut() {
            Some((from, to)) if first >= from && *first - *to < GAP_US => {
                // All up to the gap join at once: rows lie far closer than that.
                let near = times.partition_point(|ts| *ts - *to < GAP_US);
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
