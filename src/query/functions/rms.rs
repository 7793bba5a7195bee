//! `rms(value)`: the root mean square.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::single::{Groups, Single, each_alone};
use super::sums;
use super::types::{self, Kind};
use crate::domain::sums::Squares;

/// The root of the mean of squares, without overflow and within a few ulp of exact. NULLs are left out; of no values
/// it is NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Rms {
    signature: Signature,
}

impl Default for Rms {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Rms {
    fn name(&self) -> &str {
        "rms"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types::coerce(args, &[types::to_number]))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        types::check("rms(value)", args, &[("value", Kind::Number)], 0)?;
        Ok(DataType::Float64)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(sums::fields::<3>(args.name))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        types::refuse_distinct("rms", &args)?;
        Ok(Box::new(Single::new(RmsGroups::default())))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(RmsGroups::default()))
    }
}

/// The squares of each group: 56 bytes a group, however many values.
#[derive(Debug, Clone, Default)]
pub struct RmsGroups(pub Vec<Squares>);

impl Groups for RmsGroups {
    fn grow(&mut self, total: usize) {
        self.0.resize(total.max(self.0.len()), Squares::default());
    }
}

impl GroupsAccumulator for RmsGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let values = values[0].as_primitive::<Float64Type>();
        if values.null_count() == 0 && filter.is_none() {
            groups.iter().zip(values.values()).for_each(|(group, value)| self.0[*group].add(*value));
            return Ok(());
        }
        for (i, group) in groups.iter().enumerate() {
            if values.is_valid(i) && types::passes(filter, i) {
                self.0[*group].add(values.value(i));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = emit.take_needed(&mut self.0);
        Ok(Arc::new(groups.iter().map(Squares::rms).collect::<Float64Array>()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(sums::columns(&emit.take_needed(&mut self.0)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        sums::merge(states, groups, &mut self.0);
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        each_alone(RmsGroups::default(), values, filter)
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<Squares>()
    }
}
