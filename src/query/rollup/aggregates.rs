//! Aggregates over partials: counts, means, sums and root mean squares out of those of parts.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, UInt64Type};
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::domain::sums::{Means, Squares, Sum};
use crate::query::functions::single::{Groups, Single};
use crate::query::functions::{rms, types};

/// What an aggregate of readings is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Every reading.
    Rows,
    /// The values that are not NULL.
    Values,
}

/// The aggregate of readings called `name`, over columns of partials; `None` when partials do not say it.
pub fn over_partials(name: &str, of: Of, column: impl Fn(&str) -> Expr) -> Option<Expr> {
    let call = |kind: Kind, args: &[&str]| {
        let args = args.iter().map(|name| column(name)).collect();
        Some(AggregateUDF::from(Merged::new(kind)).call(args))
    };
    match (name, of) {
        ("count", Of::Rows) => call(Kind::Count, &["rows"]),
        ("count", Of::Values) => call(Kind::Count, &["count"]),
        ("avg" | "mean", Of::Values) => call(Kind::Mean, &["count", "mean"]),
        ("sum", Of::Values) => call(Kind::Sum, &["count", "mean"]),
        ("rms", Of::Values) => call(Kind::Rms, &["count", "rms"]),
        ("min", Of::Values) => Some(min(column("min"))),
        ("max", Of::Values) => Some(max(column("max"))),
        _ => None,
    }
}

/// What parts are put together to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Of counts; 0 of none.
    Count,
    /// Of counts and means; NULL of no values, as the others.
    Mean,
    Sum,
    /// Of counts and root mean squares.
    Rms,
}

/// An aggregate over partials. It is in plans only: no query can call it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Merged {
    kind: Kind,
    signature: Signature,
}

impl Merged {
    fn new(kind: Kind) -> Self {
        let mut args = vec![DataType::Int64];
        args.extend((kind != Kind::Count).then_some(DataType::Float64));
        Self { kind, signature: Signature::exact(args, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Merged {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Count => "merged_count",
            Kind::Mean => "merged_mean",
            Kind::Sum => "merged_sum",
            Kind::Rms => "merged_rms",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.kind == Kind::Count { DataType::Int64 } else { DataType::Float64 })
    }

    fn is_nullable(&self) -> bool {
        self.kind != Kind::Count
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |part: &str, kind| Arc::new(Field::new(format!("{}[{part}]", args.name), kind, true));
        let sums: &[&str] = match self.kind {
            Kind::Count => return Ok(vec![field("count", DataType::Int64)]),
            Kind::Mean | Kind::Sum => &["large", "large rest", "middle", "middle rest"],
            Kind::Rms => &["large", "large rest", "middle", "middle rest", "small", "small rest"],
        };
        let sums = sums.iter().map(|part| field(part, DataType::Float64));
        Ok(std::iter::once(field("count", DataType::UInt64)).chain(sums).collect())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match self.kind {
            Kind::Count => Box::new(Single::new(Counts::default())),
            Kind::Mean | Kind::Sum => Box::new(Single::new(MeanGroups::new(self.kind))),
            Kind::Rms => Box::new(Single::new(Roots::default())),
        })
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(match self.kind {
            Kind::Count => Box::new(Counts::default()),
            Kind::Mean | Kind::Sum => Box::new(MeanGroups::new(self.kind)),
            Kind::Rms => Box::new(Roots::default()),
        })
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(match self.kind {
            Kind::Count => ScalarValue::Int64(Some(0)),
            Kind::Mean | Kind::Sum | Kind::Rms => ScalarValue::Float64(None),
        })
    }
}

#[derive(Debug, Clone, Default)]
struct Counts(Vec<i64>);

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

#[derive(Debug, Clone)]
struct MeanGroups {
    kind: Kind,
    groups: Vec<Means>,
}

impl MeanGroups {
    fn new(kind: Kind) -> Self {
        Self { kind, groups: Vec::new() }
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
        let number = if self.kind == Kind::Sum { Means::sum } else { Means::mean };
        Ok(Arc::new(groups.iter().map(number).collect::<Float64Array>()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit.take_needed(&mut self.groups);
        let floats = |get: fn(&Means) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(groups.iter().map(get)))
        };
        Ok(vec![
            Arc::new(UInt64Array::from_iter_values(groups.iter().map(|g| g.count))),
            floats(|g| g.large.sum),
            floats(|g| g.large.rest),
            floats(|g| g.middle.sum),
            floats(|g| g.middle.rest),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let counts = states[0].as_primitive::<UInt64Type>();
        let column = |c: usize| states[c].as_primitive::<Float64Type>();
        let (large, middle) = ((column(1), column(2)), (column(3), column(4)));
        let sum = |of: (&Float64Array, &Float64Array), i| Sum { sum: of.0.value(i), rest: of.1.value(i) };
        for (i, group) in groups.iter().enumerate().filter(|(i, _)| counts.is_valid(*i)) {
            let part = Means { count: counts.value(i), large: sum(large, i), middle: sum(middle, i) };
            self.groups[*group].merge(&part);
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        each_alone(MeanGroups::new(self.kind), values, filter)
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Means>()
    }
}

/// Root mean squares of parts; otherwise as those of values.
#[derive(Debug, Clone, Default)]
struct Roots(rms::RmsGroups);

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

/// The states of groups of one row each.
fn each_alone(
    mut groups: impl GroupsAccumulator,
    values: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> Result<Vec<ArrayRef>> {
    let rows: Vec<usize> = (0..values[0].len()).collect();
    groups.update_batch(values, &rows, filter, rows.len())?;
    groups.state(EmitTo::All)
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
