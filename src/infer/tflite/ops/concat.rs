//! CONCATENATION and PACK join tensors; TILE and FILL repeat one.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::{Shape, resolve_axis};
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// CONCATENATION: joins tensors along `axis`. All other dimensions must be equal; a negative axis counts from the end.
pub fn concatenate(axis: i64, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let parts = inputs.all().collect::<Result<Vec<_>, InterpreterError>>()?;
    let first = *parts.first().ok_or("it has no input")?.shape();
    let axis = first.resolve_axis(axis)?;
    let mut length = 0usize;
    for part in &parts {
        if part.dims().len() != first.len() || part.shape().with(axis, 0) != first.with(axis, 0) {
            return Err(format!("{:?} beside {first:?}", part.shape()).into());
        }
        length = length.checked_add(part.dims()[axis]).ok_or(InterpreterError::Limit("elements"))?;
    }
    joined(&parts, axis, first.with(axis, length), scratch)
}

/// PACK: stacks tensors as slices of a new dimension.
pub fn pack(axis: i64, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let parts = inputs.all().collect::<Result<Vec<_>, InterpreterError>>()?;
    stack(&parts, axis, scratch)
}

/// Stacks tensors of equal shape along a new dimension.
pub fn stack(parts: &[&Tensor], axis: i64, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let first = *parts.first().ok_or("it has no input")?.shape();
    if let Some(other) = parts.iter().find(|part| *part.shape() != first) {
        return Err(format!("{:?} beside {first:?}", other.shape()).into());
    }
    let axis = resolve_axis(axis, first.len() + 1)?;
    let mut shape = first;
    shape.insert(axis, parts.len())?;
    joined(parts, axis, shape, scratch)
}

/// Interleaves the blocks of all parts, one per position in the dimensions before `axis`.
fn joined(
    parts: &[&Tensor],
    axis: usize,
    shape: Shape,
    scratch: &mut Scratch,
) -> Result<Tensor, InterpreterError> {
    let count = shape.count()?;
    let blocks = shape.outer_and_inner(axis).0;
    match parts[0].data() {
        TensorData::Floats(_) => {
            let parts = parts
                .iter()
                .map(|part| part.require_floats())
                .collect::<Result<Vec<_>, InterpreterError>>()?;
            let mut out = scratch.floats(count)?;
            interleave(&parts, blocks, &mut out);
            Tensor::new_floats(shape, out)
        }
        TensorData::Integers(_) => {
            let parts = parts
                .iter()
                .map(|part| part.require_integers())
                .collect::<Result<Vec<_>, InterpreterError>>()?;
            let mut out = scratch.integers(count)?;
            interleave(&parts, blocks, &mut out);
            Tensor::new_integers(shape, out)
        }
        TensorData::List(_) => Err("lists cannot be joined".into()),
    }
}

fn interleave<T: Copy>(parts: &[&[T]], blocks: usize, out: &mut Vec<T>) {
    for block in 0..blocks {
        for part in parts {
            let size = part.len() / blocks;
            out.extend_from_slice(&part[block * size..(block + 1) * size]);
        }
    }
}

/// TILE: repeats the first input in each dimension as often as the second says, which has one number per dimension.
pub fn tile(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, times) = (inputs.get(0)?, inputs.get(1)?.as_shape()?);
    if times.len() != from.dims().len() {
        return Err("it is repeated in other dimensions than it has".into());
    }
    let mut shape = *from.shape();
    for (dim, times) in shape.iter_mut().zip(times.iter()) {
        *dim = dim.checked_mul(*times).ok_or(InterpreterError::Limit("elements"))?;
    }
    let count = shape.count()?;
    match from.data() {
        TensorData::Floats(values) => {
            let mut out = scratch.floats(count)?;
            repeat(values, (from.shape(), &times), 0, &mut out);
            Tensor::new_floats(shape, out)
        }
        TensorData::Integers(values) => {
            let mut out = scratch.integers(count)?;
            repeat(values, (from.shape(), &times), 0, &mut out);
            Tensor::new_integers(shape, out)
        }
        TensorData::List(_) => Err("a list cannot be repeated".into()),
    }
}

/// Appends a block of the dimensions from `at` on, repeated in each dimension as `times` says.
fn repeat<T: Copy>(block: &[T], (shape, times): (&Shape, &Shape), at: usize, out: &mut Vec<T>) {
    if times[at..].iter().all(|times| *times == 1) {
        out.extend_from_slice(block);
        return;
    }
    let start = out.len();
    if times[at] > 0 && shape[at] > 0 {
        let size = block.len() / shape[at];
        (0..shape[at])
            .for_each(|part| repeat(&block[part * size..(part + 1) * size], (shape, times), at + 1, out));
    }
    let end = out.len();
    (1..times[at]).for_each(|_| out.extend_from_within(start..end));
}

/// FILL: makes a tensor of the shape that the first input holds, with the second input's single value everywhere.
pub fn fill(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (shape, value) = (inputs.get(0)?.as_shape()?, inputs.get(1)?);
    let count = shape.count()?;
    match value.data() {
        TensorData::Floats(values) => {
            let mut out = scratch.floats(count)?;
            out.resize(count, *values.first().ok_or("it has no value to fill with")?);
            Tensor::new_floats(shape, out)
        }
        _ => {
            let mut out = scratch.integers(count)?;
            out.resize(count, value.first_integer()?);
            Tensor::new_integers(shape, out)
        }
    }
}
