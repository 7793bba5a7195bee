//! FULLY_CONNECTED: a matrix product with an optional bias and activation.

use std::borrow::Cow;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::limits::ResourceBudget;
use crate::infer::tflite::matmul::{PackedWeights, StridedRows};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::{Inputs, OperatorSpec};

/// `tfl.fully_connected`: rows of `depth` values by weights `[columns, depth]` and an optional bias `[columns]`.
#[derive(Debug)]
pub struct FullyConnected {
    activation: Activation,
    /// Whether the output keeps all dimensions of the input but the last; otherwise it has two.
    keep_num_dims: bool,
    weights: Option<PackedWeights>,
}

impl FullyConnected {
    /// Parses the options; shuffled weights are unsupported.
    pub fn read(call: &OperatorSpec) -> Result<FullyConnected, InterpreterError> {
        if call.options.map_or(Ok(0), |options| options.i8(1, 0))? != 0 {
            return Err(call.unsupported("shuffled weights"));
        }
        let keep = call.options.map_or(Ok(false), |options| options.bool(2))?;
        Ok(FullyConnected {
            activation: Activation::from_option(call, 0)?,
            keep_num_dims: keep,
            weights: None,
        })
    }

    /// Whether it is only a product and a bias.
    pub fn is_plain(&self) -> bool {
        self.activation == Activation::None
    }

    /// Packs constant weights once, at load.
    pub fn prepare(
        &mut self,
        inputs: &Inputs,
        budget: &mut ResourceBudget,
    ) -> Result<usize, InterpreterError> {
        self.weights = inputs.constant(1).map(|weights| packed(weights, budget)).transpose()?;
        Ok(self.weights.as_ref().map_or(0, PackedWeights::size))
    }

    /// Returns `[rows, columns]`, or the input's shape with `columns` as its last dimension if `keep_num_dims` is set.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let from = inputs.get(0)?;
        let weights = match &self.weights {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(packed(inputs.get(1)?, &mut scratch.budget)?),
        };
        let (depth, columns, values) = (weights.depth(), weights.columns(), from.require_floats()?);
        if depth == 0 || !values.len().is_multiple_of(depth) {
            return Err(format!("{:?} by weights of {depth} by {columns}", from.shape()).into());
        }
        let count = values.len() / depth;
        let shape = match self.keep_num_dims.then(|| from.dims().len().checked_sub(1)).flatten() {
            Some(last) => from.shape().with(last, columns),
            None => Shape::from_dims(&[count, columns])?,
        };
        scratch.budget.charge_work(&[count, columns + 1, depth + 1])?;
        let mut out = bias_rows(inputs.optional(2), (count, columns), scratch)?;
        weights.multiply(StridedRows { values, stride: depth, count }, &mut out, columns);
        self.activation.apply(&mut out);
        Tensor::new_floats(shape, out)
    }
}

fn packed(weights: &Tensor, budget: &mut ResourceBudget) -> Result<PackedWeights, InterpreterError> {
    let [columns, depth] = *weights.dims() else { return Err("its weights have not two dimensions".into()) };
    let values = weights.require_floats()?;
    PackedWeights::from_rows(
        depth,
        (0..columns).map(|column| &values[column * depth..(column + 1) * depth]),
        budget,
    )
}

/// Returns this many rows of the bias, or of zeros if there is none.
pub fn bias_rows(
    bias: Option<&Tensor>,
    (rows, columns): (usize, usize),
    scratch: &mut Scratch,
) -> Result<Vec<f32>, InterpreterError> {
    let count = Shape::from_dims(&[rows, columns])?.count()?;
    let Some(bias) = bias else { return scratch.zeros(count) };
    let bias = bias.require_floats()?;
    if bias.len() != columns {
        return Err(format!("{} biases for {columns} sums", bias.len()).into());
    }
    let mut out = scratch.floats(count)?;
    (0..rows).for_each(|_| out.extend_from_slice(bias));
    Ok(out)
}
