//! `min` and `max` of groups of floating-point numbers that may be infinite or NaN, which is greater than every number and
//! equal to itself (PostgreSQL 15, 8.1.3). DataFusion's (55) begin with the least and the greatest finite number and lose both:
//! see the starting values of its `min_max.rs`. Stored readings are finite, so that DataFusion's own, which are faster, answer for their columns.
//!
//! They are DataFusion's of whole numbers, over numbers that are in the same order.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::exec_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use super::canonical_float;
use super::converted_aggregate::{Conversion, ConvertedAccumulator, ConvertedGroups};
use super::input_rows::InputRows;

/// `float_max(x)` or `float_min(x)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FloatExtreme {
    is_max: bool,
    signature: Signature,
}

impl FloatExtreme {
    fn new(is_max: bool) -> Self {
        Self {
            is_max,
            signature: Signature::uniform(
                1,
                vec![DataType::Float64, DataType::Float32],
                Volatility::Immutable,
            ),
        }
    }

    /// Both functions.
    pub fn all() -> impl Iterator<Item = AggregateUDF> {
        [true, false].into_iter().map(|is_max| AggregateUDF::from(Self::new(is_max)))
    }

    /// DataFusion's function of whole numbers.
    fn of_ranks(&self) -> Arc<AggregateUDF> {
        if self.is_max { max_udaf() } else { min_udaf() }
    }
}

fn rank_field() -> FieldRef {
    Arc::new(Field::new("rank", DataType::Int64, true))
}

impl AggregateUDFImpl for FloatExtreme {
    fn name(&self) -> &str {
        if self.is_max { "float_max" } else { "float_min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        args.first().cloned().map_or_else(|| exec_err!("{} takes one number", self.name()), Ok)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let fields = [rank_field()];
        let args = StateFieldsArgs { input_fields: &fields, return_field: rank_field(), ..args };
        self.of_ranks().state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let conversion = AsRanks(args.return_field.data_type().clone());
        let args = AccumulatorArgs { return_field: rank_field(), ..args };
        Ok(Box::new(ConvertedAccumulator { inner: self.of_ranks().accumulator(args)?, conversion }))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let conversion = AsRanks(args.return_field.data_type().clone());
        let args = AccumulatorArgs { return_field: rank_field(), ..args };
        let inner = self.of_ranks().create_groups_accumulator(args)?;
        Ok(Box::new(ConvertedGroups { inner, conversion }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// A whole number for each number, in the same order: all NaN are one and the greatest, and −0 is 0. The bits of a negative
/// number are turned round (IEEE 754, 5.10).
fn rank(number: f64) -> i64 {
    turned(canonical_float::canonical(number).to_bits().cast_signed())
}

fn number(rank: i64) -> f64 {
    f64::from_bits(turned(rank).cast_unsigned())
}

fn turned(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// Extremes of numbers as DataFusion's of their ranks. Results have the type that the numbers came in.
#[derive(Debug)]
struct AsRanks(DataType);

impl Conversion for AsRanks {
    fn input(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let Some(numbers) = values.first() else {
            return exec_err!("float_max and float_min take one number");
        };
        let numbers = cast(numbers, &DataType::Float64)?;
        Ok(vec![Arc::new(numbers.as_primitive::<Float64Type>().unary::<_, Int64Type>(rank))])
    }

    fn output(&self, ranks: &ArrayRef) -> Result<ArrayRef> {
        match ranks.as_primitive_opt::<Int64Type>() {
            Some(ranks) => Ok(cast(&ranks.unary::<_, Float64Type>(number), &self.0)?),
            None => exec_err!("float_max and float_min have lost their ranks"),
        }
    }
}

/// Replaces `min` and `max` of numbers that may be infinite or NaN.
pub(super) fn in_expr(expr: Expr, rows: InputRows<'_>) -> Result<Transformed<Expr>> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
        return Ok(Transformed::no(expr));
    };
    let is_max = func.name() == "max";
    let is_replaced = (is_max || func.name() == "min")
        && match params.args.as_slice() {
            [arg] => rows.may_be_nan(arg),
            _ => false,
        };
    if !is_replaced {
        return Ok(Transformed::no(Expr::AggregateFunction(AggregateFunction { func, params })));
    }
    let func = Arc::new(AggregateUDF::from(FloatExtreme::new(is_max)));
    Ok(Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_their_numbers() {
        let ordered = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.5,
            -f64::MIN_POSITIVE,
            0.0,
            1e-300,
            2.0,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
        ];
        assert!(ordered.windows(2).all(|pair| rank(pair[0]) < rank(pair[1])));
        assert_eq!((rank(-0.0), rank(-f64::NAN)), (rank(0.0), rank(f64::NAN)));
        assert!(ordered.iter().all(|number| super::number(rank(*number)).to_bits() == number.to_bits()));
    }
}
