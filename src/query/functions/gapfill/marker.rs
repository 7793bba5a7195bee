//! Marker functions `time_bucket_gapfill`, `locf` and `interpolate`, which SQL resolves by name. The analyzer rule
//! replaces every call in a valid position; they are never executed.

use arrow::datatypes::DataType;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::domain::named_enum::named_enum;
use crate::query::functions::{arg_types, time_bucket};

named_enum! {
    /// The function of a marker.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
    pub enum GapFillFunction {
        /// Time buckets, including empty ones.
        Gapfill = "time_bucket_gapfill",
        /// Last observation carried forward.
        Locf = "locf",
        /// Linear interpolation between neighbours.
        Interpolate = "interpolate",
    }
}

/// A function that only the analyzer rule interprets.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct MarkerFunction {
    mark: GapFillFunction,
    signature: Signature,
}

impl MarkerFunction {
    fn new(mark: GapFillFunction) -> Self {
        Self { mark, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// The marker `time_bucket_gapfill`, of which a GROUP BY may have one.
    pub fn gapfill() -> Self {
        Self::new(GapFillFunction::Gapfill)
    }

    /// The marker `locf`, whose gaps get the last value before them.
    pub fn locf() -> Self {
        Self::new(GapFillFunction::Locf)
    }

    /// The marker `interpolate`, whose gaps get values on the line between their neighbours.
    pub fn interpolate() -> Self {
        Self::new(GapFillFunction::Interpolate)
    }
}

/// Returns the marker that an expression calls, with its arguments.
pub fn marker_call(expr: &Expr) -> Option<(GapFillFunction, &[Expr])> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            func.inner().downcast_ref::<MarkerFunction>().map(|marker| (marker.mark, args.as_slice()))
        }
        _ => None,
    }
}

impl ScalarUDFImpl for MarkerFunction {
    fn name(&self) -> &str {
        self.mark.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(match self.mark {
            GapFillFunction::Gapfill => time_bucket::coerce(args),
            GapFillFunction::Locf => args.to_vec(),
            GapFillFunction::Interpolate => arg_types::coerce(args, &[arg_types::to_number]),
        })
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match (self.mark, args) {
            (GapFillFunction::Gapfill, _) => time_bucket::return_type(self.name(), args),
            (GapFillFunction::Locf, [value]) => Ok(value.clone()),
            (GapFillFunction::Interpolate, [DataType::Float64]) => Ok(DataType::Float64),
            (GapFillFunction::Interpolate, [other]) => {
                plan_err!("`interpolate(aggregate)` takes a number, not {other}")
            }
            (_, _) => plan_err!("`{}(aggregate)` was given {} arguments", self.name(), args.len()),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} was not planned", self.name())
    }
}
