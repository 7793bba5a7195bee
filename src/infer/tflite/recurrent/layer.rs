//! The arithmetic of LSTM and GRU layers over all steps of many windows.

use pulp::{Simd, WithSimd};

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::functions::{clamp, logistic, tanh};
use crate::infer::tflite::limits::Budget;
use crate::infer::tflite::matrix::{self, Rows, Weights};
use crate::infer::tflite::workspace::Scratch;

/// What a layer remembers, and how a step changes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// Gates: input, forget, cell, output. The cell's state is kept within -clip..clip; 0 is no bound.
    Lstm { clip: f32 },
    /// Gates: update, reset, candidate; the reset gate applies to the candidate's product with the state.
    Gru,
    /// The same, but the reset gate applies to the state before that product (`reset_after=False`).
    GruBefore,
}

/// Weights of one gate: rows of the input's and of the state's weights for each unit, and biases of both products.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    pub input: Vec<f32>,
    pub state: Vec<f32>,
    pub bias: Vec<f32>,
    pub state_bias: Vec<f32>,
}

/// A layer that is ready to run.
#[derive(Debug)]
pub struct Layer {
    cell: Cell,
    units: usize,
    /// Units and zeros behind them, up to whole vectors: so far apart are the gates.
    padded: usize,
    input: Weights,
    state: Weights,
    /// Of the candidate, where the state is reset before.
    candidate: Weights,
    bias: Vec<f32>,
    state_bias: Vec<f32>,
}

/// The inputs: how far rows of neighbouring windows and of neighbouring steps are apart.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    pub values: &'a [f32],
    pub window: usize,
    pub step: usize,
    pub windows: usize,
    pub steps: usize,
}

/// Where each step's state goes, with the same distances; where `step` is 0, the last remains.
pub struct Output<'a> {
    pub values: &'a mut [f32],
    pub window: usize,
    pub step: usize,
}

/// Steps whose products with the input are computed together where there is only one window.
const TOGETHER: usize = 12;

impl Layer {
    /// From its gates, each complete, in the order that [`Cell`] names.
    pub fn new(
        cell: Cell,
        (units, width): (usize, usize),
        gates: &[Gate],
        budget: &mut Budget,
    ) -> Result<Layer, Fault> {
        let padded = units.next_multiple_of(matrix::lanes());
        let mut packed = |gates: &[Gate], depth: usize, of: fn(&Gate) -> &[f32]| {
            let row = |at: usize| match at % padded < units {
                true => &of(&gates[at / padded])[at % padded * depth..][..depth],
                false => &[],
            };
            Weights::of(depth, (0..gates.len() * padded).map(row), budget)
        };
        let bias = |of: fn(&Gate) -> &[f32]| {
            let mut all = vec![0.0; gates.len() * padded];
            gates.iter().zip(all.chunks_exact_mut(padded.max(1))).for_each(|(gate, row)| {
                row[..units].copy_from_slice(of(gate));
            });
            all
        };
        let (mut before, mut own) = (bias(|gate| &gate.bias), bias(|gate| &gate.state_bias));
        if cell != Cell::Gru {
            before.iter_mut().zip(&own).for_each(|(bias, more)| *bias += more);
            own.clear();
        }
        let (with_state, candidate) = gates.split_at(if cell == Cell::GruBefore { 2 } else { gates.len() });
        Ok(Layer {
            cell,
            units,
            padded,
            input: packed(gates, width, |gate| &gate.input)?,
            state: packed(with_state, units, |gate| &gate.state)?,
            candidate: packed(candidate, units, |gate| &gate.state)?,
            bias: before,
            state_bias: own,
        })
    }

    pub fn units(&self) -> usize {
        self.units
    }

    /// How many values a step of one window has.
    pub fn width(&self) -> usize {
        self.input.depth()
    }

    /// Values it holds.
    pub fn size(&self) -> usize {
        self.input.size()
            + self.state.size()
            + self.candidate.size()
            + self.bias.len()
            + self.state_bias.len()
    }

