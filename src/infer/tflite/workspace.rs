//! What a run needs beside the model: buffers that the next run uses again, frames of subgraphs, the account of limits.

use std::sync::Arc;

use super::error::Fault;
use super::limits::Budget;
use super::tensor::{Data, Tensor};

/// Memory of one runner, kept between its runs. It holds buffers, never values: every run begins from nothing.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(super) scratch: Scratch,
    pub(super) frames: Vec<Frame>,
}

/// The values of one subgraph while it runs, by number of tensor.
pub(super) type Frame = Vec<Option<Arc<Tensor>>>;

impl Workspace {
    pub fn new() -> Workspace {
        Workspace::default()
    }
}

/// Buffers by size, and what is left of the limits.
#[derive(Debug, Default)]
pub struct Scratch {
    floats: Pool<f32>,
    integers: Pool<i64>,
    pub(super) budget: Budget,
}

impl Scratch {
    /// An empty buffer for `count` real numbers, charged as work.
    pub(super) fn floats(&mut self, count: usize) -> Result<Vec<f32>, Fault> {
        self.budget.check(count)?;
        self.budget.work(&[count])?;
        Ok(self.floats.take(count))
    }

    /// As many zeros.
    pub(super) fn zeros(&mut self, count: usize) -> Result<Vec<f32>, Fault> {
        let mut zeros = self.floats(count)?;
        zeros.resize(count, 0.0);
        Ok(zeros)
    }

    /// An empty buffer for `count` integers, charged as work.
    pub(super) fn integers(&mut self, count: usize) -> Result<Vec<i64>, Fault> {
        self.budget.check(count)?;
        self.budget.work(&[count])?;
        Ok(self.integers.take(count))
    }

    pub(super) fn give(&mut self, buffer: Vec<f32>) {
        self.floats.give(buffer);
    }

    /// Takes the buffer of a value that nobody else holds.
    pub(super) fn recycle(&mut self, value: Arc<Tensor>) {
        match Arc::into_inner(value).map(Tensor::into_data) {
            Some(Data::Floats(buffer)) => self.floats.give(buffer),
            Some(Data::Integers(buffer)) => self.integers.give(buffer),
            Some(Data::List(items)) => items.into_iter().flatten().for_each(|item| self.recycle(item)),
            None => {}
        }
    }
}

/// Empty buffers; those in place `k` have room for at least 2^k items.
#[derive(Debug)]
struct Pool<T> {
    by_size: [Vec<Vec<T>>; 32],
    /// Items all of them have room for.
    held: usize,
}

/// More than this, in items, is given back to the allocator: a workspace at rest has at most 48 MiB.
const HELD: usize = 4 << 20;

impl<T> Default for Pool<T> {
    fn default() -> Pool<T> {
        Pool { by_size: std::array::from_fn(|_| Vec::new()), held: 0 }
    }
}

impl<T> Pool<T> {
    fn take(&mut self, count: usize) -> Vec<T> {
        let rounded = count.max(1).next_power_of_two();
        let size = rounded.trailing_zeros() as usize;
        match self.by_size.get_mut(size).and_then(Vec::pop) {
            Some(buffer) => {
                self.held -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(rounded),
        }
    }

    fn give(&mut self, mut buffer: Vec<T>) {
        buffer.clear();
        let capacity = buffer.capacity();
        let Some(size) = capacity.checked_ilog2() else { return };
        if self.held + capacity > HELD {
            return;
        }
        if let Some(kept) = self.by_size.get_mut(size as usize) {
            self.held += capacity;
            kept.push(buffer);
        }
    }
}
