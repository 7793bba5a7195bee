//! REVERSE_V2: a dimension backwards, as the backward layer of a bidirectional one reads its input.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

pub fn run(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let (from, axes) = (inputs.get(0)?, inputs.get(1)?.integers()?);
    let [axis] = axes else { return Err("several dimensions backwards are not supported".into()) };
    let axis = from.shape().axis(*axis)?;
    let (values, dim) = (from.reals()?, from.shape()[axis]);
    let (_, inner) = from.shape().around(axis);
    let mut out = scratch.floats(values.len())?;
    for block in values.chunks_exact((dim * inner).max(1)) {
        block.chunks_exact(inner).rev().for_each(|part| out.extend_from_slice(part));
    }
    Tensor::of_floats(*from.shape(), out)
}
