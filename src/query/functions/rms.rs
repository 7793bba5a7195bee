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

use super::arg_types::{self, ArgKind};
use super::sum_state;
use super::ungrouped::{GrowableGroups, UngroupedAccumulator, states_of_single_rows};
use crate::domain::summation::RmsState;

/// Root mean square, without overflow and within a few ulp of exact. NULLs are ignored; without values the result is
/// NULL.
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
        Ok(arg_types::coerce(args, &[arg_types::to_number]))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        arg_types::check("rms(value)", args, &[("value", ArgKind::Number)], 0)?;
        Ok(DataType::Float64)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(sum_state::fields::<3>(args.name))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        arg_types::refuse_distinct("rms", &args)?;
        Ok(Box::new(UngroupedAccumulator::new(RmsGroups::default())))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(RmsGroups::default()))
    }
}

/// Sums of squares by group: 56 bytes each, however many values.
#[derive(Debug, Clone, Default)]
pub struct RmsGroups(pub Vec<RmsState>);

impl GrowableGroups for RmsGroups {
    fn grow(&mut self, total: usize) {
        self.0.resize(total.max(self.0.len()), RmsState::default());
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
            if values.is_valid(i) && arg_types::passes(filter, i) {
                self.0[*group].add(values.value(i));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = emit.take_needed(&mut self.0);
        Ok(Arc::new(groups.iter().map(RmsState::rms).collect::<Float64Array>()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(sum_state::columns(&emit.take_needed(&mut self.0)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        sum_state::merge(states, groups, &mut self.0);
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        states_of_single_rows(RmsGroups::default(), values, filter)
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<RmsState>()
    }
}
