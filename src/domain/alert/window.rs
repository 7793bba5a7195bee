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
    /// Adds a reading, newer than all before, and drops those that are `length_us` or more older than it. Returns the
    /// statistics of what is left.
    pub fn push(&mut self, ts: Micros, value: f64, length_us: i64) -> WindowStatistics {
        let start = ts.0.saturating_sub(length_us);
        while self.buckets.front().is_some_and(|bucket| bucket.last <= start) {
            self.buckets.pop_front();
        }
        if self.buckets.len() >= MAX_BUCKETS {
            self.merge(length_us / PARTS);
        }
        let bucket = Bucket { first: ts.0, last: ts.0, count: 1, sum: value, min: value, max: value };
        self.buckets.push_back(bucket);
        self.statistics(bucket)
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

    /// Oldest first, so that the sum is the same however often it is computed.
    fn statistics(&self, newest: Bucket) -> WindowStatistics {
        let mut all = WindowStatistics { count: 0, sum: 0.0, min: newest.min, max: newest.max };
        for bucket in &self.buckets {
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
