//! A run: readings in memory, sorted by (stream, ts), one row a key, each with its `seq`.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{Array, AsArray, StringArray};
use arrow::buffer::ScalarBuffer;

use super::order::{self, Keys, Slice};
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};

/// Sorted readings in Arrow buffers, so that a query shares them without copying.
#[derive(Debug, Clone)]
pub struct Run {
    pub stream: ScalarBuffer<i32>,
    /// Microseconds since the epoch, UTC.
    pub ts: ScalarBuffer<i64>,
    /// NaN stands for null.
    pub value: ScalarBuffer<f64>,
    pub quality: ScalarBuffer<u8>,
    pub seq: ScalarBuffer<i64>,
    /// `None` when no row has a text.
    pub text: Option<StringArray>,
}

fn text_bytes(text: &StringArray, rows: Range<usize>) -> usize {
    let offsets = text.value_offsets();
    (offsets[rows.end] - offsets[rows.start]) as usize
}

/// Bytes of the longest text of a column; 0 of one of something else.
pub fn longest_text(column: &dyn Array) -> usize {
    let Some(text) = column.as_string_opt::<i32>() else { return 0 };
    text.value_offsets().windows(2).map(|of| (of[1] - of[0]) as usize).max().unwrap_or(0)
}

/// Sorts readings by (stream, ts) and keeps the later of two with the same key.
pub fn normalize(rows: Readings) -> Readings {
    let keys: Vec<(i32, i64)> = rows.stream.iter().copied().zip(rows.ts.iter().copied()).collect();
    if keys.windows(2).all(|w| w[0] < w[1]) {
        return rows;
    }
    let order = last_of_each(&keys);
    let pick = |i: &u32| *i as usize;
    Readings {
        stream: order.iter().map(|i| rows.stream[pick(i)]).collect(),
        ts: order.iter().map(|i| rows.ts[pick(i)]).collect(),
        value: order.iter().map(|i| rows.value[pick(i)]).collect(),
        quality: order.iter().map(|i| rows.quality[pick(i)]).collect(),
        text: match rows.text.is_empty() {
            true => Vec::new(),
            false => order.iter().map(|i| rows.text[pick(i)].clone()).collect(),
        },
    }
}

/// Row numbers sorted by key; of equal keys only the last row. Batches are far below 2^32 rows.
fn last_of_each(keys: &[(i32, i64)]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    // Stable, so equal keys stay in the order of writing; runs already sorted are merged, not sorted again.
    order.sort_by_key(|i| keys[*i as usize]);
    let mut kept: Vec<u32> = Vec::with_capacity(order.len());
    for i in order {
        match kept.last_mut() {
            Some(last) if keys[*last as usize] == keys[i as usize] => *last = i,
            _ => kept.push(i),
        }
    }
    kept
}

impl Run {
    /// From normalized readings of one request.
    pub fn new(rows: Readings, seq: u64) -> Run {
        let seqs = vec![seq as i64; rows.len()];
        let text =
            (!rows.text.is_empty()).then(|| StringArray::from_iter(rows.text.iter().map(Option::as_deref)));
        Run {
            stream: rows.stream.into(),
            ts: rows.ts.into(),
            value: rows.value.into(),
            quality: rows.quality.into(),
            seq: seqs.into(),
            text,
        }
    }

    pub fn len(&self) -> usize {
        self.ts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Bytes of all its texts.
    pub fn text_bytes(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text_bytes(text, 0..text.len()))
    }

    /// Bytes of its longest text.
    pub fn longest_text(&self) -> usize {
        self.text.as_ref().map_or(0, |text| longest_text(text))
    }

    /// The end of the rows from `start` on that have no more than so many bytes of text, and of which there are at most
    /// so many; past `start` by one row at least.
    pub fn end_of_batch(&self, start: usize, rows: usize, bytes: usize) -> usize {
        let end = self.len().min(start + rows);
        let Some(text) = &self.text else { return end };
        let offsets = &text.value_offsets()[start..=end];
        let within = offsets.partition_point(|offset| (offset - offsets[0]) as usize <= bytes);
        // As many offsets as rows, and one more.
        (start + within.saturating_sub(1)).max(start + 1).min(end)
    }

    /// The key of row `i`.
    pub fn key(&self, i: usize) -> (i32, i64) {
        (self.stream[i], self.ts[i])
    }

    /// The key of the last row.
    pub fn last_key(&self) -> Option<(i32, i64)> {
        self.len().checked_sub(1).map(|i| self.key(i))
    }

