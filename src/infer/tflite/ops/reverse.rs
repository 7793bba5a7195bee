//! REVERSE_V2: reverses a dimension; the backward layer of a bidirectional one reads its input that way.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// Reverses the one dimension that the second input names. Only real numbers are supported.
pub fn run(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, axes) = (inputs.get(0)?, inputs.get(1)?.require_integers()?);
    let [axis] = axes else { return Err("several dimensions backwards are not supported".into()) };
    let axis = from.shape().resolve_axis(*axis)?;
    let (values, dim) = (from.require_floats()?, from.shape()[axis]);
    let (_, inner) = from.shape().outer_and_inner(axis);
    let mut out = scratch.floats(values.len())?;
    for block in values.chunks_exact((dim * inner).max(1)) {
        block.chunks_exact(inner).rev().for_each(|part| out.extend_from_slice(part));
    }
    Tensor::new_floats(*from.shape(), out)
}
