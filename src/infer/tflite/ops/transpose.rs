//! TRANSPOSE: permutes dimensions.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;
use super::slice;

/// Permutes dimensions: dimension `i` of the result is the one that item `i` of the second input names.
pub fn run(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, order) = (inputs.get(0)?, inputs.get(1)?.as_shape()?);
    let is_order = (0..from.dims().len()).all(|at| order.contains(&at));
    if order.len() != from.dims().len() || !is_order {
        return Err(format!("{order:?} is no order of dimensions").into());
    }
    let own = from.shape().strides();
    let (mut shape, mut strides) = (order, order);
    for (at, dim) in order.iter().enumerate() {
        (shape[at], strides[at]) = (from.shape()[*dim], own[*dim]);
    }
    slice::copy_slice(from, 0, (&shape, &strides), shape, scratch)
}
