//! UNIDIRECTIONAL_SEQUENCE_LSTM: a whole recurrent layer in one operator, as Keras 2 exports it.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::matrix::{Rows, Weights};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::map::logistic;
use super::{Call, Inputs};

/// Gates are in the order input, forget, cell, output. For each of them, inputs 1.. are weights of the input, 5.. weights of
/// the state, and 12.. biases.
#[derive(Debug)]
pub struct Lstm {
    is_time_major: bool,
    /// The cell's state is kept within -clip..clip; 0 is no bound.
    clip: f32,
    gates: Option<Gates>,
}

#[derive(Debug)]
struct Gates {
    input: Weights,
    state: Weights,
    bias: Vec<f32>,
}

impl Lstm {
    pub fn read(call: &Call) -> Result<Lstm, Fault> {
        let is_given = |at: usize| call.inputs.get(at).copied().flatten().is_some();
        for (mut inputs, option) in
            [(9..12, "peepholes"), (16..18, "a projection"), (20..24, "normalised layers")]
        {
            if inputs.any(is_given) {
                return Err(call.unsupported(option));
            }
        }
        if !(0..9).chain(12..16).all(is_given) {
            return Err(call.unsupported("gates that are left out"));
        }
        let Some(options) = call.options else { return Err(call.unsupported("no activation")) };
        if options.i8(0, 0)? != 4 {
            return Err(call.unsupported("an activation that is not tanh"));
        }
        Ok(Lstm { clip: options.f32(1, 0.0)?.max(0.0), is_time_major: options.bool(3)?, gates: None })
    }

    /// Makes constant weights ready once.
    pub fn prepare(&mut self, inputs: &Inputs) -> usize {
        let is_constant = (1..9).chain(12..16).all(|at| inputs.constant(at).is_some());
        self.gates = is_constant.then(|| Gates::of(inputs).ok()).flatten();
        self.gates.as_ref().map_or(0, |gates| gates.input.size() + gates.state.size() + gates.bias.len())
    }

    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let gates = self.gates.as_ref().ok_or("its weights are not constant")?;
        let from = inputs.get(0)?;
        let [outer, inner, width] = *from.dims() else {
            return Err("its input has not three dimensions".into());
        };
        let units = gates.state.depth();
        if width != gates.input.depth() {
            return Err(format!("{:?} by weights of {}", from.shape(), gates.input.depth()).into());
        }
        let (windows, steps) = if self.is_time_major { (inner, outer) } else { (outer, inner) };
        // Rows of a step are that far apart, and steps that far.
        let (window, step) = if self.is_time_major { (1, windows) } else { (steps, 1) };
        let shape = Shape::of(&[outer, inner, units])?;
        let rows = Shape::of(&[outer, inner])?.count()?;
        if rows == 0 {
            return Tensor::of_floats(shape, Vec::new());
        }
        scratch.budget.work(&[rows, 4 * units, width + units + 8])?;
        let mut sums = scratch.floats(Shape::of(&[rows, 4 * units])?.count()?)?;
        (0..rows).for_each(|_| sums.extend_from_slice(&gates.bias));
        let values = from.reals()?;
        gates.input.multiply(Rows { values, stride: width, count: rows }, &mut sums, 4 * units);
        let mut out = scratch.zeros(shape.count()?)?;
        let (mut state, mut cells) = (scratch.zeros(windows * units)?, scratch.zeros(windows * units)?);
        for at in 0..steps {
            let sums = &mut sums[at * step * 4 * units..];
            let last = Rows { values: &state, stride: units, count: windows };
            gates.state.multiply(last, sums, window * 4 * units);
            for row in 0..windows {
                let own = row * units..(row + 1) * units;
                let sums = &sums[row * window * 4 * units..][..4 * units];
                self.advance(sums, &mut state[own.clone()], &mut cells[own.clone()]);
                out[(at * step + row * window) * units..][..units].copy_from_slice(&state[own]);
            }
        }
        [sums, state, cells].into_iter().for_each(|buffer| scratch.give(buffer));
        Tensor::of_floats(shape, out)
    }

    /// One step of one window, from the sums of its gates.
    fn advance(&self, sums: &[f32], state: &mut [f32], cells: &mut [f32]) {
        let units = state.len();
        for unit in 0..units {
            let [input, forget, new, output] = [0, 1, 2, 3].map(|gate| sums[gate * units + unit]);
            let mut cell = logistic(forget) * cells[unit] + logistic(input) * new.tanh();
            if self.clip > 0.0 {
                cell = cell.clamp(-self.clip, self.clip);
            }
            cells[unit] = cell;
            state[unit] = logistic(output) * cell.tanh();
        }
    }
}

impl Gates {
    fn of(inputs: &Inputs) -> Result<Gates, Fault> {
        let [units, width] = *inputs.get(1)?.dims() else {
            return Err("its weights have not two dimensions".into());
        };
        let rows = |first: usize, depth: usize| {
            let gates = (0..4).map(|gate| {
                let weights = inputs.get(first + gate)?;
                if weights.dims() != [units, depth] {
                    return Err(Fault::Wrong(format!("weights of {:?}", weights.shape())));
                }
                weights.reals()
            });
            let gates = gates.collect::<Result<Vec<_>, Fault>>()?;
            let row = |at: usize| &gates[at / units][at % units * depth..][..depth];
            Ok::<_, Fault>(Weights::of(depth, (0..4 * units).map(row)))
        };
        let mut bias = Vec::new();
        for gate in 12..16 {
            let values = inputs.get(gate)?.reals()?;
            if values.len() != units {
                return Err("a bias does not fit its weights".into());
            }
            bias.extend_from_slice(values);
        }
        Ok(Gates { input: rows(1, width)?, state: rows(5, units)?, bias })
    }
}
