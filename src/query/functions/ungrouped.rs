//! `Accumulator` for an aggregate that is implemented as a `GroupsAccumulator`: it keeps one group.

use std::fmt::Debug;

use arrow::array::ArrayRef;
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

/// A group accumulator that can be grown without input.
pub trait GrowableGroups: GroupsAccumulator + Clone + Debug + Sync {
    /// Adds empty groups up to `total`.
    fn grow(&mut self, total: usize);
}

/// A single group of `G`.
#[derive(Debug)]
pub struct UngroupedAccumulator<G> {
    groups: G,
    /// The group of each row of a batch: always the first.
    zeros: Vec<usize>,
}

impl<G: GrowableGroups> UngroupedAccumulator<G> {
    /// Creates the accumulator of one empty group.
    pub fn new(mut groups: G) -> Self {
        groups.grow(1);
        Self { groups, zeros: Vec::new() }
    }

    fn zeros(&mut self, columns: &[ArrayRef]) {
        self.zeros.resize(columns.first().map_or(0, |column| column.len()), 0);
    }
}

impl<G: GrowableGroups> Accumulator for UngroupedAccumulator<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.zeros(values);
        self.groups.update_batch(values, &self.zeros, None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.zeros(states);
        self.groups.merge_batch(states, &self.zeros, 1)
    }

    /// Evaluates a copy: window functions evaluate repeatedly.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.groups.clone().evaluate(EmitTo::All)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let columns = self.groups.clone().state(EmitTo::All)?;
        columns.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.groups.size() + self.zeros.capacity() * size_of::<usize>()
    }
}
