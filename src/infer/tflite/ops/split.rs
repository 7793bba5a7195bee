//! SPLIT and UNPACK: divide one tensor into several.

use std::sync::Arc;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// SPLIT: divides a dimension into `count` parts of equal length.
pub fn split(
    count: usize,
    inputs: &Inputs,
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), InterpreterError> {
    let from = inputs.get(1)?;
    let axis = from.shape().resolve_axis(inputs.get(0)?.first_integer()?)?;
    let dim = from.shape()[axis];
    if !dim.is_multiple_of(count) {
        return Err(format!("{dim} in {count} parts").into());
    }
    let shape = from.shape().with(axis, dim / count);
    parts(from, axis, (count, shape), scratch, outputs)
}

/// UNPACK: returns the slices of one dimension, without that dimension.
pub fn unpack(
    axis: i64,
    inputs: &Inputs,
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), InterpreterError> {
    let from = inputs.get(0)?;
    let axis = from.shape().resolve_axis(axis)?;
    parts(from, axis, (from.shape()[axis], from.shape().without(axis)), scratch, outputs)
}

/// Returns this many parts of this shape, which are adjacent in each block before `axis`.
fn parts(
    from: &Tensor,
    axis: usize,
    (count, shape): (usize, Shape),
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), InterpreterError> {
    let (blocks, size) = (from.shape().outer_and_inner(axis).0, shape.count()?);
    scratch.budget.charge_work(&[count, 1 + blocks])?;
    for part in 0..count {
        // Each part is a tensor of its own, even if it is small.
        scratch.budget.charge_step()?;
        // Empty parts have no blocks.
        let width = size.checked_div(blocks).unwrap_or(0);
        let starts = (0..blocks).map(|block| (block * count + part) * width);
        let tensor = match from.data() {
            TensorData::Floats(values) => {
                let mut out = scratch.floats(size)?;
                starts.for_each(|start| out.extend_from_slice(&values[start..start + width]));
                Tensor::new_floats(shape, out)?
            }
            TensorData::Integers(values) => {
                let mut out = scratch.integers(size)?;
                starts.for_each(|start| out.extend_from_slice(&values[start..start + width]));
                Tensor::new_integers(shape, out)?
            }
            TensorData::List(_) => return Err("a list has no parts".into()),
        };
        outputs.push(Arc::new(tensor));
    }
    Ok(())
}
