//! The accumulators of aggregates over partials: many groups at a time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::domain::sums::{Means, Squares};
use crate::query::functions::single::{Groups, each_alone};
use crate::query::functions::{rms, sums, types};

/// Counts, added.
#[derive(Debug, Clone, Default)]
pub struct Counts(Vec<i64>);

impl Groups for Counts {
    fn grow(&mut self, total: usize) {
        self.0.resize(total.max(self.0.len()), 0);
    }
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let counts = values[0].as_primitive::<Int64Type>().values();
        for (i, group) in groups.iter().enumerate().filter(|(i, _)| types::passes(filter, *i)) {
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
        each_alone(Counts::default(), values, filter)
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}

/// Means of parts, weighed by their counts.
#[derive(Debug, Clone)]
pub struct MeanGroups {
    is_sum: bool,
    groups: Vec<Means>,
}

impl MeanGroups {
    /// Groups that end as sums, or as means.
    pub fn new(is_sum: bool) -> Self {
        Self { is_sum, groups: Vec::new() }
    }
}

impl Groups for MeanGroups {
    fn grow(&mut self, total: usize) {
        self.groups.resize(total.max(self.groups.len()), Means::default());
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
        let number = if self.is_sum { Means::sum } else { Means::mean };
        Ok(Arc::new(groups.iter().map(number).collect::<Float64Array>()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(sums::columns(&emit.take_needed(&mut self.groups)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        sums::merge(states, groups, &mut self.groups);
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        each_alone(MeanGroups::new(self.is_sum), values, filter)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Means>()
    }
}

/// Root mean squares of parts; otherwise as those of values.
#[derive(Debug, Clone, Default)]
pub struct Roots(rms::RmsGroups);

impl Groups for Roots {
    fn grow(&mut self, total: usize) {
        self.0.grow(total);
    }
}

impl GroupsAccumulator for Roots {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let squares: &mut Vec<Squares> = &mut self.0.0;
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
        each_alone(Roots::default(), values, filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// Each part with values: its group, its number, and of how many values that is.
fn for_each_part(
    values: &[ArrayRef],
    groups: &[usize],
    filter: Option<&BooleanArray>,
    mut add: impl FnMut(usize, f64, u64),
) {
    let counts = values[0].as_primitive::<Int64Type>().values();
    let numbers = values[1].as_primitive::<Float64Type>();
    for (i, group) in groups.iter().enumerate() {
        if counts[i] > 0 && numbers.is_valid(i) && types::passes(filter, i) {
            add(*group, numbers.value(i), counts[i] as u64);
        }
    }
}
