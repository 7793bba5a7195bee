//! Workspace of a run: reusable buffers, frames of subgraphs, and the remaining limits.

use std::sync::Arc;

use super::error::InterpreterError;
use super::limits::ResourceBudget;
use super::tensor::{Tensor, TensorData};

/// Memory of one runner, kept between runs. It holds buffers, never values: every run starts without state.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(super) scratch: Scratch,
    pub(super) frames: Vec<Frame>,
}

/// Values of one subgraph while it runs, by tensor number.
pub(super) type Frame = Vec<Option<Arc<Tensor>>>;

impl Workspace {
    /// Creates an empty workspace; buffers are allocated by the first run.
    pub fn new() -> Workspace {
        Workspace::default()
    }
}

/// Buffers by size, and the remaining limits.
#[derive(Debug, Default)]
pub struct Scratch {
    floats: BufferPool<f32>,
    integers: BufferPool<i64>,
    pub(super) budget: ResourceBudget,
}

impl Scratch {
    /// Returns an empty buffer for `count` real numbers and charges it as work.
    pub(super) fn floats(&mut self, count: usize) -> Result<Vec<f32>, InterpreterError> {
        self.budget.check_elements(count)?;
        self.budget.charge_work(&[count])?;
        Ok(self.floats.take(count))
    }

    /// Returns a buffer of `count` zeros and charges it as work.
    pub(super) fn zeros(&mut self, count: usize) -> Result<Vec<f32>, InterpreterError> {
        let mut zeros = self.floats(count)?;
        zeros.resize(count, 0.0);
        Ok(zeros)
    }

    /// Returns an empty buffer for `count` integers and charges it as work.
    pub(super) fn integers(&mut self, count: usize) -> Result<Vec<i64>, InterpreterError> {
        self.budget.check_elements(count)?;
        self.budget.charge_work(&[count])?;
        Ok(self.integers.take(count))
    }

    pub(super) fn recycle_floats(&mut self, buffer: Vec<f32>) {
        self.floats.put(buffer);
    }

    /// Takes back the buffer of a value that is not shared.
    pub(super) fn recycle(&mut self, value: Arc<Tensor>) {
        match Arc::into_inner(value).map(Tensor::into_data) {
            Some(TensorData::Floats(buffer)) => self.floats.put(buffer),
            Some(TensorData::Integers(buffer)) => self.integers.put(buffer),
            Some(TensorData::List(items)) => items.into_iter().flatten().for_each(|item| self.recycle(item)),
            None => {}
        }
    }
}

/// Empty buffers; those at index `k` have room for at least 2^k items.
#[derive(Debug)]
struct BufferPool<T> {
    by_size: [Vec<Vec<T>>; 32],
    /// Total capacity of the pooled buffers, in items.
    pooled_items: usize,
}

/// Capacity in items above which buffers are freed: an idle workspace holds at most 48 MiB.
const MAX_POOLED_ITEMS: usize = 4 << 20;

impl<T> Default for BufferPool<T> {
    fn default() -> BufferPool<T> {
        BufferPool { by_size: std::array::from_fn(|_| Vec::new()), pooled_items: 0 }
    }
}

impl<T> BufferPool<T> {
    fn take(&mut self, count: usize) -> Vec<T> {
        let rounded = count.max(1).next_power_of_two();
        let size = rounded.trailing_zeros() as usize;
        match self.by_size.get_mut(size).and_then(Vec::pop) {
            Some(buffer) => {
                self.pooled_items -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(rounded),
        }
    }

    fn put(&mut self, mut buffer: Vec<T>) {
        buffer.clear();
        let capacity = buffer.capacity();
        let Some(size) = capacity.checked_ilog2() else { return };
        if self.pooled_items + capacity > MAX_POOLED_ITEMS {
            return;
        }
        if let Some(kept) = self.by_size.get_mut(size as usize) {
            self.pooled_items += capacity;
            kept.push(buffer);
        }
    }
}
