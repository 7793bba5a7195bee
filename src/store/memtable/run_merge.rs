//! Merge order of sorted runs, as slices. A run's rows of one stream are one slice where nothing else lies between
//! their times; only overlapping slices are merged row by row.
//!
//! Files and runs mostly follow one another in time within each stream, so a merge is mostly a copy of slices.

/// The keys of one run, sorted by (stream, ts), with one row per key.
#[derive(Debug, Clone, Copy)]
pub struct RunKeys<'a> {
    pub stream: &'a [i32],
    /// Times in microseconds, one per row.
    pub ts: &'a [i64],
}

impl RunKeys<'_> {
    /// Returns the key of the last row.
    pub fn last(&self) -> Option<(i32, i64)> {
        Some((*self.stream.last()?, *self.ts.last()?))
    }

    /// Returns the number of rows with a key of at most `(stream, ts)`.
    pub fn count_up_to(&self, (stream, ts): (i32, i64)) -> usize {
        let before = self.stream.partition_point(|other| *other < stream);
        let of_it = self.stream[before..].partition_point(|other| *other == stream);
        before + self.ts[before..before + of_it].partition_point(|other| *other <= ts)
    }
}

/// A range of adjacent rows of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSlice {
    /// Index of the run.
    pub run: usize,
    pub start: usize,
    pub end: usize,
}

/// A run's rows of one stream, or a part of these.
struct StreamRange {
    stream: i32,
    /// Time of the first row; `to` is that of the last.
    from: i64,
    to: i64,
    rows: RunSlice,
}

/// Returns the merge order of runs, given oldest first. Of equal keys the row of the later run is kept.
pub fn merge_order(runs: &[RunKeys]) -> Vec<RunSlice> {
    let mut ranges = Vec::new();
    for (run, keys) in runs.iter().enumerate() {
        push_stream_ranges(run, keys, &mut ranges);
    }
    // The sort is stable, so equal starts stay in write order.
    ranges.sort_by_key(|range| (range.stream, range.from));
    let mut order = Vec::with_capacity(ranges.len());
    let mut rest = ranges.as_slice();
    while let Some(first) = rest.first() {
        let (mut count, mut to) = (1, first.to);
        while let Some(next) = rest.get(count).filter(|next| next.stream == first.stream && next.from <= to) {
            to = to.max(next.to);
            count += 1;
        }
        let (together, after) = rest.split_at(count);
        match together {
            [alone] => append(&mut order, alone.rows),
            _ => merge_overlapping(runs, together, &mut order),
        }
        rest = after;
    }
    order
}

/// Copies the rows of a column in merge order.
pub fn copy<'a, T: Copy + 'a>(order: &[RunSlice], of_run: impl Fn(usize) -> &'a [T]) -> Vec<T> {
    let mut rows = Vec::with_capacity(count(order));
    for slice in order {
        rows.extend_from_slice(&of_run(slice.run)[slice.start..slice.end]);
    }
    rows
}

/// Returns the number of rows in all slices.
pub fn count(order: &[RunSlice]) -> usize {
    order.iter().map(|slice| slice.end - slice.start).sum()
}

/// Groups ascending row numbers of one run into slices.
pub fn of_rows(rows: impl IntoIterator<Item = usize>) -> Vec<RunSlice> {
    let mut order = Vec::new();
    rows.into_iter().for_each(|row| append(&mut order, RunSlice { run: 0, start: row, end: row + 1 }));
    order
}

fn push_stream_ranges(run: usize, keys: &RunKeys, ranges: &mut Vec<StreamRange>) {
    let mut start = 0;
    while let Some(stream) = keys.stream.get(start).copied() {
        let end = start + run_length(&keys.stream[start..]);
        let rows = RunSlice { run, start, end };
        ranges.push(StreamRange { stream, from: keys.ts[start], to: keys.ts[end - 1], rows });
        start = end;
    }
}

/// Returns how often the first number repeats at the front. It uses a galloping search, because most runs are short.
fn run_length(sorted: &[i32]) -> usize {
    let first = sorted[0];
    let mut step = 1;
    while step < sorted.len() && sorted[step] == first {
        step *= 2;
    }
    let known = step / 2;
    let until = sorted.len().min(step);
    known + sorted[known..until].partition_point(|stream| *stream == first)
}

/// Merges ranges of one stream whose times overlap, given by first time and then in write order.
fn merge_overlapping(runs: &[RunKeys], ranges: &[StreamRange], order: &mut Vec<RunSlice>) {
    // Of equal times the later run's row wins, whichever range began first.
    let mut oldest_first: Vec<RunSlice> = ranges.iter().map(|range| range.rows).collect();
    oldest_first.sort_by_key(|rows| rows.run);
    let times = |rows: &RunSlice| {
        let (run, ts) = (rows.run, runs[rows.run].ts);
        (rows.start..rows.end).map(move |row| (ts[row], run, row))
    };
    let mut rows: Vec<(i64, usize, usize)> = oldest_first.iter().flat_map(times).collect();
    rows.sort_by_key(|(ts, ..)| *ts);
    for (i, (ts, run, row)) in rows.iter().enumerate() {
        if rows.get(i + 1).is_none_or(|(next, ..)| next != ts) {
            append(order, RunSlice { run: *run, start: *row, end: *row + 1 });
        }
    }
}

fn append(order: &mut Vec<RunSlice>, rows: RunSlice) {
    match order.last_mut() {
        Some(last) if last.run == rows.run && last.end == rows.start => last.end = rows.end,
        _ => order.push(rows),
    }
}

#[cfg(test)]
#[path = "run_merge_tests.rs"]
mod tests;
