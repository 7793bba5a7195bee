//! One tensor into several: SPLIT and UNPACK.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

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
    parts(from, axis, (count, shape), scratch, outputs)
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
    parts(from, axis, (from.shape()[axis], from.shape().without(axis)), scratch, outputs)
}

/// So many parts of this shape, which lie one after the other in each block before `axis`.
fn parts(
    from: &Tensor,
    axis: usize,
    (count, shape): (usize, Shape),
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), Fault> {
    let (blocks, size) = (from.shape().around(axis).0, shape.count()?);
    scratch.budget.work(&[count, 1 + blocks])?;
    for part in 0..count {
        // Each is a value of its own, however small.
        scratch.budget.step()?;
        // An empty part has no blocks that could be told apart.
        let width = size.checked_div(blocks).unwrap_or(0);
        let starts = (0..blocks).map(|block| (block * count + part) * width);
        let tensor = match from.data() {
            Data::Floats(values) => {
                let mut out = scratch.floats(size)?;
                starts.for_each(|start| out.extend_from_slice(&values[start..start + width]));
                Tensor::of_floats(shape, out)?
            }
            Data::Integers(values) => {
                let mut out = scratch.integers(size)?;
                starts.for_each(|start| out.extend_from_slice(&values[start..start + width]));
                Tensor::of_integers(shape, out)?
            }
            Data::List(_) => return Err("a list has no parts".into()),
        };
        outputs.push(Arc::new(tensor));
    }
    Ok(())
}
