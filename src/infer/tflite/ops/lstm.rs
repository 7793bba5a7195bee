//! UNIDIRECTIONAL_SEQUENCE_LSTM: a whole recurrent layer in one operator, as Keras 2 exports it.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::limits::ResourceBudget;
use crate::infer::tflite::recurrent::{GateWeights, InputSteps, OutputSteps, RecurrentCell, RecurrentLayer};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::{Inputs, OperatorSpec};

/// LSTM options and prepared weights. Gates are in the order input, forget, cell, output; for each gate, inputs 1.. are
/// the input's weights, inputs 5.. the state's weights, and inputs 12.. the biases.
#[derive(Debug)]
pub struct Lstm {
    is_time_major: bool,
    /// The cell state is clipped to -clip..clip; 0 means no limit.
    clip: f32,
    layer: Option<RecurrentLayer>,
}

impl Lstm {
    /// Parses the options. Peepholes, projections, layer normalisation, missing gates and other activations than tanh
    /// are unsupported.
    pub fn read(call: &OperatorSpec) -> Result<Lstm, InterpreterError> {
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
        Ok(Lstm { clip: options.f32(1, 0.0)?.max(0.0), is_time_major: options.bool(3)?, layer: None })
    }

    /// Packs constant weights once, at load.
    pub fn prepare(
        &mut self,
        inputs: &Inputs,
        budget: &mut ResourceBudget,
    ) -> Result<usize, InterpreterError> {
        if !(1..9).chain(12..16).all(|at| inputs.constant(at).is_some()) {
            return Ok(0);
        }
        let [units, width] = *inputs.get(1)?.dims() else {
            return Err("its weights have not two dimensions".into());
        };
        let gates = (0..4)
            .map(|at| gate(inputs, at, (units, width)))
            .collect::<Result<Vec<_>, InterpreterError>>()?;
        let layer =
            RecurrentLayer::new(RecurrentCell::Lstm { clip: self.clip }, (units, width), &gates, budget)?;
        Ok(self.layer.insert(layer).size())
    }

    /// Takes `[windows, steps, features]`, or `[steps, windows, features]` if time is major.
    ///
    /// Returns the state after every step: the same dimensions with `units` for `features`. States start from zero; the
    /// state inputs of the operator are ignored.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let layer = self.layer.as_ref().ok_or("its weights are not constant")?;
        let (from, units) = (inputs.get(0)?, layer.units());
        let [outer, inner, width] = *from.dims() else {
            return Err("its input has not three dimensions".into());
        };
        if width != layer.width() {
            return Err(format!("{:?} by weights of {}", from.shape(), layer.width()).into());
        }
        let shape = Shape::from_dims(&[outer, inner, units])?;
        let mut out = scratch.zeros(shape.count()?)?;
        if !out.is_empty() {
            let (windows, steps) = if self.is_time_major { (inner, outer) } else { (outer, inner) };
            // Distances in rows between adjacent windows and between adjacent steps.
            let (window, step) = if self.is_time_major { (1, inner) } else { (inner, 1) };
            let zeros = scratch.zeros(Shape::from_dims(&[windows, units])?.count()?)?;
            let (mut state, mut cells) =
                (layer.pad_state(&zeros, scratch)?, layer.pad_state(&zeros, scratch)?);
            let input_steps = InputSteps {
                values: from.require_floats()?,
                window: window * width,
                step: step * width,
                windows,
                steps,
            };
            let output = OutputSteps { values: &mut out, window: window * units, step: step * units };
            layer.run(input_steps, (&mut state, &mut cells), output, scratch)?;
            [zeros, state, cells].into_iter().for_each(|buffer| scratch.recycle_floats(buffer));
        }
        Tensor::new_floats(shape, out)
    }
}

fn gate(inputs: &Inputs, at: usize, (units, width): (usize, usize)) -> Result<GateWeights, InterpreterError> {
    let of = |position: usize, dims: &[usize]| {
        let values = inputs.get(position)?;
        match values.dims() == dims {
            true => Ok(values.require_floats()?.to_vec()),
            false => {
                Err(InterpreterError::Inconsistent(format!("weights of {:?}, not {dims:?}", values.shape())))
            }
        }
    };
    let (input, state) = (of(1 + at, &[units, width])?, of(5 + at, &[units, units])?);
    Ok(GateWeights { input, state, bias: of(12 + at, &[units])?, state_bias: vec![0.0; units] })
}
