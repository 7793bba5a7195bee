//! PAD: adds zeros around a tensor.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::strides;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// Adds the margins that the second input holds, `[dimensions, 2]`: zeros before and after each dimension.
pub fn run(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, margins) = (inputs.get(0)?, inputs.get(1)?.require_integers()?);
    let mut shape = *from.shape();
    if margins.len() != 2 * shape.len() {
        return Err("it has other margins than dimensions".into());
    }
    let mut before = shape;
    for (at, [left, right]) in margins.as_chunks().0.iter().enumerate() {
        let both = Shape::from_signed(&[*left, *right])?;
        before[at] = both[0];
        let grown = shape[at].checked_add(both[0]).and_then(|dim| dim.checked_add(both[1]));
        shape[at] = grown.ok_or(InterpreterError::Limit("elements"))?;
    }
    let count = shape.count()?;
    let row = from.dims().last().copied().unwrap_or(1);
    // Rows cost more than their values.
    scratch.budget.charge_work(&[from.element_count() / row.max(1), 3])?;
    let strides = shape.strides();
    let base: usize = before.iter().zip(strides.iter()).map(|(before, stride)| before * stride).sum();
    match from.data() {
        TensorData::Floats(values) => {
            let mut out = scratch.zeros(count)?;
            place(values, (from.shape(), &strides), base, &mut out);
            Tensor::new_floats(shape, out)
        }
        TensorData::Integers(values) => {
            let mut out = scratch.integers(count)?;
            out.resize(count, 0);
            place(values, (from.shape(), &strides), base, &mut out);
            Tensor::new_integers(shape, out)
        }
        TensorData::List(_) => Err("a list has no margins".into()),
    }
}

/// Copies row by row; rows of the last dimension are contiguous on both sides.
fn place<T: Copy>(values: &[T], (shape, strides): (&Shape, &Shape), base: usize, out: &mut [T]) {
    let Some(last) = shape.len().checked_sub(1) else {
        out.copy_from_slice(values);
        return;
    };
    let mut rows = values.chunks_exact(shape[last].max(1));
    strides::for_each_offset(&shape.without(last), &strides.without(last), |at| {
        if let Some(row) = rows.next() {
            out[base + at..base + at + row.len()].copy_from_slice(row);
        }
    });
}
