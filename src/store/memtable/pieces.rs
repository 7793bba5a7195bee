//! Many runs as one, a piece at a time: merging takes about twice what the rows take, so it takes it of a piece.

use super::run::{self, Run};

/// Rows of a piece, about.
const PIECE_ROWS: usize = 256 << 10;
/// Bytes of its texts, about.
const PIECE_TEXT: usize = 16 << 20;
/// Every so many rows of each run a key is looked at to find where pieces end.
const STEP: usize = 256;
/// Or more often, where they have so many bytes of text.
const STEP_TEXT: usize = 1 << 20;

/// Neighbouring rows of a run.
struct Step {
    /// The key of the first.
    from: (i32, i64),
    rows: usize,
    /// Bytes.
    text: usize,
}

fn steps(run: &Run) -> Vec<Step> {
    let (mut steps, mut start) = (Vec::new(), 0);
    while start < run.len() {
        let end = run.end_of_batch(start, STEP, STEP_TEXT);
        let text = run.slice(start, end - start).text_bytes();
        steps.push(Step { from: run.key(start), rows: end - start, text });
        start = end;
    }
    steps
}

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
        let mut steps: Vec<Step> = runs.iter().flat_map(steps).collect();
        steps.sort_unstable_by_key(|step| step.from);
        let (mut cuts, mut sum) = (Vec::new(), (0, 0));
        for Step { from, rows: more, text } in steps {
            if sum.0 >= rows || sum.1 + text > PIECE_TEXT && sum.0 > 0 {
                cuts.push(from);
                sum = (0, 0);
            }
            sum = (sum.0 + more, sum.1 + text);
        }
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
