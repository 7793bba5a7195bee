//! `rms(value)`: the root mean square.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};

use super::arg_types::{self, ArgKind};
use super::state_groups::{StateAggregate, StateGroups};
use super::sum_state;
use super::ungrouped::UngroupedAccumulator;
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
        Ok(Box::new(UngroupedAccumulator::new(StateGroups::<RmsOfValues>::default())))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(StateGroups::<RmsOfValues>::default()))
    }
}

/// The root mean square of values: 56 bytes for each group, however many values.
#[derive(Debug, Clone)]
pub struct RmsOfValues;

impl StateAggregate for RmsOfValues {
    type State = RmsState;

    fn update(states: &mut [RmsState], values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>) {
        let values = values[0].as_primitive::<Float64Type>();
        if values.null_count() == 0 && filter.is_none() {
            groups.iter().zip(values.values()).for_each(|(group, value)| states[*group].add(*value));
            return;
        }
        for (i, group) in groups.iter().enumerate() {
            if values.is_valid(i) && arg_types::passes(filter, i) {
                states[*group].add(values.value(i));
            }
        }
    }

    fn evaluate(states: Vec<RmsState>) -> ArrayRef {
        Arc::new(states.iter().map(RmsState::rms).collect::<Float64Array>())
    }
}
