//! Run: readings in memory, sorted by (stream, ts), with one row per key, each with its `seq`.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use arrow::array::{Array, AsArray, StringArray};
use arrow::buffer::ScalarBuffer;

use super::run_merge::{self, RunKeys, RunSlice};
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};

/// Sorted readings in Arrow buffers, so that a query shares them without copying.
#[derive(Debug, Clone)]
pub struct Run {
    pub stream: ScalarBuffer<i32>,
    /// Microseconds since the epoch, UTC.
    pub ts: ScalarBuffer<i64>,
    /// NaN represents null.
    pub value: ScalarBuffer<f64>,
    pub quality: ScalarBuffer<u8>,
    pub seq: ScalarBuffer<i64>,
    /// `None` when no row has a text.
    pub text: Option<StringArray>,
    /// Whether the rows are history that was imported, as `wal::Record::is_import`. Only followers of the log
    /// look at it: it is lost where rows are merged or read from files.
    pub is_import: bool,
    /// When the rows arrived, as `wal::Record::arrived_at`; it is lost likewise.
    pub arrived_at: Option<Micros>,
}

fn text_bytes(text: &StringArray, rows: Range<usize>) -> usize {
    let offsets = text.value_offsets();
    (offsets[rows.end] - offsets[rows.start]) as usize
}

/// Returns the length of a column's longest text, bytes; 0 for a column of another type.
pub fn longest_text(column: &dyn Array) -> usize {
    let Some(text) = column.as_string_opt::<i32>() else { return 0 };
    text.value_offsets().windows(2).map(|of| (of[1] - of[0]) as usize).max().unwrap_or(0)
}

