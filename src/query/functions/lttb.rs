//! `lttb(ts, value, n)`: downsamples to at most `n` points with the visual shape of the whole series.
//!
//! Largest triangle three buckets (Sveinn Steinarsson, "Downsampling Time Series for Visual Representation", 2013).

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, ListArray, StructArray, TimestampMicrosecondArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use datafusion::physical_expr::expressions::Literal;
use datafusion::scalar::ScalarValue;

use super::arg_types::{self, ArgKind};
use super::ordered_points::{OrderedPoints, Point};

/// Returns a list of `{ts, value}` by time, for UNNEST. It always includes the first and the last point, and all points
/// if there are at most `n`; `n` is a constant of at least 3. NULL without points.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Lttb {
    signature: Signature,
}

impl Default for Lttb {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// The type of `ts` is preserved, including its zone.
fn fields(ts: &DataType) -> Fields {
    vec![Field::new("ts", ts.clone(), true), Field::new("value", DataType::Float64, true)].into()
}

fn to_count(of: &DataType) -> DataType {
    if of.is_integer() || of.is_null() { DataType::Int64 } else { of.clone() }
}

impl AggregateUDFImpl for Lttb {
    fn name(&self) -> &str {
        "lttb"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types::coerce(args, &[arg_types::to_time, arg_types::to_number, to_count]))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let wanted = [("ts", ArgKind::Time), ("value", ArgKind::Number), ("n", ArgKind::Count)];
        arg_types::check("lttb(ts, value, n)", args, &wanted, 0)?;
        Ok(DataType::new_list(DataType::Struct(fields(&args[0])), true))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(OrderedPoints::state_fields(args.name))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        arg_types::refuse_distinct("lttb", &args)?;
        let n = match args.exprs.get(2).and_then(|n| n.downcast_ref::<Literal>()).map(Literal::value) {
            Some(ScalarValue::Int64(Some(n))) => *n,
            _ => return exec_err!("`lttb(ts, value, n)`: n must be a constant whole number"),
        };
        let wanted = usize::try_from(n).ok().filter(|n| *n >= 3);
        let wanted = wanted
            .ok_or_else(|| exec_datafusion_err!("`lttb(ts, value, n)`: n must be at least 3, not {n}"))?;
        Ok(Box::new(LttbAccumulator {
            wanted,
            kind: args.return_type().clone(),
            points: OrderedPoints::default(),
        }))
    }
}

#[derive(Debug)]
struct LttbAccumulator {
    wanted: usize,
    /// Type of the result: a list of structs of ts and value.
    kind: DataType,
    points: OrderedPoints,
}

impl LttbAccumulator {
    fn list(&self, chosen: &[Point]) -> Result<ListArray> {
        let refuse = || exec_datafusion_err!("lttb: a result of type {}", self.kind);
        let DataType::List(item) = &self.kind else { return Err(refuse()) };
        let DataType::Struct(fields) = item.data_type() else { return Err(refuse()) };
        let times = TimestampMicrosecondArray::from_iter_values(chosen.iter().map(|p| p.0));
        let zone = match fields[0].data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        let times: ArrayRef = Arc::new(times.with_timezone_opt(zone));
        let values: ArrayRef = Arc::new(Float64Array::from_iter_values(chosen.iter().map(|p| p.1)));
        let points = StructArray::try_new(fields.clone(), vec![times, values], None)?;
        let offsets = OffsetBuffer::from_lengths([chosen.len()]);
        Ok(ListArray::try_new(item.clone(), offsets, Arc::new(points), None)?)
    }
}

impl Accumulator for LttbAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.points.add(&values[0], &values[1])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.points.merge(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let chosen = choose(self.points.sorted(), self.wanted);
        if chosen.is_empty() {
            return ScalarValue::try_from(&self.kind);
        }
        Ok(ScalarValue::List(Arc::new(self.list(&chosen)?)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.points.state())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.points.size()
    }
}

/// Selects points: of each bucket the one with the largest triangle with the previously selected point and the mean of
/// the next bucket. `wanted` must be at least 3.
fn choose(points: &[Point], wanted: usize) -> Vec<Point> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= wanted {
        return points.to_vec();
    }
    // Integer arithmetic places the edges, so that rounding empties no bucket; all points but the first and last are in
    // one.
    let edge = |i: usize| 1 + i * (points.len() - 2) / (wanted - 2);
    let at = |p: &Point| (p.0.wrapping_sub(first.0) as f64, p.1);
    let mut chosen = vec![*first];
    for i in 0..wanted - 2 {
        let after = &points[edge(i + 1)..edge(i + 2).min(points.len())];
        let count = after.len() as f64;
        let mean = after.iter().map(at).fold((0.0, 0.0), |m, p| (m.0 + p.0 / count, m.1 + p.1 / count));
        let before = at(chosen.last().unwrap_or(first));
        let area = |p: &Point| {
            let (t, v) = at(p);
            ((before.0 - mean.0) * (v - before.1) - (before.0 - t) * (mean.1 - before.1)).abs()
        };
        let bucket = &points[edge(i)..edge(i + 1)];
        let mut best = (area(&bucket[0]), bucket[0]);
        for point in &bucket[1..] {
            let area = area(point);
            if area > best.0 {
                best = (area, *point);
            }
        }
        chosen.push(best.1);
    }
    chosen.push(*last);
    chosen
}

#[cfg(test)]
#[path = "lttb_tests.rs"]
mod tests;
