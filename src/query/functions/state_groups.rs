//! Group accumulator for aggregates whose groups each have a state of fixed size. An aggregate says how rows change a
//! state and what a state evaluates to; everything else is the same for all of them.

use std::fmt::Debug;

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::ungrouped::GrowableGroups;

/// The state of one group.
pub trait GroupState: Clone + Default + Debug + Send + Sync + 'static {
    /// Converts states to columns, one row for each group.
    fn into_columns(states: Vec<Self>) -> Vec<ArrayRef>;

    /// Merges the rows of such columns into the states of their groups.
    fn merge_columns(states: &mut [Self], columns: &[ArrayRef], groups: &[usize]);
}

/// An aggregate over states. Its functions take whole batches, so that no call is made per value.
pub trait StateAggregate: Clone + Debug + Send + Sync + 'static {
    type State: GroupState;

    /// Adds rows to the states of their groups. Rows for which `filter` is not true are left out.
    fn update(
        states: &mut [Self::State],
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    );

    /// Returns the result of each group.
    fn evaluate(states: Vec<Self::State>) -> ArrayRef;
}

/// The groups of an aggregate.
#[derive(Debug, Clone)]
pub struct StateGroups<A: StateAggregate>(Vec<A::State>);

impl<A: StateAggregate> Default for StateGroups<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A: StateAggregate> GrowableGroups for StateGroups<A> {
    fn grow(&mut self, total: usize) {
        self.0.resize(total.max(self.0.len()), A::State::default());
    }
}

impl<A: StateAggregate> GroupsAccumulator for StateGroups<A> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        A::update(&mut self.0, values, groups, filter);
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(A::evaluate(emit.take_needed(&mut self.0)))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(A::State::into_columns(emit.take_needed(&mut self.0)))
    }

    fn merge_batch(&mut self, columns: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        A::State::merge_columns(&mut self.0, columns, groups);
        Ok(())
    }

    /// Makes a group of each row.
    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows: Vec<usize> = (0..values[0].len()).collect();
        let mut groups = Self::default();
        groups.update_batch(values, &rows, filter, rows.len())?;
        groups.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<A::State>()
    }
}
