//! Values with dimensions: what goes into a model, comes out of it, and passes between its operators.

use std::sync::Arc;

use super::error::{Fault, RunError};
use super::shape::Shape;

/// Values and their dimensions, the last dimension lying side by side. There are always as many values as dimensions say.
#[derive(Debug, Clone)]
pub struct Tensor {
    shape: Shape,
    data: Data,
}

/// The three kinds of values a model has at run time. Quantised numbers are held as the real numbers they stand for.
#[derive(Debug, Clone)]
pub enum Data {
    Floats(Vec<f32>),
    /// Every kind of integer, and truth values as 0 and 1.
    Integers(Vec<i64>),
    /// A list of tensors, with places not yet set. It has no dimensions.
    List(Vec<Option<Arc<Tensor>>>),
}

impl Tensor {
    /// Real numbers in `dims`, the last dimension side by side. An error if they are not as many as `dims` say.
    pub fn floats(dims: &[usize], data: Vec<f32>) -> Result<Tensor, RunError> {
        let len = data.len();
        let made = Shape::of(dims).and_then(|shape| Tensor::new(shape, Data::Floats(data)));
        made.map_err(|_| RunError::Values { dims: dims.to_vec(), len })
    }

    pub fn dims(&self) -> &[usize] {
        &self.shape
    }

    /// The real numbers; `None` where the model gives integers.
    pub fn values(&self) -> Option<&[f32]> {
        match &self.data {
            Data::Floats(values) => Some(values),
            _ => None,
        }
    }

    /// The real numbers, taken out.
    pub fn into_values(self) -> Option<Vec<f32>> {
        match self.data {
            Data::Floats(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn new(shape: Shape, data: Data) -> Result<Tensor, Fault> {
        let len = match &data {
            Data::Floats(values) => values.len(),
            Data::Integers(values) => values.len(),
            Data::List(_) => shape.count()?,
        };
        if shape.count()? != len {
            return Err(format!("{len} values do not fill {shape:?}").into());
        }
        Ok(Tensor { shape, data })
    }

    pub(super) fn of_floats(shape: Shape, values: Vec<f32>) -> Result<Tensor, Fault> {
        Tensor::new(shape, Data::Floats(values))
    }

    pub(super) fn of_integers(shape: Shape, values: Vec<i64>) -> Result<Tensor, Fault> {
        Tensor::new(shape, Data::Integers(values))
    }

    pub(super) fn of_list(items: Vec<Option<Arc<Tensor>>>) -> Tensor {
        Tensor { shape: Shape::default(), data: Data::List(items) }
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    /// The same values in other dimensions, which are as many.
    pub(super) fn reshape(&mut self, shape: Shape) -> Result<(), Fault> {
        if self.shape.count()? != shape.count()? {
            return Err(format!("{:?} cannot be {shape:?}", self.shape).into());
        }
        self.shape = shape;
        Ok(())
    }

    pub(super) fn into_data(self) -> Data {
        self.data
    }

    pub(super) fn floats_mut(&mut self) -> Option<&mut [f32]> {
        match &mut self.data {
            Data::Floats(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn list_mut(&mut self) -> Result<&mut [Option<Arc<Tensor>>], Fault> {
        match &mut self.data {
            Data::List(items) => Ok(items),
            _ => Err("a list of tensors is needed".into()),
        }
    }

    pub(super) fn reals(&self) -> Result<&[f32], Fault> {
        self.values().ok_or_else(|| "real numbers are needed".into())
    }

    pub(super) fn integers(&self) -> Result<&[i64], Fault> {
        match &self.data {
            Data::Integers(values) => Ok(values),
            _ => Err("integers are needed".into()),
        }
    }

    /// The first of its integers: axes, counters, conditions.
    pub(super) fn integer(&self) -> Result<i64, Fault> {
        self.integers()?.first().copied().ok_or_else(|| "an integer is needed".into())
    }

    /// Its integers as dimensions.
    pub(super) fn as_shape(&self) -> Result<Shape, Fault> {
        Shape::of_signed(self.integers()?)
    }

    /// Bytes it takes in memory; a list's items are counted with whoever made them.
    pub(super) fn bytes(&self) -> usize {
        let values = match &self.data {
            Data::Floats(values) => values.capacity() * size_of::<f32>(),
            Data::Integers(values) => values.capacity() * size_of::<i64>(),
            Data::List(items) => items.capacity() * size_of::<Option<Arc<Tensor>>>(),
        };
        size_of::<Tensor>() + values
    }

    /// Gives back room for values that are not there.
    pub(super) fn shrink(&mut self) {
        match &mut self.data {
            Data::Floats(values) => values.shrink_to_fit(),
            Data::Integers(values) => values.shrink_to_fit(),
            Data::List(items) => items.shrink_to_fit(),
        }
    }

    /// How many values it holds, those of its list's items counted for each place.
    pub(super) fn weight(&self) -> usize {
        match &self.data {
            Data::Floats(values) => values.len(),
            Data::Integers(values) => values.len(),
            Data::List(items) => {
                items.iter().map(|item| 1 + item.as_ref().map_or(0, |item| item.weight())).sum()
            }
        }
    }
}
