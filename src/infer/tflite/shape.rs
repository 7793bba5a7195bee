//! Tensor shape: at most eight dimensions, stored inline, with a value count that cannot overflow.

use std::ops::{Deref, DerefMut};

use super::error::InterpreterError;

/// More dimensions than any operator of the format takes.
pub const MAX_RANK: usize = 8;

/// Limit on every product of dimensions (zeros taken as one), so that index arithmetic cannot overflow.
const MAX_PRODUCT: usize = 1 << 31;

/// Dimensions of a tensor; `[]` is a single value.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    rank: usize,
    dims: [usize; MAX_RANK],
}

impl Shape {
    /// Creates a shape; more than eight dimensions are an error.
    pub fn from_dims(dims: &[usize]) -> Result<Shape, InterpreterError> {
        let mut shape = Shape { rank: dims.len(), dims: [0; MAX_RANK] };
        let kept = shape.dims.get_mut(..dims.len()).ok_or("it has more than eight dimensions")?;
        kept.copy_from_slice(dims);
        Ok(shape)
    }

    /// Converts signed numbers of the file or of a shape tensor; a negative one is an error.
    pub fn from_signed(dims: &[i64]) -> Result<Shape, InterpreterError> {
        let mut shape = Shape::from_dims(&[])?;
        for dim in dims {
            shape.push(usize::try_from(*dim).map_err(|_| format!("a dimension is `{dim}`"))?)?;
        }
        Ok(shape)
    }

    /// Appends a dimension; the ninth is an error.
    pub fn push(&mut self, dim: usize) -> Result<(), InterpreterError> {
        self.insert(self.rank, dim)
    }

    /// Inserts a dimension of length `dim` before position `at`; the ninth is an error.
    pub fn insert(&mut self, at: usize, dim: usize) -> Result<(), InterpreterError> {
        if self.rank == MAX_RANK || at > self.rank {
            return Err("it has more than eight dimensions".into());
        }
        self.dims.copy_within(at..self.rank, at + 1);
        self.dims[at] = dim;
        self.rank += 1;
        Ok(())
    }

    /// Removes the dimension `at`, whose length must be one.
    pub fn without(mut self, at: usize) -> Shape {
        self.dims.copy_within(at + 1..self.rank, at);
        self.rank -= 1;
        self.dims[self.rank] = 0;
        self
    }

    /// Replaces the length of one dimension.
    pub fn with(mut self, at: usize, dim: usize) -> Shape {
        self[at] = dim;
        self
    }

    /// Returns the number of values.
    pub fn count(&self) -> Result<usize, InterpreterError> {
        let grown = self.iter().try_fold(1usize, |product, dim| {
            product.checked_mul((*dim).max(1)).filter(|product| *product <= MAX_PRODUCT)
        });
        let grown = grown.ok_or(InterpreterError::Limit("elements"))?;
        Ok(if self.contains(&0) { 0 } else { grown })
    }

    /// Returns the row-major strides. The shape's count must have been checked.
    pub fn strides(&self) -> Shape {
        let mut strides = *self;
        let mut stride = 1;
        for at in (0..self.rank).rev() {
            strides[at] = stride;
            stride *= self[at].max(1);
        }
        strides
    }

    /// Returns the dimension that `axis` names; negative axes count from the end.
    pub fn resolve_axis(&self, axis: i64) -> Result<usize, InterpreterError> {
        resolve_axis(axis, self.rank)
    }

    /// Returns the number of blocks before dimension `at`, and the number of values in one step of it.
    pub fn outer_and_inner(&self, at: usize) -> (usize, usize) {
        (self[..at].iter().product(), self[at + 1..].iter().product())
    }

    /// Returns the dimensions as `[images, height, width, channels]`.
    pub fn as_nhwc(&self) -> Result<[usize; 4], InterpreterError> {
        <[usize; 4]>::try_from(&**self)
            .map_err(|_| format!("four dimensions are needed, not {self:?}").into())
    }
}

/// Returns the index that `axis` names among `rank` dimensions; negative axes count from the end.
pub fn resolve_axis(axis: i64, rank: usize) -> Result<usize, InterpreterError> {
    let counted = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    let found = usize::try_from(counted).ok().filter(|at| *at < rank);
    found.ok_or_else(|| InterpreterError::from(format!("axis `{axis}` of {rank} dimensions")))
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.dims[..self.rank]
    }
}

impl DerefMut for Shape {
    fn deref_mut(&mut self) -> &mut [usize] {
        &mut self.dims[..self.rank]
    }
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &**self)
    }
}
