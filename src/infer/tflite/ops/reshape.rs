//! RESHAPE, SQUEEZE and EXPAND_DIMS, which change dimensions but not values; and SHAPE.

use std::sync::Arc;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::{Shape, resolve_axis};
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// RESHAPE: `dims` is used if the second input is missing. One of them may be negative: it takes what remains.
pub fn reshape(
    value: Arc<Tensor>,
    dims: &[i64],
    inputs: &Inputs,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    let dims = match inputs.optional(1) {
        Some(dims) => dims.require_integers()?,
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

/// SQUEEZE: removes the length-one dimensions named by `dims`, or all of them.
pub fn squeeze(
    value: Arc<Tensor>,
    dims: &[i64],
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    let from = *value.shape();
    let named =
        dims.iter().map(|axis| from.resolve_axis(*axis)).collect::<Result<Vec<_>, InterpreterError>>()?;
    let mut shape = Shape::default();
    for (at, dim) in from.iter().enumerate() {
        if *dim != 1 || !(named.is_empty() || named.contains(&at)) {
            shape.push(*dim)?;
        }
    }
    shaped(value, shape, scratch)
}

/// EXPAND_DIMS: inserts a dimension of length one where the second input says; negative positions count from the end of
/// the result.
pub fn expand_dims(
    value: Arc<Tensor>,
    inputs: &Inputs,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    let mut shape = *value.shape();
    let axis = resolve_axis(inputs.get(1)?.first_integer()?, shape.len() + 1)?;
    shape.insert(axis, 1)?;
    shaped(value, shape, scratch)
}

/// SHAPE: returns the dimensions as integers, `[rank]`.
pub fn shape(inputs: &Inputs) -> Result<Tensor, InterpreterError> {
    let dims: Vec<i64> = inputs.get(0)?.dims().iter().map(|dim| *dim as i64).collect();
    Tensor::new_integers(Shape::from_dims(&[dims.len()])?, dims)
}

/// Sets the shape; copies only if the values are shared.
fn shaped(
    mut value: Arc<Tensor>,
    shape: Shape,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    if matches!(value.data(), TensorData::List(_)) {
        return Err("a list has no dimensions".into());
    }
    if let Some(own) = Arc::get_mut(&mut value) {
        own.reshape(shape)?;
        return Ok(value);
    }
    scratch.budget.charge_work(&[value.element_count()])?;
    let mut copy = Tensor::clone(&value);
    copy.reshape(shape)?;
    Ok(Arc::new(copy))
}
