//! Arithmetic of LSTM and GRU layers over all steps of many windows.

use pulp::{Simd, WithSimd};

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::limits::ResourceBudget;
use crate::infer::tflite::matmul::{self, PackedWeights, StridedRows};
use crate::infer::tflite::simd_functions::{clamp, logistic, tanh};
use crate::infer::tflite::workspace::Scratch;

/// Cell type: what a layer remembers and how a step changes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RecurrentCell {
    /// Gates: input, forget, cell, output. The cell state is clipped to -clip..clip; 0 means no limit.
    Lstm {
        /// Bound of the cell state's magnitude.
        clip: f32,
    },
    /// Gates: update, reset, candidate; the reset gate applies to the candidate's product with the state.
    Gru,
    /// Gates of `Gru`; the reset gate applies to the state before that product (`reset_after=False`).
    GruResetBefore,
}

/// Weights of one gate: one row of input weights and one row of state weights per unit, and biases of both products.
#[derive(Debug, Clone, Default)]
pub struct GateWeights {
    /// Weights of the input, `[unit, feature]`, row by row.
    pub input: Vec<f32>,
    /// Weights of the state, `[unit, unit]`, row by row.
    pub state: Vec<f32>,
    /// Bias of the product with the input, one per unit.
    pub bias: Vec<f32>,
    /// Bias of the product with the state, one per unit: apart because a GRU may reset it.
    pub state_bias: Vec<f32>,
}

/// A layer that is ready to run.
#[derive(Debug)]
pub struct RecurrentLayer {
    cell: RecurrentCell,
    units: usize,
    /// Units padded with zeros to whole vectors; the distance between gates.
    padded: usize,
    input: PackedWeights,
    state: PackedWeights,
    /// State weights of the candidate, if the state is reset before the product.
    candidate: PackedWeights,
    bias: Vec<f32>,
    state_bias: Vec<f32>,
}

/// Inputs, with the distances between the rows of adjacent windows and of adjacent steps.
#[derive(Clone, Copy)]
pub struct InputSteps<'a> {
    /// Rows of as many values as the layer has features.
    pub values: &'a [f32],
    /// Distance in values between the rows of adjacent windows.
    pub window: usize,
    /// Distance in values between the rows of adjacent steps.
    pub step: usize,
    /// Number of windows, whose states are independent.
    pub windows: usize,
    /// Number of steps that each window runs.
    pub steps: usize,
}

/// Outputs for the state of each step, with the same distances; if `step` is 0, only the last state remains.
pub struct OutputSteps<'a> {
    /// Rows of as many values as the layer has units, which are overwritten.
    pub values: &'a mut [f32],
    /// Distance in values between the rows of adjacent windows.
    pub window: usize,
    /// Distance in values between the rows of adjacent steps.
    pub step: usize,
}

/// Steps whose input products are computed together if there is only one window.
const MAX_STEPS_PER_BLOCK: usize = 12;