    /// What it remembers of one window at `values`, as it keeps it; to be given back to [`Layer::run`].
    pub fn remembered(&self, values: &[f32], scratch: &mut Scratch) -> Result<Vec<f32>, Fault> {
        let windows = values.len() / self.units.max(1);
        let mut kept = scratch.zeros(windows * self.padded)?;
        for (row, values) in kept.chunks_exact_mut(self.padded).zip(values.chunks_exact(self.units)) {
            row[..self.units].copy_from_slice(values);
        }
        Ok(kept)
    }

    /// The way back.
    pub fn told(&self, kept: &[f32], scratch: &mut Scratch) -> Result<Vec<f32>, Fault> {
        let windows = kept.len() / self.padded.max(1);
        let mut values = scratch.floats(windows * self.units)?;
        kept.chunks_exact(self.padded).for_each(|row| values.extend_from_slice(&row[..self.units]));
        Ok(values)
    }

    /// Runs all steps from what is remembered, which is changed: the state, and of LSTM the cell's state.
    pub fn run(
        &self,
        steps: Steps,
        (state, cells): (&mut [f32], &mut [f32]),
        output: Output,
        scratch: &mut Scratch,
    ) -> Result<(), Fault> {
        let (windows, wide) = (steps.windows, self.bias.len());
        // A function of a value costs as much as eight multiplications.
        let terms = self.input.depth() + self.units + 8;
        scratch.budget.work(&[steps.steps, windows, wide, terms])?;
        let together = if windows == 1 { TOGETHER.min(steps.steps) } else { 1 };
        let sums = scratch.zeros(together * windows * wide)?;
        let inner = scratch.zeros(windows * wide)?;
        let pass = Pass { layer: self, steps, state, cells, output, sums, inner };
        let (sums, inner) = matrix::arch().dispatch(pass);
        scratch.give(sums);
        scratch.give(inner);
        Ok(())
    }
}

/// One run of a layer, compiled for each kind of processor.
struct Pass<'a> {
    layer: &'a Layer,
    steps: Steps<'a>,
    state: &'a mut [f32],
    cells: &'a mut [f32],
    output: Output<'a>,
    /// Sums of the gates: of some steps, of all windows.
    sums: Vec<f32>,
    /// Products with the state that are not just added to them.
    inner: Vec<f32>,
}

impl WithSimd for Pass<'_> {
    type Output = (Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> (Vec<f32>, Vec<f32>) {
        let Steps { values, window, step, windows, steps } = self.steps;
        let wide = self.layer.bias.len();
        let together = if windows == 1 { TOGETHER } else { 1 };
        let mut sums = std::mem::take(&mut self.sums);
        for first in (0..steps).step_by(together) {
            let count = together.min(steps - first);
            for row in sums.chunks_exact_mut(wide.max(1)) {
                row.copy_from_slice(&self.layer.bias);
            }
            let (stride, rows) = if windows == 1 { (step, count) } else { (window, windows) };
            let rows = Rows { values: &values[first * step..], stride, count: rows };
            self.layer.input.multiply_with(simd, rows, &mut sums, wide);
            for at in 0..count {
                let sums = &mut sums[at * windows * wide..][..windows * wide];
                match self.layer.cell {
                    Cell::Lstm { clip } => self.lstm(simd, sums, clip),
                    Cell::Gru => self.gru(simd, sums),
                    Cell::GruBefore => self.gru_before(simd, sums),
                }
                self.write(first + at);
            }
        }
        (sums, self.inner)
    }
}

