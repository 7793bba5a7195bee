//! Points of a group in time order, for functions that need neighbouring points.
//!
//! Partitions of a plan interleave in time, and a counter may be reset by a point of one between two points of another,
//! so nothing can be aggregated before all points are present. Each takes 16 bytes, accounted for in the query's memory
//! pool.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::error::Result;
use datafusion::scalar::ScalarValue;

/// A time in microseconds and a value.
pub type Point = (i64, f64);

/// Collected points, sorted on demand.
#[derive(Debug, Default)]
pub struct OrderedPoints {
    points: Vec<Point>,
    is_sorted: bool,
}

impl OrderedPoints {
    /// Adds the rows that have both a time and a value.
    pub fn add(&mut self, times: &ArrayRef, values: &ArrayRef) -> Result<()> {
        let times = cast(times, &DataType::Int64)?;
        let (times, values) = (times.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
        self.is_sorted = false;
        if times.null_count() == 0 && values.null_count() == 0 {
            self.points.extend(times.values().iter().copied().zip(values.values().iter().copied()));
        } else {
            self.points.extend(times.iter().zip(values.iter()).filter_map(|(t, v)| t.zip(v)));
        }
        Ok(())
    }

    /// Returns the points by time, and for equal times by value, so that the result does not depend on the plan.
    pub fn sorted(&mut self) -> &[Point] {
        if !self.is_sorted {
            let order = |a: &Point, b: &Point| a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1));
            // The stable sort exploits runs already in order, which scans mostly return.
            self.points.sort_by(order);
            self.is_sorted = true;
        }
        &self.points
    }

    /// Returns the fields of the partial state.
    pub fn state_fields(name: &str) -> Vec<FieldRef> {
        let list = |part: &str, of| {
            let item = Field::new_list_field(of, true);
            Arc::new(Field::new_list(format!("{name}[{part}]"), item, true))
        };
        vec![list("ts", DataType::Int64), list("value", DataType::Float64)]
    }

    /// Returns the points as a partial state.
    pub fn state(&self) -> Vec<ScalarValue> {
        let times = Int64Array::from_iter_values(self.points.iter().map(|p| p.0));
        let values = Float64Array::from_iter_values(self.points.iter().map(|p| p.1));
        vec![list(Arc::new(times)), list(Arc::new(values))]
    }

    /// Adds the points of partial states.
    pub fn merge(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (times, values) = (states[0].as_list::<i32>(), states[1].as_list::<i32>());
        for i in (0..times.len()).filter(|i| times.is_valid(*i)) {
            self.add(&times.value(i), &values.value(i))?;
        }
        Ok(())
    }

    /// Returns the bytes allocated.
    pub fn size(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
    }
}

fn list(items: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    ScalarValue::List(Arc::new(ListArray::new(field, offsets, items, None)))
}
