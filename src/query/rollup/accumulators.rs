//! Group accumulators of the aggregates over partials.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::domain::summation::{MeanState, RmsState};
use crate::query::functions::ungrouped::{GrowableGroups, states_of_single_rows};
use crate::query::functions::{arg_types, rms, sum_state};

/// Adds up counts.
#[derive(Debug, Clone, Default)]
pub struct CountGroups(Vec<i64>);

impl GrowableGroups for CountGroups {
    fn grow(&mut self, total: usize) {
        self.0.resize(total.max(self.0.len()), 0);
    }
}

impl GroupsAccumulator for CountGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let counts = values[0].as_primitive::<Int64Type>().values();
        for (i, group) in groups.iter().enumerate().filter(|(i, _)| arg_types::passes(filter, *i)) {
            self.0[*group] += counts[i];
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit.take_needed(&mut self.0))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(states, groups, None, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        states_of_single_rows(CountGroups::default(), values, filter)
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}

/// Averages means, weighted by their counts.
#[derive(Debug, Clone)]
pub struct MeanGroups {
    is_sum: bool,
    groups: Vec<MeanState>,
}

impl MeanGroups {
    /// Creates groups that evaluate to sums, or else to means.
    pub fn new(is_sum: bool) -> Self {
        Self { is_sum, groups: Vec::new() }
    }
}

impl GrowableGroups for MeanGroups {
    fn grow(&mut self, total: usize) {
        self.groups.resize(total.max(self.groups.len()), MeanState::default());
    }
}

impl GroupsAccumulator for MeanGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        for_each_part(values, groups, filter, |group, mean, count| self.groups[group].add_many(mean, count));
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = emit.take_needed(&mut self.groups);
        let number = if self.is_sum { MeanState::sum } else { MeanState::mean };
        Ok(Arc::new(groups.iter().map(number).collect::<Float64Array>()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(sum_state::columns(&emit.take_needed(&mut self.groups)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        sum_state::merge(states, groups, &mut self.groups);
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        states_of_single_rows(MeanGroups::new(self.is_sum), values, filter)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<MeanState>()
    }
}

/// Combines root mean squares of partials; otherwise equal to the accumulator over values.
#[derive(Debug, Clone, Default)]
pub struct RmsPartialGroups(rms::RmsGroups);

impl GrowableGroups for RmsPartialGroups {
    fn grow(&mut self, total: usize) {
        self.0.grow(total);
    }
}

impl GroupsAccumulator for RmsPartialGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let squares: &mut Vec<RmsState> = &mut self.0.0;
        for_each_part(values, groups, filter, |group, rms, count| squares[group].add_many(rms, count));
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        self.0.evaluate(emit)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.state(emit)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.0.merge_batch(states, groups, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        states_of_single_rows(RmsPartialGroups::default(), values, filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// Calls `add` for each partial with values: with its group, its number, and its count of values.
fn for_each_part(
    values: &[ArrayRef],
    groups: &[usize],
    filter: Option<&BooleanArray>,
    mut add: impl FnMut(usize, f64, u64),
) {
    let counts = values[0].as_primitive::<Int64Type>().values();
    let numbers = values[1].as_primitive::<Float64Type>();
    for (i, group) in groups.iter().enumerate() {
        if counts[i] > 0 && numbers.is_valid(i) && arg_types::passes(filter, i) {
            add(*group, numbers.value(i), counts[i] as u64);
        }
    }
}