impl Pass<'_> {
    /// The state as rows of a product.
    #[inline(always)]
    fn rows(&self) -> Rows<'_> {
        Rows { values: self.state, stride: self.layer.padded, count: self.steps.windows }
    }

    #[inline(always)]
    fn lstm<S: Simd>(&mut self, simd: S, sums: &mut [f32], clip: f32) {
        let (wide, padded) = (self.layer.bias.len(), self.layer.padded);
        self.layer.state.multiply_with(simd, self.rows(), sums, wide);
        let bound = simd.splat_f32s(clip);
        for at in 0..self.steps.windows {
            let [input, forget, new, output] = parts::<S, 4>(&sums[at * wide..][..wide]);
            let own = at * padded..(at + 1) * padded;
            let (state, _) = S::as_mut_simd_f32s(&mut self.state[own.clone()]);
            let (cells, _) = S::as_mut_simd_f32s(&mut self.cells[own]);
            for (k, (state, cell)) in state.iter_mut().zip(cells).enumerate() {
                let kept = simd.mul_f32s(logistic(simd, forget[k]), *cell);
                let next = simd.mul_add_e_f32s(logistic(simd, input[k]), tanh(simd, new[k]), kept);
                *cell = if clip > 0.0 { clamp(simd, next, bound) } else { next };
                *state = simd.mul_f32s(logistic(simd, output[k]), tanh(simd, *cell));
            }
        }
    }

    #[inline(always)]
    fn gru<S: Simd>(&mut self, simd: S, sums: &mut [f32]) {
        let (wide, padded) = (self.layer.bias.len(), self.layer.padded);
        let mut inner = std::mem::take(&mut self.inner);
        for row in inner.chunks_exact_mut(wide.max(1)) {
            row.copy_from_slice(&self.layer.state_bias);
        }
        self.layer.state.multiply_with(simd, self.rows(), &mut inner, wide);
        for at in 0..self.steps.windows {
            let [update, reset, candidate] = parts::<S, 3>(&sums[at * wide..][..wide]);
            let [of_update, of_reset, of_candidate] = parts::<S, 3>(&inner[at * wide..][..wide]);
            let (state, _) = S::as_mut_simd_f32s(&mut self.state[at * padded..(at + 1) * padded]);
            for (k, state) in state.iter_mut().enumerate() {
                let update = logistic(simd, simd.add_f32s(update[k], of_update[k]));
                let reset = logistic(simd, simd.add_f32s(reset[k], of_reset[k]));
                let new = tanh(simd, simd.mul_add_e_f32s(reset, of_candidate[k], candidate[k]));
                *state = between(simd, update, *state, new);
            }
        }
        self.inner = inner;
    }

    #[inline(always)]
    fn gru_before<S: Simd>(&mut self, simd: S, sums: &mut [f32]) {
        let (wide, padded, windows) = (self.layer.bias.len(), self.layer.padded, self.steps.windows);
        self.layer.state.multiply_with(simd, self.rows(), sums, wide);
        let mut inner = std::mem::take(&mut self.inner);
        for at in 0..windows {
            let [_, reset, _] = parts::<S, 3>(&sums[at * wide..][..wide]);
            let (state, _) = S::as_simd_f32s(&self.state[at * padded..(at + 1) * padded]);
            let (kept, _) = S::as_mut_simd_f32s(&mut inner[at * padded..(at + 1) * padded]);
            for (k, kept) in kept.iter_mut().enumerate() {
                *kept = simd.mul_f32s(logistic(simd, reset[k]), state[k]);
            }
        }
        let rows = Rows { values: &inner, stride: padded, count: windows };
        self.layer.candidate.multiply_with(simd, rows, &mut sums[2 * padded..], wide);
        for at in 0..windows {
            let [update, _, candidate] = parts::<S, 3>(&sums[at * wide..][..wide]);
            let (state, _) = S::as_mut_simd_f32s(&mut self.state[at * padded..(at + 1) * padded]);
            for (k, state) in state.iter_mut().enumerate() {
                let (update, new) = (logistic(simd, update[k]), tanh(simd, candidate[k]));
                *state = between(simd, update, *state, new);
            }
        }
        self.inner = inner;
    }

    /// Tells the state after step `at`.
    #[inline(always)]
    fn write(&mut self, at: usize) {
        let units = self.layer.units;
        for (window, state) in self.state.chunks_exact(self.layer.padded).enumerate() {
            let place = at * self.output.step + window * self.output.window;
            self.output.values[place..place + units].copy_from_slice(&state[..units]);
        }
    }
}

/// The gates of one window.
#[inline(always)]
fn parts<S: Simd, const N: usize>(sums: &[f32]) -> [&[S::f32s]; N] {
    let (vectors, _) = S::as_simd_f32s(sums);
    let size = vectors.len() / N;
    let mut parts: [&[S::f32s]; N] = [&[]; N];
    for (at, part) in parts.iter_mut().enumerate() {
        *part = &vectors[at * size..(at + 1) * size];
    }
    parts
}

/// `share` of what was and the rest of what is new.
#[inline(always)]
fn between<S: Simd>(simd: S, share: S::f32s, was: S::f32s, new: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(share, simd.sub_f32s(was, new), new)
}
