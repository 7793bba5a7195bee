//! The same values in other dimensions: RESHAPE, SQUEEZE, EXPAND_DIMS; and SHAPE.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::{Shape, axis_of};
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// `dims` is used where the second input is missing. One of them may be negative: whatever is left.
pub fn reshape(
    value: Arc<Tensor>,
    dims: &[i64],
    inputs: &Inputs,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, Fault> {
    let dims = match inputs.optional(1) {
        Some(dims) => dims.integers()?,
        None => dims,
    };
    let count = value.shape().count()?;
    let mut shape = Shape::default();
    let mut free = None;
    for (at, dim) in dims.iter().enumerate() {
        if *dim < 0 && free.replace(at).is_some() {
            return Err("two dimensions are left free".into());
        }
        shape.push(usize::try_from(*dim).unwrap_or(1))?;
    }
    if let Some(free) = free {
        shape[free] = count.checked_div(shape.count()?).unwrap_or(0);
    }
    shaped(value, shape, scratch)
}

/// Without the dimensions of one named by `dims`, or without all of them.
pub fn squeeze(value: Arc<Tensor>, dims: &[i64], scratch: &mut Scratch) -> Result<Arc<Tensor>, Fault> {
    let from = *value.shape();
    let named = dims.iter().map(|axis| from.axis(*axis)).collect::<Result<Vec<_>, Fault>>()?;
    let mut shape = Shape::default();
    for (at, dim) in from.iter().enumerate() {
        if *dim != 1 || !(named.is_empty() || named.contains(&at)) {
            shape.push(*dim)?;
        }
    }
    shaped(value, shape, scratch)
}

pub fn expand_dims(value: Arc<Tensor>, inputs: &Inputs, scratch: &mut Scratch) -> Result<Arc<Tensor>, Fault> {
    let mut shape = *value.shape();
    let axis = axis_of(inputs.get(1)?.integer()?, shape.len() + 1)?;
    shape.insert(axis, 1)?;
    shaped(value, shape, scratch)
}

pub fn shape(inputs: &Inputs) -> Result<Tensor, Fault> {
    let dims: Vec<i64> = inputs.get(0)?.dims().iter().map(|dim| *dim as i64).collect();
    Tensor::of_integers(Shape::of(&[dims.len()])?, dims)
}

/// Copied only where somebody else holds the values too.
fn shaped(mut value: Arc<Tensor>, shape: Shape, scratch: &mut Scratch) -> Result<Arc<Tensor>, Fault> {
    if matches!(value.data(), Data::List(_)) {
        return Err("a list has no dimensions".into());
    }
    if let Some(own) = Arc::get_mut(&mut value) {
        own.reshape(shape)?;
        return Ok(value);
    }
    scratch.budget.work(&[value.weight()])?;
    let mut copy = Tensor::clone(&value);
    copy.reshape(shape)?;
    Ok(Arc::new(copy))
}
