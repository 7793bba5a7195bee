//! The aggregates over partials: counts are added up, means and root mean squares are weighted by their counts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::datatypes::{Float64Type, Int64Type};

use crate::domain::summation::{MeanState, RmsState};
use crate::query::functions::arg_types;
use crate::query::functions::rms::RmsOfValues;
use crate::query::functions::state_groups::{GroupState, StateAggregate};

/// Adds up counts.
#[derive(Debug, Clone)]
pub struct CountOfPartials;

impl GroupState for i64 {
    fn into_columns(states: Vec<Self>) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::from(states))]
    }

    fn merge_columns(states: &mut [Self], columns: &[ArrayRef], groups: &[usize]) {
        CountOfPartials::update(states, columns, groups, None);
    }
}

impl StateAggregate for CountOfPartials {
    type State = i64;

    fn update(states: &mut [i64], values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) {
        let counts = values[0].as_primitive::<Int64Type>().values();
        for (i, group) in groups.iter().enumerate().filter(|(i, _)| arg_types::passes(filter, *i)) {
            states[*group] += counts[i];
        }
    }

    fn evaluate(states: Vec<i64>) -> ArrayRef {
        Arc::new(Int64Array::from(states))
    }
}

/// Combines means, weighted by their counts, to their mean or with `IS_SUM` to their sum.
#[derive(Debug, Clone)]
pub struct MeanOfPartials<const IS_SUM: bool>;

impl<const IS_SUM: bool> StateAggregate for MeanOfPartials<IS_SUM> {
    type State = MeanState;

    fn update(
        states: &mut [MeanState],
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) {
        for_each_part(values, groups, filter, |group, mean, count| states[group].add_many(mean, count));
    }

    fn evaluate(states: Vec<MeanState>) -> ArrayRef {
        let number = if IS_SUM { MeanState::sum } else { MeanState::mean };
        Arc::new(states.iter().map(number).collect::<Float64Array>())
    }
}

/// Combines root mean squares.
#[derive(Debug, Clone)]
pub struct RmsOfPartials;

impl StateAggregate for RmsOfPartials {
    type State = RmsState;

    fn update(states: &mut [RmsState], values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) {
        for_each_part(values, groups, filter, |group, rms, count| states[group].add_many(rms, count));
    }

    fn evaluate(states: Vec<RmsState>) -> ArrayRef {
        RmsOfValues::evaluate(states)
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
