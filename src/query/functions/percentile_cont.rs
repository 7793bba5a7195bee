//! `percentile_cont(fraction) WITHIN GROUP (ORDER BY x)`: the value at a fraction of the way through the sorted values.
//! DataFusion's (55) cuts the weight between two neighbours to six digits (`INTERPOLATION_PRECISION`); this one collects the
//! values by DataFusion's and interpolates itself, as PostgreSQL does (`float8_lerp` in its orderedsetaggs.c). It takes no place for
//! that of `max` or `min`, as DataFusion's does: these begin with a finite number (`float_extremes.rs`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::percentile_cont::percentile_cont_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, ColumnarValue, EmitTo, GroupsAccumulator, Signature,
};
use datafusion::scalar::ScalarValue;

/// `percentile_cont`, over DataFusion's own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct PercentileCont {
    signature: Signature,
    aliases: Vec<String>,
}

impl Default for PercentileCont {
    fn default() -> Self {
        let inner = percentile_cont_udaf();
        Self { signature: inner.signature().clone(), aliases: inner.aliases().to_vec() }
    }
}

impl AggregateUDFImpl for PercentileCont {
    fn name(&self) -> &str {
        "percentile_cont"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        percentile_cont_udaf().return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        percentile_cont_udaf().state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.expr_fields[0].data_type().is_null() {
            return percentile_cont_udaf().accumulator(args);
        }
        let (spec, is_distinct) = (PercentileSpec::of(&args)?, args.is_distinct);
        Ok(Box::new(Percentile { spec, is_distinct, values: percentile_cont_udaf().accumulator(args)? }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        percentile_cont_udaf().groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let spec = PercentileSpec::of(&args)?;
        Ok(Box::new(Percentiles { spec, values: percentile_cont_udaf().create_groups_accumulator(args)? }))
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }
}

/// Which percentile of a group is sought.
#[derive(Debug, Clone)]
struct PercentileSpec {
    fraction: f64,
    is_descending: bool,
    /// Type of the result.
    data_type: DataType,
}

impl PercentileSpec {
    fn of(args: &AccumulatorArgs) -> Result<PercentileSpec> {
        let no_rows = RecordBatch::new_empty(Arc::new(args.schema.clone()));
        let fraction = match args.exprs.get(1).map(|fraction| fraction.evaluate(&no_rows)).transpose()? {
            Some(ColumnarValue::Scalar(fraction)) => fraction.cast_to(&DataType::Float64)?,
            _ => return plan_err!("percentile_cont takes a constant fraction from 0 to 1"),
        };
        let ScalarValue::Float64(Some(fraction)) = fraction else {
            return plan_err!("percentile_cont takes a fraction from 0 to 1, not NULL");
        };
        let is_descending = args.order_bys.first().is_some_and(|key| key.options.descending);
        Ok(PercentileSpec { fraction, is_descending, data_type: args.return_field.data_type().clone() })
    }

    /// The value at this place of values in any order; `None` without values.
    fn among(&self, values: &mut [f64]) -> Option<f64> {
        let order = |one: &f64, other: &f64| match self.is_descending {
            true => other.total_cmp(one),
            false => one.total_cmp(other),
        };
        let place = self.fraction * values.len().checked_sub(1)? as f64;
        let (_, low, above) = values.select_nth_unstable_by(place.floor() as usize, order);
        let low = *low;
        let weight = place.fract();
        // The next value in order: none follows at a fraction of 1, where the place is whole.
        match above.iter().copied().min_by(order) {
            Some(high) if weight > 0.0 => Some(low + weight * (high - low)),
            _ => Some(low),
        }
    }

    /// The value at this place of each list.
    fn of_lists(&self, lists: &ArrayRef) -> Result<ArrayRef> {
        let lists = lists.as_list::<i32>();
        let found = (0..lists.len()).map(|group| {
            if lists.is_null(group) {
                return Ok(None);
            }
            let values = cast(&lists.value(group), &DataType::Float64)?;
            Ok(self.among(&mut values.as_primitive::<Float64Type>().values().to_vec()))
        });
        let found: ArrayRef = Arc::new(found.collect::<Result<Float64Array>>()?);
        Ok(cast(&found, &self.data_type)?)
    }
}

/// The percentile of one group or window. DataFusion's accumulator, whose state is the list of values, collects them.
#[derive(Debug)]
struct Percentile {
    spec: PercentileSpec,
    is_distinct: bool,
    values: Box<dyn Accumulator>,
}

impl Accumulator for Percentile {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.update_batch(values)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.values.supports_retract_batch()
    }

    /// Merges one list after the other: DataFusion's takes the first of a batch only.
    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return exec_err!("percentile_cont has a state of one column");
        };
        (0..lists.len())
            .filter(|row| lists.is_valid(*row))
            .try_for_each(|row| self.values.merge_batch(&[lists.slice(row, 1)]))
    }

    /// Evaluates without losing the values, since a window evaluates at each row: the state of values that are not distinct is
    /// taken out, and put back.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        let lists = self.values.state()?.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
        let Some(list) = lists.first() else { return exec_err!("percentile_cont has a state of one column") };
        let found = self.spec.of_lists(list)?;
        if !self.is_distinct {
            self.values.merge_batch(&lists)?;
        }
        ScalarValue::try_from_array(&found, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.values.state()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.values.size()
    }
}

/// The percentiles of groups.
struct Percentiles {
    spec: PercentileSpec,
    values: Box<dyn GroupsAccumulator>,
}

impl GroupsAccumulator for Percentiles {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.values.update_batch(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        match self.values.state(emit)?.first() {
            Some(lists) => self.spec.of_lists(lists),
            None => exec_err!("percentile_cont has a state of one column"),
        }
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.values.state(emit)
    }

    fn merge_batch(&mut self, columns: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.values.merge_batch(columns, groups, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.values.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.values.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_not_cut() {
        let at = |fraction, is_descending, values: &[f64]| {
            let spec = PercentileSpec { fraction, is_descending, data_type: DataType::Float64 };
            spec.among(&mut values.to_vec())
        };
        let billions: Vec<f64> = (0..8).map(|n| f64::from(n) * 1e9).collect();
        assert_eq!(at(0.95, false, &billions), Some(6_650_000_000.0));
        // SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY x DESC) of 1, 2, 4, 8 in PostgreSQL.
        assert_eq!(at(0.3, true, &[4.0, 1.0, 8.0, 2.0]), Some(4.4));
        assert_eq!(at(0.3, false, &[]), None);
        for (fraction, expected) in [(0.0, 1.0), (0.5, 3.0), (1.0, 8.0)] {
            assert_eq!(at(fraction, false, &[8.0, 4.0, 2.0, 1.0]), Some(expected));
        }
    }
}
