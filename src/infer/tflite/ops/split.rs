//! One tensor into several: SPLIT and UNPACK.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;
use super::slice;

/// Into `count` parts of the same length.
pub fn split(
    count: usize,
    inputs: &Inputs,
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), Fault> {
    let from = inputs.get(1)?;
    let axis = from.shape().axis(inputs.get(0)?.integer()?)?;
    let dim = from.shape()[axis];
    if !dim.is_multiple_of(count) {
        return Err(format!("{dim} in {count} parts").into());
    }
    let shape = from.shape().with(axis, dim / count);
    let mut begin = from.shape().with(axis, 0);
    begin.fill(0);
    for part in 0..count {
        begin[axis] = part * (dim / count);
        outputs.push(Arc::new(slice::part(from, &begin, &shape, scratch)?));
    }
    Ok(())
}

/// Into the slices of one dimension, which is gone then.
pub fn unpack(
    axis: i64,
    inputs: &Inputs,
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), Fault> {
    let from = inputs.get(0)?;
    let axis = from.shape().axis(axis)?;
    let shape = from.shape().with(axis, 1);
    let mut begin = shape;
    begin.fill(0);
    for part in 0..from.shape()[axis] {
        scratch.budget.step()?;
        begin[axis] = part;
        let slice = slice::part(from, &begin, &shape, scratch)?;
        outputs.push(Arc::new(slice.reshaped(shape.without(axis))?));
    }
    Ok(())
}
