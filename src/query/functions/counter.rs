//! `delta(value, ts)` and `rate(value, ts)`: the increase of a counter, total and per second, across resets.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::arg_types::{self, ArgKind};
use super::ordered_points::{OrderedPoints, Point};
use crate::domain::summation::CompensatedSum;
use crate::domain::time::MICROS_PER_SECOND;

/// Counts from the first point of the group to its last. A value below the previous one indicates a reset, after which
/// the counter has continued from zero. Rows without a time or a value are ignored.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    what: CounterKind,
    signature: Signature,
}

/// The function to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum CounterKind {
    /// The total increase; zero for one point.
    Delta,
    /// The increase per second; NULL if no time passes.
    Rate,
}

impl Counter {
    /// The aggregate `delta`: the total increase, in the unit of the value.
    pub fn delta() -> Self {
        Self { what: CounterKind::Delta, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// The aggregate `rate`: the increase per second.
    pub fn rate() -> Self {
        Self { what: CounterKind::Rate, ..Self::delta() }
    }
}

impl AggregateUDFImpl for Counter {
    fn name(&self) -> &str {
        match self.what {
            CounterKind::Delta => "delta",
            CounterKind::Rate => "rate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types::coerce(args, &[arg_types::to_number, arg_types::to_time]))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let wanted = [("value", ArgKind::Number), ("ts", ArgKind::Time)];
        arg_types::check(&format!("{}(value, ts)", self.name()), args, &wanted, 0)?;
        Ok(DataType::Float64)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(OrderedPoints::state_fields(args.name))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        arg_types::refuse_distinct(self.name(), &args)?;
        Ok(Box::new(CounterAccumulator { what: self.what, points: OrderedPoints::default() }))
    }
}

#[derive(Debug)]
struct CounterAccumulator {
    what: CounterKind,
    points: OrderedPoints,
}

impl Accumulator for CounterAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.points.add(&values[1], &values[0])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.points.merge(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let points = self.points.sorted();
        Ok(ScalarValue::Float64(match self.what {
            CounterKind::Delta => delta(points),
            CounterKind::Rate => rate(points),
        }))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.points.state())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.points.size()
    }
}

/// Returns the increase between the first point and the last; `None` without points.
fn delta(points: &[Point]) -> Option<f64> {
    let mut counted = CompensatedSum::default();
    for pair in points.windows(2) {
        let (before, after) = (pair[0].1, pair[1].1);
        counted.add(if after < before { after } else { after - before });
    }
    (!points.is_empty()).then(|| counted.total())
}

/// Returns the increase per second; `None` if no time passes.
fn rate(points: &[Point]) -> Option<f64> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    let seconds = (i128::from(last) - i128::from(first)) as f64 / MICROS_PER_SECOND as f64;
    if seconds > 0.0 { delta(points).map(|counted| counted / seconds) } else { None }
}

#[cfg(test)]
#[path = "counter_tests.rs"]
mod tests;
