//! State columns of aggregates with a count and compensated sums: one column for the count, two for each sum.

use std::array;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};

use super::state_groups::GroupState;
use crate::domain::summation::{CompensatedSum, MeanState, RmsState};

/// A state of a count and `N` sums.
trait SumState<const N: usize>: Sized {
    fn parts(&self) -> (u64, [CompensatedSum; N]);
    fn from_parts(count: u64, sums: [CompensatedSum; N]) -> Self;
    /// Adds the values of another group.
    fn merge(&mut self, other: &Self);
}

impl SumState<2> for MeanState {
    fn parts(&self) -> (u64, [CompensatedSum; 2]) {
        (self.count, [self.large, self.middle])
    }

    fn from_parts(count: u64, [large, middle]: [CompensatedSum; 2]) -> Self {
        MeanState { count, large, middle }
    }

    fn merge(&mut self, other: &Self) {
        MeanState::merge(self, other);
    }
}

impl SumState<3> for RmsState {
    fn parts(&self) -> (u64, [CompensatedSum; 3]) {
        (self.count, [self.large, self.middle, self.small])
    }

    fn from_parts(count: u64, [large, middle, small]: [CompensatedSum; 3]) -> Self {
        RmsState { count, large, middle, small }
    }

    fn merge(&mut self, other: &Self) {
        RmsState::merge(self, other);
    }
}

impl GroupState for MeanState {
    fn into_columns(states: Vec<Self>) -> Vec<ArrayRef> {
        columns::<2, _>(&states)
    }

    fn merge_columns(states: &mut [Self], columns: &[ArrayRef], groups: &[usize]) {
        merge::<2, _>(states, columns, groups);
    }
}

impl GroupState for RmsState {
    fn into_columns(states: Vec<Self>) -> Vec<ArrayRef> {
        columns::<3, _>(&states)
    }

    fn merge_columns(states: &mut [Self], columns: &[ArrayRef], groups: &[usize]) {
        merge::<3, _>(states, columns, groups);
    }
}

/// Returns the state fields of the aggregate `name` with `N` sums.
pub fn fields<const N: usize>(name: &str) -> Vec<FieldRef> {
    let field = |part: &str, kind| Arc::new(Field::new(format!("{name}[{part}]"), kind, true));
    let sums = ["large", "middle", "small"].into_iter().take(N);
    let sums = sums.flat_map(|part| [part.to_owned(), format!("{part} rest")]);
    let sums = sums.map(|part| field(&part, DataType::Float64));
    std::iter::once(field("count", DataType::UInt64)).chain(sums).collect()
}

/// Converts states to columns in the order of `fields`.
fn columns<const N: usize, T: SumState<N>>(groups: &[T]) -> Vec<ArrayRef> {
    let counts: ArrayRef = Arc::new(UInt64Array::from_iter_values(groups.iter().map(|g| g.parts().0)));
    let floats = |n: usize, get: fn(CompensatedSum) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(groups.iter().map(|g| get(g.parts().1[n]))))
    };
    let sums = (0..N).flat_map(|n| [floats(n, |s| s.sum), floats(n, |s| s.compensation)]);
    std::iter::once(counts).chain(sums).collect()
}

/// Merges the rows of such columns into the states of their groups.
fn merge<const N: usize, T: SumState<N>>(states: &mut [T], columns: &[ArrayRef], groups: &[usize]) {
    let counts = columns[0].as_primitive::<UInt64Type>();
    let column = |c: usize| columns[c].as_primitive::<Float64Type>();
    let sums: [_; N] = array::from_fn(|n| (column(1 + 2 * n), column(2 + 2 * n)));
    for (i, group) in groups.iter().enumerate().filter(|(i, _)| counts.is_valid(*i)) {
        let sums = sums.map(|(sum, rest)| CompensatedSum { sum: sum.value(i), compensation: rest.value(i) });
        states[*group].merge(&T::from_parts(counts.value(i), sums));
    }
}