impl RecurrentLayer {
    /// Builds a layer from complete gates in the order that [`RecurrentCell`] names.
    pub fn new(
        cell: RecurrentCell,
        (units, width): (usize, usize),
        gates: &[GateWeights],
        budget: &mut ResourceBudget,
    ) -> Result<RecurrentLayer, InterpreterError> {
        let padded = units.next_multiple_of(matmul::simd_lanes());
        let mut packed = |gates: &[GateWeights], depth: usize, of: fn(&GateWeights) -> &[f32]| {
            let row = |at: usize| match at % padded < units {
                true => &of(&gates[at / padded])[at % padded * depth..][..depth],
                false => &[],
            };
            PackedWeights::from_rows(depth, (0..gates.len() * padded).map(row), budget)
        };
        let bias = |of: fn(&GateWeights) -> &[f32]| {
            let mut all = vec![0.0; gates.len() * padded];
            gates.iter().zip(all.chunks_exact_mut(padded.max(1))).for_each(|(gate, row)| {
                row[..units].copy_from_slice(of(gate));
            });
            all
        };
        let (mut before, mut own) = (bias(|gate| &gate.bias), bias(|gate| &gate.state_bias));
        if cell != RecurrentCell::Gru {
            before.iter_mut().zip(&own).for_each(|(bias, more)| *bias += more);
            own.clear();
        }
        let (with_state, candidate) =
            gates.split_at(if cell == RecurrentCell::GruResetBefore { 2 } else { gates.len() });
        Ok(RecurrentLayer {
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

    /// Returns the number of values in the state of one window.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Returns the number of values per step of one window.
    pub fn width(&self) -> usize {
        self.input.depth()
    }

    /// Returns the number of values held.
    pub fn size(&self) -> usize {
        self.input.size()
            + self.state.size()
            + self.candidate.size()
            + self.bias.len()
            + self.state_bias.len()
    }

    /// Converts states of windows to the padded form, which [`RecurrentLayer::run`] takes.
    pub fn pad_state(&self, values: &[f32], scratch: &mut Scratch) -> Result<Vec<f32>, InterpreterError> {
        let windows = values.len() / self.units.max(1);
        let mut kept = scratch.zeros(windows * self.padded)?;
        for (row, values) in kept.chunks_exact_mut(self.padded).zip(values.chunks_exact(self.units)) {
            row[..self.units].copy_from_slice(values);
        }
        Ok(kept)
    }

    /// Converts a padded state back.
    pub fn unpad_state(&self, kept: &[f32], scratch: &mut Scratch) -> Result<Vec<f32>, InterpreterError> {
        let windows = kept.len() / self.padded.max(1);
        let mut values = scratch.floats(windows * self.units)?;
        kept.chunks_exact(self.padded).for_each(|row| values.extend_from_slice(&row[..self.units]));
        Ok(values)
    }

    /// Runs all steps and updates the remembered state: the state, and of an LSTM the cell state.
    pub fn run(
        &self,
        steps: InputSteps,
        (state, cells): (&mut [f32], &mut [f32]),
        output: OutputSteps,
        scratch: &mut Scratch,
    ) -> Result<(), InterpreterError> {
        let (windows, wide) = (steps.windows, self.bias.len());
        // A transcendental function costs as much as eight multiplications.
        let terms = self.input.depth() + self.units + 8;
        scratch.budget.charge_work(&[steps.steps, windows, wide, terms])?;
        let together = if windows == 1 { MAX_STEPS_PER_BLOCK.min(steps.steps) } else { 1 };
        let sums = scratch.zeros(together * windows * wide)?;
        let inner = scratch.zeros(windows * wide)?;
        let pass = LayerPass { layer: self, steps, state, cells, output, sums, inner };
        let (sums, inner) = matmul::arch().dispatch(pass);
        scratch.recycle_floats(sums);
        scratch.recycle_floats(inner);
        Ok(())
    }
}

/// One run of a layer, compiled for each kind of processor.
struct LayerPass<'a> {
    layer: &'a RecurrentLayer,
    steps: InputSteps<'a>,
    state: &'a mut [f32],
    cells: &'a mut [f32],
    output: OutputSteps<'a>,
    /// Gate sums: of some steps, of all windows.
    sums: Vec<f32>,
    /// Products with the state that are not simply added to the sums.
    inner: Vec<f32>,
}

impl WithSimd for LayerPass<'_> {
    type Output = (Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> (Vec<f32>, Vec<f32>) {
        let InputSteps { values, window, step, windows, steps } = self.steps;
        let wide = self.layer.bias.len();
        let together = if windows == 1 { MAX_STEPS_PER_BLOCK } else { 1 };
        let mut sums = std::mem::take(&mut self.sums);
        for first in (0..steps).step_by(together) {
            let count = together.min(steps - first);
            for row in sums.chunks_exact_mut(wide.max(1)) {
                row.copy_from_slice(&self.layer.bias);
            }
            let (stride, rows) = if windows == 1 { (step, count) } else { (window, windows) };
            let rows = StridedRows { values: &values[first * step..], stride, count: rows };
            self.layer.input.multiply_with(simd, rows, &mut sums, wide);
            for at in 0..count {
                let sums = &mut sums[at * windows * wide..][..windows * wide];
                match self.layer.cell {
                    RecurrentCell::Lstm { clip } => self.lstm(simd, sums, clip),
                    RecurrentCell::Gru => self.gru(simd, sums),
                    RecurrentCell::GruResetBefore => self.gru_before(simd, sums),
                }
                self.write(first + at);
            }
        }
        (sums, self.inner)
    }
}

impl LayerPass<'_> {
    /// Returns the state as rows for a product.
    #[inline(always)]
    fn rows(&self) -> StridedRows<'_> {
        StridedRows { values: self.state, stride: self.layer.padded, count: self.steps.windows }
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
        let rows = StridedRows { values: &inner, stride: padded, count: windows };
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

    /// Writes the state after step `at` to the output.
    #[inline(always)]
    fn write(&mut self, at: usize) {
        let units = self.layer.units;
        for (window, state) in self.state.chunks_exact(self.layer.padded).enumerate() {
            let place = at * self.output.step + window * self.output.window;
            self.output.values[place..place + units].copy_from_slice(&state[..units]);
        }
    }
}

/// Returns the gates of one window.
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

/// Interpolates: `share` of the old value and the rest of the new one.
#[inline(always)]
fn between<S: Simd>(simd: S, share: S::f32s, was: S::f32s, new: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(share, simd.sub_f32s(was, new), new)
}