    /// The same rows, all with one seq.
    pub fn with_seq(self, seq: u64) -> Run {
        Run { seq: vec![seq as i64; self.len()].into(), ..self }
    }

    /// Row `i` as one reading.
    pub fn get(&self, i: usize) -> Reading {
        let text = self.text.as_ref().filter(|t| t.is_valid(i)).map(|t| Box::from(t.value(i)));
        Reading {
            stream: StreamId(self.stream[i]),
            ts: Micros(self.ts[i]),
            value: Some(self.value[i]).filter(|v| !v.is_nan()),
            text,
            quality: crate::domain::reading::Quality::from_byte(self.quality[i]).unwrap_or_default(),
        }
    }

    /// The rows whose keys lie in `from..to`.
    pub fn slice_between(&self, from: (i32, i64), to: (i32, i64)) -> Run {
        let start = self.count_before(from);
        self.slice(start, self.count_before(to).saturating_sub(start))
    }

    /// How many rows have a key below this one.
    pub fn count_before(&self, key: (i32, i64)) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let mid = low + (high - low) / 2;
            if self.key(mid) < key { low = mid + 1 } else { high = mid }
        }
        low
    }

    pub fn slice(&self, start: usize, len: usize) -> Run {
        Run {
            stream: self.stream.slice(start, len),
            ts: self.ts.slice(start, len),
            value: self.value.slice(start, len),
            quality: self.quality.slice(start, len),
            seq: self.seq.slice(start, len),
            text: self.text.as_ref().map(|t| t.slice(start, len)),
        }
    }

    /// The rows for which `keep` holds.
    pub fn select(&self, keep: impl Fn(&Run, usize) -> bool) -> Run {
        let rows: Vec<u32> = (0..self.len() as u32).filter(|i| keep(self, *i as usize)).collect();
        if rows.len() == self.len() { self.clone() } else { self.take(&rows) }
    }

    /// The rows of ranges, ascending and apart from each other.
    pub fn pick(&self, ranges: Vec<Range<usize>>) -> Run {
        let slice = |rows: Range<usize>| Slice { run: 0, start: rows.start, end: rows.end };
        let order: Vec<Slice> = ranges.into_iter().filter(|rows| !rows.is_empty()).map(slice).collect();
        laid(std::slice::from_ref(self), &order)
    }

    fn take(&self, rows: &[u32]) -> Run {
        laid(std::slice::from_ref(self), &order::of_rows(rows.iter().map(|row| *row as usize)))
    }

    /// Splits by UTC day, keeping each part sorted.
    pub fn by_day(self) -> Vec<(Day, Run)> {
        let days = self.ts.iter().map(|ts| Micros(*ts).day());
        let (Some(first), Some(last)) = (days.clone().min(), days.clone().max()) else { return Vec::new() };
        if first == last {
            return vec![(first, self)];
        }
        let mut rows: BTreeMap<Day, Vec<u32>> = BTreeMap::new();
        for (i, day) in (0_u32..).zip(days) {
            rows.entry(day).or_default().push(i);
        }
        rows.into_iter().map(|(day, rows)| (day, self.take(&rows))).collect()
    }
}

/// One run out of several, given oldest first: sorted, and of equal keys the row of the later run.
pub fn merge(runs: &[Run]) -> Option<Run> {
    match runs {
        [] => None,
        [only] => Some(only.clone()),
        _ => {
            let keys: Vec<Keys> = runs.iter().map(|run| Keys { stream: &run.stream, ts: &run.ts }).collect();
            Some(laid(runs, &order::in_order(&keys)))
        }
    }
}

/// The rows of runs in an order, copied.
fn laid(runs: &[Run], order: &[Slice]) -> Run {
    let has_text = runs.iter().any(|run| run.text.is_some());
    let text = |slice: &Slice| {
        let text = runs[slice.run].text.as_ref();
        (slice.start..slice.end).map(move |row| text.filter(|t| t.is_valid(row)).map(|t| t.value(row)))
    };
    Run {
        stream: order::copy(order, |run| &runs[run].stream).into(),
        ts: order::copy(order, |run| &runs[run].ts).into(),
        value: order::copy(order, |run| &runs[run].value).into(),
        quality: order::copy(order, |run| &runs[run].quality).into(),
        seq: order::copy(order, |run| &runs[run].seq).into(),
        text: has_text.then(|| order.iter().flat_map(text).collect()),
    }
}
