//! Parts of a tensor: SLICE and STRIDED_SLICE.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::walk;
use crate::infer::tflite::workspace::Scratch;

use super::{Call, Inputs};

/// SLICE: from `begin` so many in each dimension; -1 is all that are left.
pub fn run(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let (from, begin, sizes) = (inputs.get(0)?, inputs.get(1)?.as_shape()?, inputs.get(2)?.integers()?);
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

/// The values from `begin` on, `shape` many in each dimension.
pub fn part(from: &Tensor, begin: &[usize], shape: &Shape, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let is_within = |(at, begin): (usize, &usize)| {
        begin.checked_add(shape[at]).is_some_and(|end| end <= from.shape()[at])
    };
    if !begin.iter().enumerate().all(is_within) {
        return Err(format!("{shape:?} from {begin:?} is not within {:?}", from.shape()).into());
    }
    let strides = from.shape().strides();
    let base = begin.iter().zip(strides.iter()).map(|(begin, stride)| begin * stride).sum();
    copied(from, base, (shape, &strides), *shape, scratch)
}

/// A part that lies by `strides` from `base` on, in the dimensions `shape`. All of it is within `from`.
pub fn copied(
    from: &Tensor,
    base: usize,
    part: (&Shape, &Shape),
    shape: Shape,
    scratch: &mut Scratch,
) -> Result<Tensor, Fault> {
    let count = shape.count()?;
    // Rows cost more than their values, and values that lie apart a line of the cache each.
    let row = if part.1.last() == Some(&1) { part.0.last().copied().unwrap_or(1) } else { 1 };
    scratch.budget.work(&[count / row.max(1), 7])?;
    match from.data() {
        Data::Floats(values) => {
            let mut out = scratch.floats(count)?;
            if count > 0 {
                walk::copy_part(values, base, part, &mut out);
            }
            Tensor::of_floats(shape, out)
        }
        Data::Integers(values) => {
            let mut out = scratch.integers(count)?;
            if count > 0 {
                walk::copy_part(values, base, part, &mut out);
            }
            Tensor::of_integers(shape, out)
        }
        Data::List(_) => Err("a list has no parts".into()),
    }
}

/// STRIDED_SLICE. Bits of the masks are dimensions: where `begin` or `end` is not used, and where one index is picked.
#[derive(Debug, Clone, Copy)]
pub struct Strided {
    begin: i32,
    end: i32,
    picked: i32,
}

impl Strided {
    pub fn read(call: &Call) -> Result<Strided, Fault> {
        let mask = |slot| call.options.map_or(Ok(0), |options| options.i32(slot, 0));
        if mask(2)? != 0 || mask(3)? != 0 {
            return Err(call.unsupported("new or skipped dimensions"));
        }
        if call.options.map_or(Ok(false), |options| options.bool(5))? {
            return Err(call.unsupported("ends counted from the beginning"));
        }
        Ok(Strided { begin: mask(0)?, end: mask(1)?, picked: mask(4)? })
    }

    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let from = inputs.get(0)?;
        let given = [inputs.get(1)?.integers()?, inputs.get(2)?.integers()?, inputs.get(3)?.integers()?];
        let sliced = given[0].len();
        if sliced > from.dims().len() || given.iter().any(|of| of.len() != sliced) {
            return Err("a part has other dimensions than the whole".into());
        }
        let (mut shape, mut strides, mut kept) = (*from.shape(), from.shape().strides(), Shape::default());
        let mut base = 0;
        for (at, dim) in from.dims().iter().enumerate() {
            if at < sliced {
                let [first, count, step] = self.range(at, *dim, given.map(|of| of[at]))?;
                base += first * strides[at];
                // Only one value is taken where the step is that long.
                (shape[at], strides[at]) = (count, step.min(*dim) * strides[at]);
            }
            if at >= sliced || self.picked >> at & 1 == 0 {
                kept.push(shape[at])?;
            }
        }
        copied(from, base, (&shape, &strides), kept, scratch)
    }

    /// First column and end, if it takes all rows of two dimensions and columns side by side; no end is that of the tensor.
    pub fn columns(&self, [begin, end, step]: [&[i64]; 3]) -> Option<(usize, Option<usize>)> {
        let is_marked = |mask: i32, at: usize| mask >> at & 1 == 1;
        let ([rows, first], [_, end], [1, 1]) = (begin, end, step) else { return None };
        let has_all_rows = (is_marked(self.begin, 0) || *rows == 0) && is_marked(self.end, 0);
        if self.picked != 0 || !has_all_rows {
            return None;
        }
        let first = if is_marked(self.begin, 1) { 0 } else { usize::try_from(*first).ok()? };
        let end = if is_marked(self.end, 1) { None } else { Some(usize::try_from(*end).ok()?) };
        Some((first, end))
    }

    /// First, count and step of the values taken of dimension `at`, which is `dim` long.
    fn range(&self, at: usize, dim: usize, [begin, end, step]: [i64; 3]) -> Result<[usize; 3], Fault> {
        let step = usize::try_from(step).ok().filter(|step| *step > 0);
        let step = step.ok_or("a part that goes backwards is not supported")?;
        let is_marked = |mask: i32| mask >> at & 1 == 1;
        let from_end = |index: i64| if index < 0 { index.saturating_add(dim as i64) } else { index };
        let within = |index: i64| usize::try_from(from_end(index)).unwrap_or(0).min(dim);
        if is_marked(self.picked) {
            let index = if is_marked(self.begin) { 0 } else { from_end(begin) };
            let index = usize::try_from(index).ok().filter(|index| *index < dim);
            return Ok([index.ok_or_else(|| format!("index `{begin}` of {dim}"))?, 1, 1]);
        }
        let first = if is_marked(self.begin) { 0 } else { within(begin) };
        let end = if is_marked(self.end) { dim } else { within(end) };
        Ok([first, end.saturating_sub(first).div_ceil(step), step])
    }
}
