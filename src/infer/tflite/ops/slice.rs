//! SLICE and STRIDED_SLICE: copy parts of a tensor.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::strides;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::{Inputs, OperatorSpec};

/// SLICE: copies a number of values from `begin` in each dimension; -1 means all that remain.
pub fn run(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, begin, sizes) =
        (inputs.get(0)?, inputs.get(1)?.as_shape()?, inputs.get(2)?.require_integers()?);
    let mut shape = *from.shape();
    if begin.len() != shape.len() || sizes.len() != shape.len() {
        return Err("a part has other dimensions than the whole".into());
    }
    for (at, size) in sizes.iter().enumerate() {
        let left = shape[at].checked_sub(begin[at]).ok_or("a part begins after the whole")?;
        shape[at] = if *size < 0 { left } else { usize::try_from(*size).unwrap_or(usize::MAX) };
    }
    part(from, &begin, &shape, scratch)
}

/// Copies the values from `begin` on, `shape` of them in each dimension.
pub fn part(
    from: &Tensor,
    begin: &[usize],
    shape: &Shape,
    scratch: &mut Scratch,
) -> Result<Tensor, InterpreterError> {
    let is_within = |(at, begin): (usize, &usize)| {
        begin.checked_add(shape[at]).is_some_and(|end| end <= from.shape()[at])
    };
    if !begin.iter().enumerate().all(is_within) {
        return Err(format!("{shape:?} from {begin:?} is not within {:?}", from.shape()).into());
    }
    let strides = from.shape().strides();
    let base = begin.iter().zip(strides.iter()).map(|(begin, stride)| begin * stride).sum();
    copy_slice(from, base, (shape, &strides), *shape, scratch)
}

/// Copies a part of shape `shape` with distances `strides` from offset `base`. The part must be within `from`.
pub fn copy_slice(
    from: &Tensor,
    base: usize,
    part: (&Shape, &Shape),
    shape: Shape,
    scratch: &mut Scratch,
) -> Result<Tensor, InterpreterError> {
    let count = shape.count()?;
    // Rows cost more than their values, and values that are not adjacent cost a cache line each.
    let row = if part.1.last() == Some(&1) { part.0.last().copied().unwrap_or(1) } else { 1 };
    scratch.budget.charge_work(&[count / row.max(1), 7])?;
    match from.data() {
        TensorData::Floats(values) => {
            let mut out = scratch.floats(count)?;
            if count > 0 {
                strides::copy_strided(values, base, part, &mut out);
            }
            Tensor::new_floats(shape, out)
        }
        TensorData::Integers(values) => {
            let mut out = scratch.integers(count)?;
            if count > 0 {
                strides::copy_strided(values, base, part, &mut out);
            }
            Tensor::new_integers(shape, out)
        }
        TensorData::List(_) => Err("a list has no parts".into()),
    }
}

/// STRIDED_SLICE options. Each mask has one bit per dimension: `begin` or `end` unused, or a single index picked.
#[derive(Debug, Clone, Copy)]
pub struct StridedSlice {
    begin_mask: i32,
    end_mask: i32,
    shrink_axis_mask: i32,
}

impl StridedSlice {
    /// Parses the masks. Ellipses, new dimensions and ends relative to the begin are unsupported.
    pub fn read(call: &OperatorSpec) -> Result<StridedSlice, InterpreterError> {
        let mask = |slot| call.options.map_or(Ok(0), |options| options.i32(slot, 0));
        if mask(2)? != 0 || mask(3)? != 0 {
            return Err(call.unsupported("new or skipped dimensions"));
        }
        if call.options.map_or(Ok(false), |options| options.bool(5))? {
            return Err(call.unsupported("ends counted from the beginning"));
        }
        Ok(StridedSlice { begin_mask: mask(0)?, end_mask: mask(1)?, shrink_axis_mask: mask(4)? })
    }

    /// Takes begin, end and step per dimension from inputs 1 to 3; dimensions after those are whole.
    ///
    /// Negative positions count from the end, positions outside are clamped, and steps must be positive. An index that
    /// removes its dimension must be within it.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let from = inputs.get(0)?;
        let parameters = [
            inputs.get(1)?.require_integers()?,
            inputs.get(2)?.require_integers()?,
            inputs.get(3)?.require_integers()?,
        ];
        let sliced = parameters[0].len();
        if sliced > from.dims().len() || parameters.iter().any(|of| of.len() != sliced) {
            return Err("a part has other dimensions than the whole".into());
        }
        let (mut shape, mut strides, mut kept) = (*from.shape(), from.shape().strides(), Shape::default());
        let mut base = 0;
        for (at, dim) in from.dims().iter().enumerate() {
            if at < sliced {
                let [first, count, step] = self.range(at, *dim, parameters.map(|of| of[at]))?;
                base += first * strides[at];
                // With so long a step only one value is taken.
                (shape[at], strides[at]) = (count, step.min(*dim) * strides[at]);
            }
            if at >= sliced || self.shrink_axis_mask >> at & 1 == 0 {
                kept.push(shape[at])?;
            }
        }
        copy_slice(from, base, (&shape, &strides), kept, scratch)
    }

    /// Returns first column and end if the slice takes all rows of two dimensions and adjacent columns; no end means
    /// the tensor's end.
    pub fn column_range(&self, [begin, end, step]: [&[i64]; 3]) -> Option<(usize, Option<usize>)> {
        let is_marked = |mask: i32, at: usize| mask >> at & 1 == 1;
        let ([rows, first], [_, end], [1, 1]) = (begin, end, step) else { return None };
        let has_all_rows = (is_marked(self.begin_mask, 0) || *rows == 0) && is_marked(self.end_mask, 0);
        if self.shrink_axis_mask != 0 || !has_all_rows {
            return None;
        }
        let first = if is_marked(self.begin_mask, 1) { 0 } else { usize::try_from(*first).ok()? };
        let end = if is_marked(self.end_mask, 1) { None } else { Some(usize::try_from(*end).ok()?) };
        Some((first, end))
    }

    /// Returns first index, count and step of the values taken from dimension `at`, which is `dim` long.
    fn range(
        &self,
        at: usize,
        dim: usize,
        [begin, end, step]: [i64; 3],
    ) -> Result<[usize; 3], InterpreterError> {
        let step = usize::try_from(step).ok().filter(|step| *step > 0);
        let step = step.ok_or("a part that goes backwards is not supported")?;
        let is_marked = |mask: i32| mask >> at & 1 == 1;
        let from_end = |index: i64| if index < 0 { index.saturating_add(dim as i64) } else { index };
        let within = |index: i64| usize::try_from(from_end(index)).unwrap_or(0).min(dim);
        if is_marked(self.shrink_axis_mask) {
            let index = if is_marked(self.begin_mask) { 0 } else { from_end(begin) };
            let index = usize::try_from(index).ok().filter(|index| *index < dim);
            return Ok([index.ok_or_else(|| format!("index `{begin}` of {dim}"))?, 1, 1]);
        }
        let first = if is_marked(self.begin_mask) { 0 } else { within(begin) };
        let end = if is_marked(self.end_mask) { dim } else { within(end) };
        Ok([first, end.saturating_sub(first).div_ceil(step), step])
    }
}
