//! Many runs as one, a piece at a time: merging takes about twice what the rows take, so it takes it of a piece.

use super::run::{self, Run};

/// Rows of a piece, about.
const PIECE_ROWS: usize = 256 << 10;
/// Every so many rows of each run a key is looked at to find where pieces end.
const STEP: usize = 256;

/// The rows of runs, given oldest first, in order and with one row a key.
pub struct Pieces {
    runs: Vec<Run>,
    /// Rows taken of each run.
    taken: Vec<usize>,
    /// Where pieces end, the last first.
    cuts: Vec<(i32, i64)>,
    is_over: bool,
}

impl Pieces {
    pub fn of(runs: Vec<Run>) -> Self {
        Self::of_about(runs, PIECE_ROWS)
    }

    fn of_about(runs: Vec<Run>, rows: usize) -> Self {
        let keys = |run: &Run| (0..run.len()).step_by(STEP).map(|row| run.key(row)).collect::<Vec<_>>();
        let mut keys: Vec<(i32, i64)> = runs.iter().flat_map(keys).collect();
        keys.sort_unstable();
        let mut cuts: Vec<_> = keys.into_iter().step_by((rows / STEP).max(1)).skip(1).collect();
        cuts.reverse();
        Self { taken: vec![0; runs.len()], runs, cuts, is_over: false }
    }
}

impl Iterator for Pieces {
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
#[path = "pieces_tests.rs"]
mod tests;