/// Sorts readings by (stream, ts) and keeps the later of two with equal keys.
pub fn normalize(rows: Readings) -> Readings {
    let keys: Vec<(i32, i64)> = rows.stream.iter().copied().zip(rows.ts.iter().copied()).collect();
    if keys.windows(2).all(|w| w[0] < w[1]) {
        return rows;
    }
    let order = dedup_order(&keys);
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

/// Returns row numbers sorted by key, with only the last row of equal keys. Batches are far below 2^32 rows.
fn dedup_order(keys: &[(i32, i64)]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    // The sort is stable, so equal keys stay in write order, and merges runs that are already sorted.
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
    /// Creates a run from the normalized readings of one request.
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
            is_import: false,
            arrived_at: None,
        }
    }

    /// Returns the number of rows, which is that of keys.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// Whether there is no row, as in the run of a record without readings.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// Returns the total bytes of text.
    pub fn text_bytes(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text_bytes(text, 0..text.len()))
    }

    /// Returns the length of the longest text, bytes.
    pub fn longest_text(&self) -> usize {
        self.text.as_ref().map_or(0, |text| longest_text(text))
    }

    /// Returns the end of the batch that begins at `start`, with at most `rows` rows and `bytes` bytes of text, but at
    /// least one row.
    pub fn end_of_batch(&self, start: usize, rows: usize, bytes: usize) -> usize {
        let end = self.len().min(start + rows);
        let Some(text) = &self.text else { return end };
        let offsets = &text.value_offsets()[start..=end];
        let within = offsets.partition_point(|offset| (offset - offsets[0]) as usize <= bytes);
        // There is one offset more than rows.
        (start + within.saturating_sub(1)).max(start + 1).min(end)
    }

    /// Returns the key of row `i`.
    pub fn key(&self, i: usize) -> (i32, i64) {
        (self.stream[i], self.ts[i])
    }

    /// Returns the key of the last row.
    pub fn last_key(&self) -> Option<(i32, i64)> {
        self.len().checked_sub(1).map(|i| self.key(i))
    }

    /// Returns the rows marked as imported, or not.
    pub fn imported(self, is_import: bool) -> Run {
        Run { is_import, ..self }
    }

    /// Returns the rows with the time at which they arrived, if it is known.
    pub fn arrived(self, arrived_at: Option<Micros>) -> Run {
        Run { arrived_at, ..self }
    }

    /// Returns the rows with their seq replaced.
    pub fn with_seq(self, seq: u64) -> Run {
        Run { seq: vec![seq as i64; self.len()].into(), ..self }
    }

    /// Returns row `i` as a reading.
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

    /// Returns the rows with keys in `from..to`.
    pub fn slice_between(&self, from: (i32, i64), to: (i32, i64)) -> Run {
        let start = self.count_before(from);
        self.slice(start, self.count_before(to).saturating_sub(start))
    }

    /// Returns the rows of streams with ids in a range.
    pub fn slice_of_streams(&self, ids: RangeInclusive<i32>) -> Run {
        let start = self.stream.partition_point(|id| id < ids.start());
        let end = self.stream.partition_point(|id| id <= ids.end());
        self.slice(start, end.saturating_sub(start))
    }

    /// Returns the number of rows with a key below `key`.
    pub fn count_before(&self, key: (i32, i64)) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let mid = low + (high - low) / 2;
            if self.key(mid) < key { low = mid + 1 } else { high = mid }
        }
        low
    }

    /// Returns `len` rows from row `start` on, sharing the buffers. Panics when there are fewer.
    pub fn slice(&self, start: usize, len: usize) -> Run {
        Run {
            stream: self.stream.slice(start, len),
            ts: self.ts.slice(start, len),
            value: self.value.slice(start, len),
            quality: self.quality.slice(start, len),
            seq: self.seq.slice(start, len),
            text: self.text.as_ref().map(|t| t.slice(start, len)),
            is_import: self.is_import,
            arrived_at: self.arrived_at,
        }
    }

    /// Returns the rows for which `keep` holds.
    pub fn select(&self, keep: impl Fn(&Run, usize) -> bool) -> Run {
        let rows: Vec<u32> = (0..self.len() as u32).filter(|i| keep(self, *i as usize)).collect();
        if rows.len() == self.len() { self.clone() } else { self.take(&rows) }
    }

    /// Returns the rows of ranges, which are ascending and do not touch.
    pub fn take_ranges(&self, ranges: Vec<Range<usize>>) -> Run {
        if ranges.first().is_some_and(|rows| rows.len() == self.len()) {
            return self.clone();
        }
        let slice = |rows: Range<usize>| RunSlice { run: 0, start: rows.start, end: rows.end };
        let order: Vec<RunSlice> = ranges.into_iter().filter(|rows| !rows.is_empty()).map(slice).collect();
        gather(std::slice::from_ref(self), &order)
    }

    fn take(&self, rows: &[u32]) -> Run {
        gather(std::slice::from_ref(self), &run_merge::of_rows(rows.iter().map(|row| *row as usize)))
    }

    /// Splits the run by UTC day; each part stays sorted.
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

/// Merges several runs, given oldest first, into one. Of equal keys the row of the later run wins.
pub fn merge(runs: &[Run]) -> Option<Run> {
    match runs {
        [] => None,
        [only] => Some(only.clone()),
        _ => {
            let keys: Vec<RunKeys> =
                runs.iter().map(|run| RunKeys { stream: &run.stream, ts: &run.ts }).collect();
            Some(gather(runs, &run_merge::merge_order(&keys)))
        }
    }
}

/// Copies the rows of runs in the given order.
fn gather(runs: &[Run], order: &[RunSlice]) -> Run {
    let has_text = runs.iter().any(|run| run.text.is_some());
    let text = |slice: &RunSlice| {
        let text = runs[slice.run].text.as_ref();
        (slice.start..slice.end).map(move |row| text.filter(|t| t.is_valid(row)).map(|t| t.value(row)))
    };
    Run {
        stream: run_merge::copy(order, |run| &runs[run].stream).into(),
        ts: run_merge::copy(order, |run| &runs[run].ts).into(),
        value: run_merge::copy(order, |run| &runs[run].value).into(),
        quality: run_merge::copy(order, |run| &runs[run].quality).into(),
        seq: run_merge::copy(order, |run| &runs[run].seq).into(),
        text: has_text.then(|| order.iter().flat_map(text).collect()),
        is_import: false,
        arrived_at: None,
    }
}
