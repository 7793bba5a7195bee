//! Readings of a rule's window in bounded memory.
//!
//! Up to [`MAX_BUCKETS`] readings are kept one by one, and the window is exact. Of more, neighbours that are at most a
//! 64th of the window apart are merged: then what leaves the window does so up to that much too late. Sum, minimum,
//! maximum and number of what is in it are exact in any case, apart from the rounding of the sum.

use std::collections::VecDeque;

use crate::domain::Micros;

/// Most entries of a window.
pub const MAX_BUCKETS: usize = 256;
/// Entries are merged within this part of the window.
const PARTS: i64 = 64;

/// One reading, or several that follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    first: i64,
    last: i64,
    count: u32,
    sum: f64,
    min: f64,
    max: f64,
}

/// The readings of a window, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    buckets: VecDeque<Bucket>,
}

/// Statistics of a window with at least one reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowStatistics {
    /// Number of readings.
    pub count: u64,
    /// Sum of their values.
    pub sum: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

impl Window {
    /// Adds a reading at its place in time, and drops those that are `length_us` or more older than it, and those after
    /// `latest`: the clock was set back since they arrived. Returns the statistics of the window that ends with the reading.
    ///
    /// Newer ones stay for the readings that follow them; of two with one time the last that arrives counts.
    pub fn push(&mut self, (ts, value): (Micros, f64), length_us: i64, latest: Micros) -> WindowStatistics {
        let start = ts.0.saturating_sub(length_us);
        while self.buckets.front().is_some_and(|bucket| bucket.last <= start) {
            self.buckets.pop_front();
        }
        while self.buckets.back().is_some_and(|bucket| bucket.first > latest.0) {
            self.buckets.pop_back();
        }
        if self.buckets.len() >= MAX_BUCKETS {
            self.merge(length_us / PARTS);
        }
        if self.buckets.len() >= MAX_BUCKETS {
            self.drop_farthest(ts.0);
        }
        self.insert(ts.0, value);
        self.statistics(start, ts.0)
    }

    fn insert(&mut self, ts: i64, value: f64) {
        let single = Bucket { first: ts, last: ts, count: 1, sum: value, min: value, max: value };
        let at = self.buckets.partition_point(|bucket| bucket.last < ts);
        match self.buckets.get_mut(at) {
            Some(same) if same.first == ts && same.count == 1 => *same = single,
            // One of its readings that comes again; those between the ends are not told apart.
            Some(around) if around.first == ts || around.last == ts => {}
            Some(around) if around.first < ts => {
                around.count = around.count.saturating_add(1);
                around.sum += value;
                around.min = around.min.min(value);
                around.max = around.max.max(value);
            }
            _ => self.buckets.insert(at, single),
        }
    }

    /// Readings of several windows are kept only while the clock of a source goes back and forth.
    fn drop_farthest(&mut self, ts: i64) {
        let before = self.buckets.front().map_or(0, |bucket| ts.saturating_sub(bucket.last));
        let after = self.buckets.back().map_or(0, |bucket| bucket.first.saturating_sub(ts));
        if before >= after {
            self.buckets.pop_front()
        } else {
            self.buckets.pop_back()
        };
    }

    /// Merges neighbours that lie within `span_us`. Two that are left beside each other span more, so at most two for
    /// each span of the window are left.
    fn merge(&mut self, span_us: i64) {
        let mut merged: VecDeque<Bucket> = VecDeque::with_capacity(MAX_BUCKETS);
        for bucket in self.buckets.drain(..) {
            match merged.back_mut() {
                Some(before) if bucket.last.saturating_sub(before.first) <= span_us => {
                    before.last = bucket.last;
                    before.count = before.count.saturating_add(bucket.count);
                    before.sum += bucket.sum;
                    before.min = before.min.min(bucket.min);
                    before.max = before.max.max(bucket.max);
                }
                _ => merged.push_back(bucket),
            }
        }
        self.buckets = merged;
    }

    /// Of the readings after `start` up to `end`. Oldest first, so that the sum is the same however often it is computed.
    fn statistics(&self, start: i64, end: i64) -> WindowStatistics {
        let mut all = WindowStatistics { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };
        let inside = self.buckets.iter().filter(|bucket| bucket.last > start && bucket.first <= end);
        for bucket in inside {
            all.count += u64::from(bucket.count);
            all.sum += bucket.sum;
            all.min = all.min.min(bucket.min);
            all.max = all.max.max(bucket.max);
        }
        all
    }

    /// Appends the stored form: the number of entries, then each as its count, times and values.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        // At most MAX_BUCKETS.
        out.extend((self.buckets.len() as u32).to_le_bytes());
        for bucket in &self.buckets {
            out.extend(bucket.count.to_le_bytes());
            out.extend(bucket.first.to_le_bytes());
            out.extend(bucket.sum.to_le_bytes());
            // Of a single reading the rest is the same.
            if bucket.count != 1 {
                out.extend(bucket.last.to_le_bytes());
                out.extend(bucket.min.to_le_bytes());
                out.extend(bucket.max.to_le_bytes());
            }
        }
    }

    /// Reads the stored form from the front of `rest`; `None` for anything else.
    pub(super) fn decode(rest: &mut &[u8]) -> Option<Window> {
        let entries = u32::from_le_bytes(take(rest)?) as usize;
        if entries > MAX_BUCKETS {
            return None;
        }
        let mut window = Window { buckets: VecDeque::with_capacity(entries) };
        for _ in 0..entries {
            let count = u32::from_le_bytes(take(rest)?);
            let (first, sum) = (i64::from_le_bytes(take(rest)?), f64::from_le_bytes(take(rest)?));
            let (last, min, max) = match count {
                1 => (first, sum, sum),
                _ => {
                    let last = i64::from_le_bytes(take(rest)?);
                    (last, f64::from_le_bytes(take(rest)?), f64::from_le_bytes(take(rest)?))
                }
            };
            let follows = window.buckets.back().is_none_or(|before: &Bucket| before.last < first);
            if count == 0 || last < first || !follows {
                return None;
            }
            window.buckets.push_back(Bucket { first, last, count, sum, min, max });
        }
        Some(window)
    }
}

/// Takes bytes from the front; `None` when there are not enough.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
