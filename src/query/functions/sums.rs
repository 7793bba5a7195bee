//! The states of aggregates that are a count and some sums, as columns: one of counts, two of each sum.

use std::array;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};

use crate::domain::sums::{Means, Squares, Sum};

/// A group whose state is a count and `N` sums.
pub trait Sums<const N: usize>: Sized {
    fn parts(&self) -> (u64, [Sum; N]);
    fn of(count: u64, sums: [Sum; N]) -> Self;
    /// Adds the values of another group.
    fn merge(&mut self, other: &Self);
}

impl Sums<2> for Means {
    fn parts(&self) -> (u64, [Sum; 2]) {
        (self.count, [self.large, self.middle])
    }

    fn of(count: u64, [large, middle]: [Sum; 2]) -> Self {
        Means { count, large, middle }
    }

    fn merge(&mut self, other: &Self) {
        Means::merge(self, other);
    }
}

impl Sums<3> for Squares {
    fn parts(&self) -> (u64, [Sum; 3]) {
        (self.count, [self.large, self.middle, self.small])
    }

    fn of(count: u64, [large, middle, small]: [Sum; 3]) -> Self {
        Squares { count, large, middle, small }
    }

    fn merge(&mut self, other: &Self) {
        Squares::merge(self, other);
    }
}

/// The columns of the state of an aggregate called `name` over `N` sums.
pub fn fields<const N: usize>(name: &str) -> Vec<FieldRef> {
    let field = |part: &str, kind| Arc::new(Field::new(format!("{name}[{part}]"), kind, true));
    let sums = ["large", "middle", "small"].into_iter().take(N);
    let sums = sums.flat_map(|part| [part.to_owned(), format!("{part} rest")]);
    let sums = sums.map(|part| field(&part, DataType::Float64));
    std::iter::once(field("count", DataType::UInt64)).chain(sums).collect()
}

/// Groups as columns in the order of `fields`.
pub fn columns<const N: usize, T: Sums<N>>(groups: &[T]) -> Vec<ArrayRef> {
    let counts: ArrayRef = Arc::new(UInt64Array::from_iter_values(groups.iter().map(|g| g.parts().0)));
    let floats = |n: usize, get: fn(Sum) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(groups.iter().map(|g| get(g.parts().1[n]))))
    };
    let sums = (0..N).flat_map(|n| [floats(n, |s| s.sum), floats(n, |s| s.rest)]);
    std::iter::once(counts).chain(sums).collect()
}

/// Adds the rows of such columns to the groups they are of.
pub fn merge<const N: usize, T: Sums<N>>(states: &[ArrayRef], of: &[usize], groups: &mut [T]) {
    let counts = states[0].as_primitive::<UInt64Type>();
    let column = |c: usize| states[c].as_primitive::<Float64Type>();
    let sums: [_; N] = array::from_fn(|n| (column(1 + 2 * n), column(2 + 2 * n)));
    for (i, group) in of.iter().enumerate().filter(|(i, _)| counts.is_valid(*i)) {
        let sums = sums.map(|(sum, rest)| Sum { sum: sum.value(i), rest: rest.value(i) });
        groups[*group].merge(&T::of(counts.value(i), sums));
    }
}
