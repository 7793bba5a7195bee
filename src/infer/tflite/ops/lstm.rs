//! UNIDIRECTIONAL_SEQUENCE_LSTM: a whole recurrent layer in one operator, as Keras 2 exports it.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::limits::Budget;
use crate::infer::tflite::recurrent::{Cell, Gate, Layer, Output, Steps};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::{Call, Inputs};

/// Gates are in the order input, forget, cell, output. For each of them, inputs 1.. are weights of the input, 5.. weights of
/// the state, and 12.. biases.
#[derive(Debug)]
pub struct Lstm {
    is_time_major: bool,
    /// The cell's state is kept within -clip..clip; 0 is no bound.
    clip: f32,
    layer: Option<Layer>,
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
        Ok(Lstm { clip: options.f32(1, 0.0)?.max(0.0), is_time_major: options.bool(3)?, layer: None })
    }

    /// Makes constant weights ready once.
    pub fn prepare(&mut self, inputs: &Inputs, budget: &mut Budget) -> Result<usize, Fault> {
        if !(1..9).chain(12..16).all(|at| inputs.constant(at).is_some()) {
            return Ok(0);
        }
        let [units, width] = *inputs.get(1)?.dims() else {
            return Err("its weights have not two dimensions".into());
        };
        let gates = (0..4).map(|at| gate(inputs, at, (units, width))).collect::<Result<Vec<_>, Fault>>()?;
        let layer = Layer::new(Cell::Lstm { clip: self.clip }, (units, width), &gates, budget)?;
        Ok(self.layer.insert(layer).size())
    }

    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let layer = self.layer.as_ref().ok_or("its weights are not constant")?;
        let (from, units) = (inputs.get(0)?, layer.units());
        let [outer, inner, width] = *from.dims() else {
            return Err("its input has not three dimensions".into());
        };
        if width != layer.width() {
            return Err(format!("{:?} by weights of {}", from.shape(), layer.width()).into());
        }
        let shape = Shape::of(&[outer, inner, units])?;
        let mut out = scratch.zeros(shape.count()?)?;
        if !out.is_empty() {
            let (windows, steps) = if self.is_time_major { (inner, outer) } else { (outer, inner) };
            // So many rows are neighbouring windows and neighbouring steps apart.
            let (window, step) = if self.is_time_major { (1, inner) } else { (inner, 1) };
            let zeros = scratch.zeros(Shape::of(&[windows, units])?.count()?)?;
            let (mut state, mut cells) =
                (layer.remembered(&zeros, scratch)?, layer.remembered(&zeros, scratch)?);
            let given =
                Steps { values: from.reals()?, window: window * width, step: step * width, windows, steps };
            let output = Output { values: &mut out, window: window * units, step: step * units };
            layer.run(given, (&mut state, &mut cells), output, scratch)?;
            [zeros, state, cells].into_iter().for_each(|buffer| scratch.give(buffer));
        }
        Tensor::of_floats(shape, out)
    }
}

fn gate(inputs: &Inputs, at: usize, (units, width): (usize, usize)) -> Result<Gate, Fault> {
    let of = |position: usize, dims: &[usize]| {
        let values = inputs.get(position)?;
        match values.dims() == dims {
            true => Ok(values.reals()?.to_vec()),
            false => Err(Fault::Wrong(format!("weights of {:?}, not {dims:?}", values.shape()))),
        }
    };
    let (input, state) = (of(1 + at, &[units, width])?, of(5 + at, &[units, units])?);
    Ok(Gate { input, state, bias: of(12 + at, &[units])?, state_bias: vec![0.0; units] })
}
