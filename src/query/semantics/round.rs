//! `round(x)` and `round(x, places)`, over DataFusion's own. Of an integer they are a `float8` and a `numeric`, as with PostgreSQL
//! (15, 9.3). A float in the middle between two whole numbers becomes the even one, as there (`rint`); DataFusion's is the one that is
//! farther from zero. A `numeric` of it has as many digits after the point as a constant says. DataFusion (55)
//! hides that constant behind a cast, and finds it again once the cast is computed, so that the column has another type at each step:
//! joins, `IN` and CASE take numbers for others (its #23232, which is on main). Here a constant keeps its type, and what is computed
//! is never taken for one.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::math;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

const NAME: &str = "round";
/// A `numeric` of every integer.
const WHOLE_NUMERIC: DataType = DataType::Decimal128(20, 0);

/// The function, or the one in its place where the number of digits is computed, whose `numeric` has the digits of its argument.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Round {
    keeps_scale: bool,
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl Round {
    fn new(keeps_scale: bool) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { keeps_scale, inner: math::round(), signature }
    }

    /// Both functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [false, true].into_iter().map(|keeps_scale| ScalarUDF::from(Self::new(keeps_scale)))
    }
}

/// Replaces a call whose number of digits is computed: the optimizer may make a constant of it, which would be another type.
pub(super) fn in_expr(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::ScalarFunction(call)
            if call.name() == NAME && matches!(call.args.as_slice(), [_, places] if !is_literal(places)) =>
        {
            Transformed::yes(ScalarUDF::from(Round::new(true)).call(call.args))
        }
        other => Transformed::no(other),
    }
}

fn to_even<T: ArrowPrimitiveType>(
    of: &ColumnarValue,
    round: fn(T::Native) -> T::Native,
) -> Result<ColumnarValue> {
    let rounded = |of: &ArrayRef| -> ArrayRef { Arc::new(of.as_primitive::<T>().unary::<_, T>(round)) };
    match of {
        ColumnarValue::Array(of) => Ok(ColumnarValue::Array(rounded(of))),
        ColumnarValue::Scalar(of) => {
            let rounded = rounded(&of.to_array()?);
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&rounded, 0)?))
        }
    }
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..))
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &str {
        if self.keeps_scale { "round_to_computed_places" } else { NAME }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Changes no type of a constant: a cast in its place hides it.
    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_count = |of: &DataType| of.is_integer() || of.is_null();
        let (number, places) = match types {
            [number] => (number, None),
            [number, places] if is_count(places) => (number, Some(places.clone())),
            _ => return plan_err!("{NAME} takes a number and a whole number of digits"),
        };
        let number = match number {
            DataType::Null | DataType::Float16 => DataType::Float64,
            // Of integers it is no integer, which a division shows (PostgreSQL 15, 9.3).
            of if of.is_integer() && places.is_none() => DataType::Float64,
            of if of.is_integer() => WHOLE_NUMERIC,
            of if of.is_numeric() => of.clone(),
            of => return plan_err!("{NAME} takes a number, not {of}"),
        };
        Ok(std::iter::once(number).chain(places).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if self.keeps_scale {
            let computed = ReturnFieldArgs { arg_fields: args.arg_fields, scalar_arguments: &[None, None] };
            return self.inner.return_field_from_args(computed);
        }
        self.inner.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_mut_slice() {
            [of] if of.data_type() == DataType::Float64 => {
                return to_even::<Float64Type>(of, f64::round_ties_even);
            }
            [of] if of.data_type() == DataType::Float32 => {
                return to_even::<Float32Type>(of, f32::round_ties_even);
            }
            [_] => {}
            [_, places] => *places = places.cast_to(&DataType::Int32, None)?,
            _ => return exec_err!("{NAME} takes a number and a whole number of digits"),
        }
        self.inner.invoke_with_args(args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }
}
