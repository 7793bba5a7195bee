//! Merges many runs chunk by chunk. A merge takes about twice the memory of its rows, so only one chunk at a time pays
//! that.

use super::run::{self, Run};

/// Approximate rows per chunk.
const CHUNK_ROWS: usize = 256 << 10;
/// Approximate bytes of text per chunk.
const CHUNK_TEXT_BYTES: usize = 16 << 20;
/// A key of each run is sampled every so many rows to find where chunks end.
const SAMPLE_ROWS: usize = 256;
/// It is sampled more often when the rows have this many bytes of text.
const SAMPLE_TEXT_BYTES: usize = 1 << 20;

/// A range of adjacent rows of a run.
struct RunSample {
    /// Key of the first row.
    from: (i32, i64),
    rows: usize,
    /// Bytes of text.
    text: usize,
}

fn steps(run: &Run) -> Vec<RunSample> {
    let (mut steps, mut start) = (Vec::new(), 0);
    while start < run.len() {
        let end = run.end_of_batch(start, SAMPLE_ROWS, SAMPLE_TEXT_BYTES);
        let text = run.slice(start, end - start).text_bytes();
        steps.push(RunSample { from: run.key(start), rows: end - start, text });
        start = end;
    }
    steps
}

/// Merge of runs, given oldest first, into chunks in key order with one row per key.
pub struct ChunkedMerge {
    runs: Vec<Run>,
    /// Rows already taken of each run.
    taken: Vec<usize>,
    /// Keys where chunks end, the last first.
    cuts: Vec<(i32, i64)>,
    is_over: bool,
}

impl ChunkedMerge {
    /// Plans the merge of runs, given oldest first, from a sample of their keys; of equal keys the later row is kept.
    pub fn new(runs: Vec<Run>) -> Self {
        Self::with_chunk_rows(runs, CHUNK_ROWS)
    }

    fn with_chunk_rows(runs: Vec<Run>, rows: usize) -> Self {
        let mut steps: Vec<RunSample> = runs.iter().flat_map(steps).collect();
        steps.sort_unstable_by_key(|step| step.from);
        let (mut cuts, mut sum) = (Vec::new(), (0, 0));
        for RunSample { from, rows: more, text } in steps {
            if sum.0 >= rows || sum.1 + text > CHUNK_TEXT_BYTES && sum.0 > 0 {
                cuts.push(from);
                sum = (0, 0);
            }
            sum = (sum.0 + more, sum.1 + text);
        }
        cuts.reverse();
        Self { taken: vec![0; runs.len()], runs, cuts, is_over: false }
    }
}

impl Iterator for ChunkedMerge {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        while !self.is_over {
            let cut = self.cuts.pop();
            self.is_over = cut.is_none();
            let end = |run: &Run| cut.map_or(run.len(), |key| run.count_before(key));
            let part = |(run, taken): (&Run, &mut usize)| {
                let start = std::mem::replace(taken, end(run));
                (*taken > start).then(|| run.slice(start, *taken - start))
            };
            let parts: Vec<Run> = self.runs.iter().zip(&mut self.taken).filter_map(part).collect();
            if let Some(piece) = run::merge(&parts) {
                return Some(piece);
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "chunked_merge_tests.rs"]
mod tests;
