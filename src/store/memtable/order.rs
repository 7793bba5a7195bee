//! The order of sorted runs merged into one, found by slices: what one run has of one stream is taken whole where nothing
//! else lies between its times, and only slices that overlap are merged row by row.
//!
//! Files and runs mostly follow one another in time, stream for stream: merging them is then a matter of copying slices.

/// The keys of one run, sorted by (stream, ts) and one row a key.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    pub stream: &'a [i32],
    /// As many, microseconds.
    pub ts: &'a [i64],
}

impl Keys<'_> {
    /// The key of the last row.
    pub fn last(&self) -> Option<(i32, i64)> {
        Some((*self.stream.last()?, *self.ts.last()?))
    }

    /// How many rows come before a key or have it.
    pub fn count_up_to(&self, (stream, ts): (i32, i64)) -> usize {
        let before = self.stream.partition_point(|other| *other < stream);
        let of_it = self.stream[before..].partition_point(|other| *other == stream);
        before + self.ts[before..before + of_it].partition_point(|other| *other <= ts)
    }
}

/// Rows of one run that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Which of the runs.
    pub run: usize,
    pub start: usize,
    pub end: usize,
}

/// What a run has of one stream, or a part of that.
struct Stretch {
    stream: i32,
    /// Times of the first and the last row.
    from: i64,
    to: i64,
    rows: Slice,
}

/// The rows of runs, given oldest first, in the order of their keys; of equal keys the row of the later run.
pub fn in_order(runs: &[Keys]) -> Vec<Slice> {
    let mut stretches = Vec::new();
    for (run, keys) in runs.iter().enumerate() {
        stretch_out(run, keys, &mut stretches);
    }
    // Stable, so that what is as old stays in the order of writing.
    stretches.sort_by_key(|stretch| (stretch.stream, stretch.from));
    let mut order = Vec::with_capacity(stretches.len());
    let mut rest = stretches.as_slice();
    while let Some(first) = rest.first() {
        let (mut count, mut to) = (1, first.to);
        while let Some(next) = rest.get(count).filter(|next| next.stream == first.stream && next.from <= to) {
            to = to.max(next.to);
            count += 1;
        }
        let (together, after) = rest.split_at(count);
        match together {
            [alone] => append(&mut order, alone.rows),
            _ => by_row(runs, together, &mut order),
        }
        rest = after;
    }
    order
}

/// Copies rows of a column in their order.
pub fn copy<'a, T: Copy + 'a>(order: &[Slice], of_run: impl Fn(usize) -> &'a [T]) -> Vec<T> {
    let mut rows = Vec::with_capacity(count(order));
    for slice in order {
        rows.extend_from_slice(&of_run(slice.run)[slice.start..slice.end]);
    }
    rows
}

/// Rows of all slices.
pub fn count(order: &[Slice]) -> usize {
    order.iter().map(|slice| slice.end - slice.start).sum()
}

/// Row numbers of one run, ascending, as slices of it.
pub fn of_rows(rows: impl IntoIterator<Item = usize>) -> Vec<Slice> {
    let mut order = Vec::new();
    rows.into_iter().for_each(|row| append(&mut order, Slice { run: 0, start: row, end: row + 1 }));
    order
}

fn stretch_out(run: usize, keys: &Keys, stretches: &mut Vec<Stretch>) {
    let mut start = 0;
    while let Some(stream) = keys.stream.get(start).copied() {
        let end = start + run_length(&keys.stream[start..]);
        let rows = Slice { run, start, end };
        stretches.push(Stretch { stream, from: keys.ts[start], to: keys.ts[end - 1], rows });
        start = end;
    }
}

/// How often the first number comes before another does. Most are found near the front, the ends of long ones by halves.
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

/// Stretches of one stream whose times overlap, given by their first times and then in the order of writing.
fn by_row(runs: &[Keys], stretches: &[Stretch], order: &mut Vec<Slice>) {
    // Of equal times the later run's row counts, whichever stretch began first.
    let mut oldest_first: Vec<Slice> = stretches.iter().map(|stretch| stretch.rows).collect();
    oldest_first.sort_by_key(|rows| rows.run);
    let times = |rows: &Slice| {
        let (run, ts) = (rows.run, runs[rows.run].ts);
        (rows.start..rows.end).map(move |row| (ts[row], run, row))
    };
    let mut rows: Vec<(i64, usize, usize)> = oldest_first.iter().flat_map(times).collect();
    rows.sort_by_key(|(ts, ..)| *ts);
    for (i, (ts, run, row)) in rows.iter().enumerate() {
        if rows.get(i + 1).is_none_or(|(next, ..)| next != ts) {
            append(order, Slice { run: *run, start: *row, end: *row + 1 });
        }
    }
}

fn append(order: &mut Vec<Slice>, rows: Slice) {
    match order.last_mut() {
        Some(last) if last.run == rows.run && last.end == rows.start => last.end = rows.end,
        _ => order.push(rows),
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
