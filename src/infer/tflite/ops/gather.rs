//! GATHER: slices of one dimension, picked by index.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

pub fn run(axis: i64, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let (from, picked) = (inputs.get(0)?, inputs.get(1)?);
    let axis = from.shape().axis(axis)?;
    let dim = from.shape()[axis];
    let (outer, inner) = from.shape().around(axis);
    let indices = picked.integers()?;
    scratch.budget.work(&[indices.len(), outer.max(1)])?;
    if let Some(index) = indices.iter().find(|index| usize::try_from(**index).map_or(true, |at| at >= dim)) {
        return Err(format!("index `{index}` of {dim}").into());
    }
    let mut shape = Shape::of(&from.shape()[..axis])?;
    for dim in picked.shape().iter().chain(&from.shape()[axis + 1..]) {
        shape.push(*dim)?;
    }
    let count = shape.count()?;
    let starts =
        (0..outer).flat_map(|block| indices.iter().map(move |at| (block * dim + *at as usize) * inner));
    match from.data() {
        Data::Floats(values) => {
            let mut out = scratch.floats(count)?;
            starts.for_each(|start| out.extend_from_slice(&values[start..start + inner]));
            Tensor::of_floats(shape, out)
        }
        Data::Integers(values) => {
            let mut out = scratch.integers(count)?;
            starts.for_each(|start| out.extend_from_slice(&values[start..start + inner]));
            Tensor::of_integers(shape, out)
        }
        Data::List(_) => Err("a list cannot be gathered from".into()),
    }
}
