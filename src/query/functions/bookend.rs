//! `first(value, ts)` and `last(value, ts)`: the value at the earliest and at the latest time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, new_empty_array};
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::arg_types::{self, ArgKind};
use super::ungrouped::{GrowableGroups, UngroupedAccumulator};

/// Bookend aggregate with TimescaleDB's semantics: rows without a time are ignored, a NULL value counts as a value, and
/// of several rows with one time any may be returned. The value may be of any type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Bookend {
    end: BookendSide,
    signature: Signature,
}

/// The side to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum BookendSide {
    First,
    Last,
}

impl Bookend {
    /// The aggregate `first`: the value at the earliest time.
    pub fn first() -> Self {
        Self { end: BookendSide::First, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// The aggregate `last`: the value at the latest time.
    pub fn last() -> Self {
        Self { end: BookendSide::Last, ..Self::first() }
    }

    fn groups(&self, value: &DataType) -> Result<BookendGroups> {
        let null = ScalarValue::try_from(value)?;
        Ok(BookendGroups { end: self.end, null, ..BookendGroups::default() })
    }
}

impl AggregateUDFImpl for Bookend {
    fn name(&self) -> &str {
        match self.end {
            BookendSide::First => "first",
            BookendSide::Last => "last",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types::coerce(args, &[DataType::clone, arg_types::to_order]))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let wanted = [("value", ArgKind::Any), ("ts", ArgKind::Order)];
        arg_types::check(&format!("{}(value, ts)", self.name()), args, &wanted, 0)?;
        Ok(args[0].clone())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |part: &str, kind| Arc::new(Field::new(format!("{}[{part}]", args.name), kind, true));
        Ok(vec![field("value", args.return_type().clone()), field("ts", DataType::Int64)])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        arg_types::refuse_distinct(self.name(), &args)?;
        Ok(Box::new(UngroupedAccumulator::new(self.groups(args.return_type())?)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.groups(args.return_type())?))
    }
}

/// The value and time of each group. Within a batch only row numbers are compared; values are copied once per batch.
#[derive(Debug, Clone)]
struct BookendGroups {
    end: BookendSide,
    /// A NULL of the value's type.
    null: ScalarValue,
    times: Vec<Option<i64>>,
    values: Vec<ScalarValue>,
    /// Bytes of `values` on the heap.
    heap: usize,
    /// The winning row of the current batch, by group, and the groups that have one.
    winners: Vec<Option<u32>>,
    changed: Vec<usize>,
}

impl Default for BookendGroups {
    fn default() -> Self {
        Self {
            end: BookendSide::First,
            null: ScalarValue::Null,
            times: Vec::new(),
            values: Vec::new(),
            heap: 0,
            winners: Vec::new(),
            changed: Vec::new(),
        }
    }
}

impl BookendGroups {
    /// Returns the bytes of a value beyond its slot in `values`.
    fn heap_of(value: &ScalarValue) -> usize {
        value.size().saturating_sub(size_of::<ScalarValue>())
    }

    fn is_further(&self, time: i64, group: usize) -> bool {
        self.times[group].is_none_or(|best| match self.end {
            BookendSide::First => time < best,
            BookendSide::Last => time > best,
        })
    }

    fn take(
        &mut self,
        (values, times): (&ArrayRef, &Int64Array),
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        for (i, group) in groups.iter().copied().enumerate() {
            if times.is_null(i) || !arg_types::passes(filter, i) || !self.is_further(times.value(i), group) {
                continue;
            }
            self.times[group] = Some(times.value(i));
            if self.winners[group].replace(i as u32).is_none() {
                self.changed.push(group);
            }
        }
        for group in std::mem::take(&mut self.changed) {
            let Some(row) = self.winners[group].take() else { continue };
            let mut value = ScalarValue::try_from_array(values, row as usize)?;
            // Otherwise a list or struct would keep its whole batch in memory.
            value.compact();
            self.heap += Self::heap_of(&value);
            self.heap -= Self::heap_of(&std::mem::replace(&mut self.values[group], value));
        }
        Ok(())
    }
}

impl GrowableGroups for BookendGroups {
    fn grow(&mut self, total: usize) {
        let total = total.max(self.times.len());
        self.times.resize(total, None);
        self.winners.resize(total, None);
        let new = total - self.values.len();
        self.heap += new * Self::heap_of(&self.null);
        self.values.resize(total, self.null.clone());
    }
}

impl GroupsAccumulator for BookendGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let times = cast(&values[1], &DataType::Int64)?;
        self.take((&values[0], times.as_primitive::<Int64Type>()), groups, filter)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(self.state(emit)?.swap_remove(0))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let values = emit.take_needed(&mut self.values);
        let times = emit.take_needed(&mut self.times);
        // No batch is being processed, so no group has a winner.
        self.winners.truncate(self.times.len());
        self.heap -= values.iter().map(Self::heap_of).sum::<usize>();
        let values = match values.is_empty() {
            true => new_empty_array(&self.null.data_type()),
            false => ScalarValue::iter_to_array(values)?,
        };
        Ok(vec![values, Arc::new(Int64Array::from(times))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(states, groups, None, total)
    }

    /// Clears the time of rows that the filter drops, so that they are ignored.
    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut times = cast(&values[1], &DataType::Int64)?;
        if filter.is_some() {
            let dropped = (0..times.len()).map(|i| !arg_types::passes(filter, i)).collect::<Vec<_>>();
            times = nullif(&times, &BooleanArray::from(dropped))?;
        }
        Ok(vec![values[0].clone(), times])
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<ScalarValue>()
            + self.heap
            + self.times.capacity() * size_of::<Option<i64>>()
            + self.winners.capacity() * size_of::<Option<u32>>()
            + self.changed.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
#[path = "bookend_tests.rs"]
mod tests;
