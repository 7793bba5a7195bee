//! Dimensions of a tensor, kept in place: at most eight of them, and a count of values that never overflows.

use std::ops::{Deref, DerefMut};

use super::error::Fault;

/// More dimensions than any operator of the format takes.
pub const MAX_RANK: usize = 8;

/// Bounds every product of dimensions (zeros taken as one), so that index arithmetic cannot overflow.
const MAX_PRODUCT: usize = 1 << 31;

/// The dimensions; `[]` is a single value.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    rank: usize,
    dims: [usize; MAX_RANK],
}

impl Shape {
    pub fn of(dims: &[usize]) -> Result<Shape, Fault> {
        let mut shape = Shape { rank: dims.len(), dims: [0; MAX_RANK] };
        let kept = shape.dims.get_mut(..dims.len()).ok_or("it has more than eight dimensions")?;
        kept.copy_from_slice(dims);
        Ok(shape)
    }

    /// From signed numbers of the file or of a shape tensor; a negative one is an error.
    pub fn of_signed(dims: &[i64]) -> Result<Shape, Fault> {
        let mut shape = Shape::of(&[])?;
        for dim in dims {
            shape.push(usize::try_from(*dim).map_err(|_| format!("a dimension is `{dim}`"))?)?;
        }
        Ok(shape)
    }

    pub fn push(&mut self, dim: usize) -> Result<(), Fault> {
        self.insert(self.rank, dim)
    }

    pub fn insert(&mut self, at: usize, dim: usize) -> Result<(), Fault> {
        if self.rank == MAX_RANK || at > self.rank {
            return Err("it has more than eight dimensions".into());
        }
        self.dims.copy_within(at..self.rank, at + 1);
        self.dims[at] = dim;
        self.rank += 1;
        Ok(())
    }

    /// Without the dimension `at`, which must be one.
    pub fn without(mut self, at: usize) -> Shape {
        self.dims.copy_within(at + 1..self.rank, at);
        self.rank -= 1;
        self.dims[self.rank] = 0;
        self
    }

    /// The same with another length in one dimension.
    pub fn with(mut self, at: usize, dim: usize) -> Shape {
        self[at] = dim;
        self
    }

    /// How many values it has.
    pub fn count(&self) -> Result<usize, Fault> {
        let grown = self.iter().try_fold(1usize, |product, dim| {
            product.checked_mul((*dim).max(1)).filter(|product| *product <= MAX_PRODUCT)
        });
        let grown = grown.ok_or(Fault::Limit("elements"))?;
        Ok(if self.contains(&0) { 0 } else { grown })
    }

    /// Distance between neighbours in each dimension, the last lying side by side. For counted shapes.
    pub fn strides(&self) -> Shape {
        let mut strides = *self;
        let mut stride = 1;
        for at in (0..self.rank).rev() {
            strides[at] = stride;
            stride *= self[at].max(1);
        }
        strides
    }

    /// The dimension that `axis` names, counted from the end where it is negative.
    pub fn axis(&self, axis: i64) -> Result<usize, Fault> {
        axis_of(axis, self.rank)
    }

    /// How many blocks lie before dimension `at`, and how many values one step of it has.
    pub fn around(&self, at: usize) -> (usize, usize) {
        (self[..at].iter().product(), self[at + 1..].iter().product())
    }

    /// As `[images, height, width, channels]`.
    pub fn image(&self) -> Result<[usize; 4], Fault> {
        <[usize; 4]>::try_from(&**self)
            .map_err(|_| format!("four dimensions are needed, not {self:?}").into())
    }
}

/// The index that `axis` names among `rank` dimensions, counted from the end where it is negative.
pub fn axis_of(axis: i64, rank: usize) -> Result<usize, Fault> {
    let counted = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    let found = usize::try_from(counted).ok().filter(|at| *at < rank);
    found.ok_or_else(|| Fault::from(format!("axis `{axis}` of {rank} dimensions")))
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
