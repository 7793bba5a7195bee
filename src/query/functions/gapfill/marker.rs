//! The names `time_bucket_gapfill`, `locf` and `interpolate`, as SQL resolves them. The analyzer rule replaces every
//! call that stands where it may; these never run.

use arrow::datatypes::DataType;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::query::functions::{time_bucket, types};

/// What a marker stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub enum Mark {
    /// Buckets, the empty ones too.
    Gapfill,
    /// Last observation carried forward.
    Locf,
    /// The straight line between neighbours.
    Interpolate,
}

impl Mark {
    pub fn name(self) -> &'static str {
        match self {
            Mark::Gapfill => "time_bucket_gapfill",
            Mark::Locf => "locf",
            Mark::Interpolate => "interpolate",
        }
    }
}

/// A function that means something only to the rule.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Marker {
    mark: Mark,
    signature: Signature,
}

impl Marker {
    fn new(mark: Mark) -> Self {
        Self { mark, signature: Signature::user_defined(Volatility::Immutable) }
    }

    pub fn gapfill() -> Self {
        Self::new(Mark::Gapfill)
    }

    pub fn locf() -> Self {
        Self::new(Mark::Locf)
    }

    pub fn interpolate() -> Self {
        Self::new(Mark::Interpolate)
    }
}

/// The marker that an expression calls, with its arguments.
pub fn call(expr: &Expr) -> Option<(Mark, &[Expr])> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            func.inner().downcast_ref::<Marker>().map(|marker| (marker.mark, args.as_slice()))
        }
        _ => None,
    }
}

impl ScalarUDFImpl for Marker {
    fn name(&self) -> &str {
        self.mark.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(match self.mark {
            Mark::Gapfill => time_bucket::coerce(args),
            Mark::Locf => args.to_vec(),
            Mark::Interpolate => types::coerce(args, &[types::to_number]),
        })
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match (self.mark, args) {
            (Mark::Gapfill, _) => time_bucket::return_type(self.name(), args),
            (Mark::Locf, [value]) => Ok(value.clone()),
            (Mark::Interpolate, [DataType::Float64]) => Ok(DataType::Float64),
            (Mark::Interpolate, [other]) => plan_err!("`interpolate(aggregate)` takes a number, not {other}"),
            (_, _) => plan_err!("`{}(aggregate)` was given {} arguments", self.name(), args.len()),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} was not planned", self.name())
    }
}
