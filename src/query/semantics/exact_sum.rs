//! The sum of 64-bit integers, which fails where it leaves the range. DataFusion's (55) wraps (its issue #12140). It is
//! DataFusion's sum of decimals of 38 digits, which no number of rows can exceed.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunctionDefinition};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ExprSchemable, GroupsAccumulator, ReversedUDAF,
    Signature, Volatility,
};

use super::checked_arithmetic::OUT_OF_RANGE;
use super::converted_aggregate::{Conversion, ConvertedAccumulator, ConvertedGroups};

const TOTAL: DataType = DataType::Decimal128(38, 0);

/// `exact_sum(bigint)`: the sum as `bigint`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ExactSum {
    signature: Signature,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        "exact_sum"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let fields = [total_field()];
        sum_udaf().state_fields(StateFieldsArgs {
            input_fields: &fields,
            return_field: total_field(),
            ..args
        })
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let args = AccumulatorArgs { return_field: total_field(), ..args };
        Ok(Box::new(ConvertedAccumulator { inner: sum_udaf().accumulator(args)?, conversion: AsDecimals }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let args = AccumulatorArgs { return_field: total_field(), ..args };
        let inner = sum_udaf().create_sliding_accumulator(args)?;
        Ok(Box::new(ConvertedAccumulator { inner, conversion: AsDecimals }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let args = AccumulatorArgs { return_field: total_field(), ..args };
        let inner = sum_udaf().create_groups_accumulator(args)?;
        Ok(Box::new(ConvertedGroups { inner, conversion: AsDecimals }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn total_field() -> FieldRef {
    Arc::new(Field::new("sum", TOTAL, true))
}

/// Sums of integers as DataFusion's of decimals.
#[derive(Debug)]
struct AsDecimals;

impl Conversion for AsDecimals {
    fn input(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        match values.first() {
            Some(integers) => Ok(vec![cast(integers, &TOTAL)?]),
            None => exec_err!("exact_sum takes one argument"),
        }
    }

    fn output(&self, totals: &ArrayRef) -> Result<ArrayRef> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        // A decimal without a fraction can fail only by its range.
        cast_with_options(totals, &DataType::Int64, &strict).map_err(|_| {
            DataFusionError::Execution(format!(
                "{OUT_OF_RANGE}: a sum of integers is no bigint; sum them as numeric or float8"
            ))
        })
    }
}

/// Replaces `sum` where its total can leave the range of `bigint`: integers of 32 bits would need four thousand million rows.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let can_overflow = |args: &[Expr]| match args {
        [Expr::Cast(cast)] if cast.field.data_type() == &DataType::Int64 => {
            Ok::<_, DataFusionError>(!is_short_integer(&cast.expr.get_type(schema)?))
        }
        [arg] => Ok(arg.get_type(schema)? == DataType::Int64),
        _ => Ok(false),
    };
    match expr {
        Expr::AggregateFunction(AggregateFunction { func, params })
            if func.name() == "sum" && can_overflow(&params.args)? =>
        {
            Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func: udaf(), params })))
        }
        Expr::WindowFunction(mut window)
            if window.fun.name() == "sum" && can_overflow(&window.params.args)? =>
        {
            window.fun = WindowFunctionDefinition::AggregateUDF(udaf());
            Ok(Transformed::yes(Expr::WindowFunction(window)))
        }
        other => Ok(Transformed::no(other)),
    }
}

fn udaf() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(ExactSum::default()))
}

fn is_short_integer(data_type: &DataType) -> bool {
    data_type.is_integer() && !matches!(data_type, DataType::Int64 | DataType::UInt64)
}
