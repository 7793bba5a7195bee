//! Tensors: values with dimensions, as model inputs, outputs and intermediate results.

use std::sync::Arc;

use super::error::{InterpreterError, RunError};
use super::shape::Shape;

/// Values in row-major order with their dimensions. The number of values always matches the dimensions.
#[derive(Debug, Clone)]
pub struct Tensor {
    shape: Shape,
    data: TensorData,
}

/// The three kinds of values at run time. Quantised numbers are held as the real numbers they stand for.
#[derive(Debug, Clone)]
pub enum TensorData {
    /// Real numbers, in row-major order.
    Floats(Vec<f32>),
    /// Integers of every width, and booleans as 0 and 1.
    Integers(Vec<i64>),
    /// A list of tensors, with places not yet set. It has no dimensions.
    List(Vec<Option<Arc<Tensor>>>),
}

impl Tensor {
    /// Creates a tensor of real numbers in row-major order. Fails if their number does not match `dims`.
    pub fn from_floats(dims: &[usize], data: Vec<f32>) -> Result<Tensor, RunError> {
        let len = data.len();
        let made = Shape::from_dims(dims).and_then(|shape| Tensor::new(shape, TensorData::Floats(data)));
        made.map_err(|_| RunError::Values { dims: dims.to_vec(), len })
    }

    /// Returns the length of each dimension, the outermost first; empty for a single value.
    pub fn dims(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the real numbers; `None` for integers.
    pub fn as_floats(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::Floats(values) => Some(values),
            _ => None,
        }
    }

    /// Returns the real numbers by value.
    pub fn into_floats(self) -> Option<Vec<f32>> {
        match self.data {
            TensorData::Floats(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn new(shape: Shape, data: TensorData) -> Result<Tensor, InterpreterError> {
        let len = match &data {
            TensorData::Floats(values) => values.len(),
            TensorData::Integers(values) => values.len(),
            TensorData::List(_) => shape.count()?,
        };
        if shape.count()? != len {
            return Err(format!("{len} values do not fill {shape:?}").into());
        }
        Ok(Tensor { shape, data })
    }

    pub(super) fn new_floats(shape: Shape, values: Vec<f32>) -> Result<Tensor, InterpreterError> {
        Tensor::new(shape, TensorData::Floats(values))
    }

    pub(super) fn new_integers(shape: Shape, values: Vec<i64>) -> Result<Tensor, InterpreterError> {
        Tensor::new(shape, TensorData::Integers(values))
    }

    pub(super) fn new_list(items: Vec<Option<Arc<Tensor>>>) -> Tensor {
        Tensor { shape: Shape::default(), data: TensorData::List(items) }
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(super) fn data(&self) -> &TensorData {
        &self.data
    }

    /// Changes the dimensions; the number of values must stay.
    pub(super) fn reshape(&mut self, shape: Shape) -> Result<(), InterpreterError> {
        if self.shape.count()? != shape.count()? {
            return Err(format!("{:?} cannot be {shape:?}", self.shape).into());
        }
        self.shape = shape;
        Ok(())
    }

    pub(super) fn into_data(self) -> TensorData {
        self.data
    }

    pub(super) fn as_floats_mut(&mut self) -> Option<&mut [f32]> {
        match &mut self.data {
            TensorData::Floats(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn require_list_mut(&mut self) -> Result<&mut [Option<Arc<Tensor>>], InterpreterError> {
        match &mut self.data {
            TensorData::List(items) => Ok(items),
            _ => Err("a list of tensors is needed".into()),
        }
    }

    pub(super) fn require_floats(&self) -> Result<&[f32], InterpreterError> {
        self.as_floats().ok_or_else(|| "real numbers are needed".into())
    }

    pub(super) fn require_integers(&self) -> Result<&[i64], InterpreterError> {
        match &self.data {
            TensorData::Integers(values) => Ok(values),
            _ => Err("integers are needed".into()),
        }
    }

    /// Returns the first integer: for axes, counters, conditions.
    pub(super) fn first_integer(&self) -> Result<i64, InterpreterError> {
        self.require_integers()?.first().copied().ok_or_else(|| "an integer is needed".into())
    }

    /// Returns the integers as dimensions.
    pub(super) fn as_shape(&self) -> Result<Shape, InterpreterError> {
        Shape::from_signed(self.require_integers()?)
    }

    /// Returns the memory size in bytes; a list's items are counted by their producers.
    pub(super) fn memory_bytes(&self) -> usize {
        let values = match &self.data {
            TensorData::Floats(values) => values.capacity() * size_of::<f32>(),
            TensorData::Integers(values) => values.capacity() * size_of::<i64>(),
            TensorData::List(items) => items.capacity() * size_of::<Option<Arc<Tensor>>>(),
        };
        size_of::<Tensor>() + values
    }

    /// Frees spare capacity.
    pub(super) fn shrink_to_fit(&mut self) {
        match &mut self.data {
            TensorData::Floats(values) => values.shrink_to_fit(),
            TensorData::Integers(values) => values.shrink_to_fit(),
            TensorData::List(items) => items.shrink_to_fit(),
        }
    }

    /// Returns the number of values; the items of a list are counted for each place.
    pub(super) fn element_count(&self) -> usize {
        match &self.data {
            TensorData::Floats(values) => values.len(),
            TensorData::Integers(values) => values.len(),
            TensorData::List(items) => {
                items.iter().map(|item| 1 + item.as_ref().map_or(0, |item| item.element_count())).sum()
            }
        }
    }
}
