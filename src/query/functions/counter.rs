//! `delta(value, ts)` and `rate(value, ts)`: how much a counter counted, and how fast, over its resets.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::points::{Point, Points};
use super::types::{self, Kind};
use crate::domain::sums::Sum;
use crate::domain::time::MICROS_PER_SECOND;

/// From the first point of the group to its last. A value below the one before it tells of a reset, after which the
/// counter has gone on from zero. Rows without a time or a value are left out.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    what: What,
    signature: Signature,
}

/// Which of the two is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    /// Zero for one point.
    Delta,
    /// Per second; NULL where no time passes.
    Rate,
}

impl Counter {
    pub fn delta() -> Self {
        Self { what: What::Delta, signature: Signature::user_defined(Volatility::Immutable) }
    }

    pub fn rate() -> Self {
        Self { what: What::Rate, ..Self::delta() }
    }
}

impl AggregateUDFImpl for Counter {
    fn name(&self) -> &str {
        match self.what {
            What::Delta => "delta",
            What::Rate => "rate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types::coerce(args, &[types::to_number, types::to_time]))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let wanted = [("value", Kind::Number), ("ts", Kind::Time)];
        types::check(&format!("{}(value, ts)", self.name()), args, &wanted, 0)?;
        Ok(DataType::Float64)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(Points::state_fields(args.name))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        types::refuse_distinct(self.name(), &args)?;
        Ok(Box::new(Counted { what: self.what, points: Points::default() }))
    }
}

#[derive(Debug)]
struct Counted {
    what: What,
    points: Points,
}

impl Accumulator for Counted {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.points.add(&values[1], &values[0])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.points.merge(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let points = self.points.sorted();
        Ok(ScalarValue::Float64(match self.what {
            What::Delta => delta(points),
            What::Rate => rate(points),
        }))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.points.state())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.points.size()
    }
}

/// What was counted between the first point and the last; `None` without points.
fn delta(points: &[Point]) -> Option<f64> {
    let mut counted = Sum::default();
    for pair in points.windows(2) {
        let (before, after) = (pair[0].1, pair[1].1);
        counted.add(if after < before { after } else { after - before });
    }
    (!points.is_empty()).then(|| counted.total())
}

/// `delta` per second; `None` where no time passes.
fn rate(points: &[Point]) -> Option<f64> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    let seconds = (i128::from(last) - i128::from(first)) as f64 / MICROS_PER_SECOND as f64;
    if seconds > 0.0 { delta(points).map(|counted| counted / seconds) } else { None }
}

#[cfg(test)]
#[path = "counter_tests.rs"]
mod tests;
