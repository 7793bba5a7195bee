//! GATHER: picks slices of one dimension by index.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// Picks the slices of `axis` that the second input lists.
///
/// The result has the shape of the indices in the place of that dimension. An index outside the dimension is an error.
pub fn run(axis: i64, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, picked) = (inputs.get(0)?, inputs.get(1)?);
    let axis = from.shape().resolve_axis(axis)?;
    let dim = from.shape()[axis];
    let (outer, inner) = from.shape().outer_and_inner(axis);
    let indices = picked.require_integers()?;
    scratch.budget.charge_work(&[indices.len(), outer.max(1)])?;
    if let Some(index) = indices.iter().find(|index| usize::try_from(**index).map_or(true, |at| at >= dim)) {
        return Err(format!("index `{index}` of {dim}").into());
    }
    let mut shape = Shape::from_dims(&from.shape()[..axis])?;
    for dim in picked.shape().iter().chain(&from.shape()[axis + 1..]) {
        shape.push(*dim)?;
    }
    let count = shape.count()?;
    let starts =
        (0..outer).flat_map(|block| indices.iter().map(move |at| (block * dim + *at as usize) * inner));
    match from.data() {
        TensorData::Floats(values) => {
            let mut out = scratch.floats(count)?;
            starts.for_each(|start| out.extend_from_slice(&values[start..start + inner]));
            Tensor::new_floats(shape, out)
        }
        TensorData::Integers(values) => {
            let mut out = scratch.integers(count)?;
            starts.for_each(|start| out.extend_from_slice(&values[start..start + inner]));
            Tensor::new_integers(shape, out)
        }
        TensorData::List(_) => Err("a list cannot be gathered from".into()),
    }
}
