//! FULLY_CONNECTED.

use std::borrow::Cow;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::limits::Budget;
use crate::infer::tflite::matrix::{Rows, Weights};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::{Call, Inputs};

#[derive(Debug)]
pub struct Dense {
    activation: Activation,
    /// Whether the output has the dimensions of the input, but for the last; else it has two.
    keep: bool,
    weights: Option<Weights>,
}

impl Dense {
    pub fn read(call: &Call) -> Result<Dense, Fault> {
        if call.options.map_or(Ok(0), |options| options.i8(1, 0))? != 0 {
            return Err(call.unsupported("shuffled weights"));
        }
        let keep = call.options.map_or(Ok(false), |options| options.bool(2))?;
        Ok(Dense { activation: Activation::at(call, 0)?, keep, weights: None })
    }

    /// Whether it is a product and a bias alone.
    pub fn is_plain(&self) -> bool {
        self.activation == Activation::None
    }

    /// Makes constant weights ready once.
    pub fn prepare(&mut self, inputs: &Inputs, budget: &mut Budget) -> Result<usize, Fault> {
        self.weights = inputs.constant(1).map(|weights| packed(weights, budget)).transpose()?;
        Ok(self.weights.as_ref().map_or(0, Weights::size))
    }

    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let from = inputs.get(0)?;
        let weights = match &self.weights {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(packed(inputs.get(1)?, &mut scratch.budget)?),
        };
        let (depth, columns, values) = (weights.depth(), weights.columns(), from.reals()?);
        if depth == 0 || !values.len().is_multiple_of(depth) {
            return Err(format!("{:?} by weights of {depth} by {columns}", from.shape()).into());
        }
        let count = values.len() / depth;
        let shape = match self.keep.then(|| from.dims().len().checked_sub(1)).flatten() {
            Some(last) => from.shape().with(last, columns),
            None => Shape::of(&[count, columns])?,
        };
        scratch.budget.work(&[count, columns + 1, depth + 1])?;
        let mut out = biased(inputs.optional(2), (count, columns), scratch)?;
        weights.multiply(Rows { values, stride: depth, count }, &mut out, columns);
        self.activation.apply(&mut out);
        Tensor::of_floats(shape, out)
    }
}

fn packed(weights: &Tensor, budget: &mut Budget) -> Result<Weights, Fault> {
    let [columns, depth] = *weights.dims() else { return Err("its weights have not two dimensions".into()) };
    let values = weights.reals()?;
    Weights::of(depth, (0..columns).map(|column| &values[column * depth..(column + 1) * depth]), budget)
}

/// So many rows of the bias, or of zeros where there is none.
pub fn biased(
    bias: Option<&Tensor>,
    (rows, columns): (usize, usize),
    scratch: &mut Scratch,
) -> Result<Vec<f32>, Fault> {
    let count = Shape::of(&[rows, columns])?.count()?;
    let Some(bias) = bias else { return scratch.zeros(count) };
    let bias = bias.reals()?;
    if bias.len() != columns {
        return Err(format!("{} biases for {columns} sums", bias.len()).into());
    }
    let mut out = scratch.floats(count)?;
    (0..rows).for_each(|_| out.extend_from_slice(bias));
    Ok(out)
}
