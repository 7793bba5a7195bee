//! Casts to a coarser type, as functions. DataFusion takes a cast for a one-to-one function: under `ts::date = '2024-03-31'`
//! it believes that `ts` is constant and leaves sorts by `ts` out (its issues #25407 and #25523, mended after release 55),
//! and that `ts::time` is in the order of `ts` (#25506). A function promises neither.
//!
//! Numbers are rounded as PostgreSQL rounds them: `float8` half to even, `numeric` half away from zero, times to the nearest;
//! DataFusion cuts.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Float64Type, Int64Type, TimeUnit};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::date_part::EXTRACT;
use super::return_field::as_nullable_as_arguments;
use crate::domain::time::MICROS_PER_DAY;

/// PostgreSQL counts times from 2000 on.
const SECONDS_UNTIL_2000: i64 = 946_684_800;

/// Functions that are a `numeric` of a `numeric`.
const OF_NUMERICS: [&str; 5] = ["abs", "ceil", "floor", "round", "trunc"];

/// How a number that lies in the middle of two is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rounding {
    /// To the even one, which is the rule of `float8`.
    HalfToEven,
    /// Away from zero, which is the rule of `numeric`: of every number with a decimal point in the text of a statement.
    HalfAway,
}

/// A cast to one type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NarrowingCast {
    name: String,
    target: DataType,
    rounding: Rounding,
    signature: Signature,
}

impl NarrowingCast {
    fn new(target: DataType, rounding: Rounding) -> Self {
        let how = match rounding {
            Rounding::HalfToEven => "cast_to",
            Rounding::HalfAway => "cast_numeric_to",
        };
        let name = format!("{how}_{target}").to_ascii_lowercase();
        Self { name, target, rounding, signature: Signature::any(1, Volatility::Immutable) }
    }

    /// The functions of all types that are coarser than another.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        let with = |rounding| move |target| ScalarUDF::from(NarrowingCast::new(target, rounding));
        targets().into_iter().map(with(Rounding::HalfToEven)).chain(integers().map(with(Rounding::HalfAway)))
    }

    /// Whether a type is coarser than any other, which is known without what is cast.
    pub fn may_narrow_to(target: &DataType) -> bool {
        target.is_integer() || target.is_temporal() || matches!(target, DataType::Float32)
    }

    /// The function for a cast of an expression of this type; `None` where DataFusion's own is right.
    pub fn of(argument: &Expr, source: &DataType, target: &DataType) -> Option<ScalarUDF> {
        let rounding = match source {
            DataType::Float32 | DataType::Float64 if !is_numeric(argument) => Rounding::HalfToEven,
            _ if target.is_integer() => Rounding::HalfAway,
            _ => Rounding::HalfToEven,
        };
        let is_known = is_narrowing(source, target) && targets().contains(target);
        is_known.then(|| ScalarUDF::from(NarrowingCast::new(target.clone(), rounding)))
    }

    fn cast(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let whole: ArrayRef = match values.data_type() {
            DataType::Float64 if self.target.is_integer() => {
                let round = match self.rounding {
                    Rounding::HalfToEven => f64::round_ties_even,
                    Rounding::HalfAway => f64::round,
                };
                Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(round))
            }
            DataType::Float32 if self.target.is_integer() => {
                return self.cast(&cast_with_options(values, &DataType::Float64, &strict)?);
            }
            // Changing the scale rounds half away from zero.
            DataType::Decimal128(precision, scale) if self.target.is_integer() && *scale > 0 => {
                cast_with_options(values, &DataType::Decimal128(*precision, 0), &strict)?
            }
            DataType::Decimal256(precision, scale) if self.target.is_integer() && *scale > 0 => {
                cast_with_options(values, &DataType::Decimal256(*precision, 0), &strict)?
            }
            DataType::Timestamp(from, _) => match self.target {
                DataType::Timestamp(to, _) => round_times(values, *from, to)?,
                _ => Arc::clone(values),
            },
            _ => Arc::clone(values),
        };
        Ok(cast_with_options(&whole, &self.target, &strict)?)
    }
}

/// Rounds times to the nearest of a coarser unit; of two, to that which is farther from the begin of 2000 (`AdjustTimestampForTypmod`).
fn round_times(times: &ArrayRef, from: TimeUnit, to: TimeUnit) -> Result<ArrayRef> {
    let factor = 10_i64.pow(digits(from) - digits(to));
    let counts = arrow::compute::cast(times, &DataType::Int64)?;
    let epoch = SECONDS_UNTIL_2000 * 10_i64.pow(digits(to));
    let rounded = counts.as_primitive::<Int64Type>().unary::<_, Int64Type>(|count| {
        let since = count.saturating_sub(epoch * factor);
        epoch + since.saturating_add(since.signum() * (factor / 2)) / factor
    });
    Ok(arrow::compute::cast(&rounded, &DataType::Timestamp(to, None))?)
}

/// Whether an expression, which is a `float8` here, is a `numeric` in PostgreSQL: a number with a point in the text of the statement,
/// `extract`, and arithmetic of nothing else.
fn is_numeric(expr: &Expr) -> bool {
    let is_whole = |expr: &Expr| match expr {
        Expr::Cast(cast) => matches!(&*cast.expr, Expr::Literal(value, _) if value.data_type().is_integer()),
        _ => false,
    };
    match expr {
        Expr::Literal(..) => true,
        Expr::Negative(of) => is_numeric(of),
        Expr::ScalarFunction(call) if call.name() == EXTRACT => true,
        Expr::ScalarFunction(call) if OF_NUMERICS.contains(&call.name()) => {
            call.args.first().is_some_and(is_numeric)
        }
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => {
            let (is_left, is_right) = (is_numeric(left), is_numeric(right));
            (is_left || is_whole(left)) && (is_right || is_whole(right)) && (is_left || is_right)
        }
        _ => false,
    }
}

fn is_narrowing(source: &DataType, target: &DataType) -> bool {
    use DataType::{
        Date32, Date64, Decimal128, Decimal256, Float16, Float32, Float64, Time32, Time64, Timestamp,
    };
    match (source, target) {
        (Timestamp(..), Date32 | Date64 | Time32(_) | Time64(_)) => true,
        (Timestamp(from, _), Timestamp(to, _)) | (Time64(from) | Time32(from), Time64(to) | Time32(to)) => {
            digits(*to) < digits(*from)
        }
        (Float16 | Float32 | Float64 | Decimal128(..) | Decimal256(..), target) if target.is_integer() => {
            true
        }
        (Float64, Float32) => true,
        _ => false,
    }
}

fn digits(unit: TimeUnit) -> u32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

fn integers() -> impl Iterator<Item = DataType> {
    use DataType::{Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64].into_iter()
}

/// Zones of timestamps: none, and that in which the server keeps times.
fn targets() -> Vec<DataType> {
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    let zones = [None, Some("UTC".into()), Some("+00:00".into())];
    let units = [Second, Millisecond, Microsecond, Nanosecond];
    let timestamps =
        units.into_iter().flat_map(|unit| zones.clone().map(|zone| DataType::Timestamp(unit, zone)));
    let times = [
        DataType::Time32(Second),
        DataType::Time32(Millisecond),
        DataType::Time64(Microsecond),
        DataType::Time64(Nanosecond),
    ];
    let others = [DataType::Date32, DataType::Date64, DataType::Float32];
    timestamps.chain(times).chain(others).chain(integers()).collect()
}

impl ScalarUDFImpl for NarrowingCast {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.clone())
    }

    /// NULL stays NULL, and nothing else becomes it.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(values)] => self.cast(values).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(value)] => {
                let value = self.cast(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&value, 0)?))
            }
            _ => exec_err!("{}: takes one argument", self.name),
        }
    }

    /// A date compared with a constant is a range of times, which the scan prunes by.
    fn preimage(&self, args: &[Expr], literal: &Expr, info: &SimplifyContext) -> Result<PreimageResult> {
        let ([argument], Some(ScalarValue::Date32(Some(day)))) = (args, literal.as_literal()) else {
            return Ok(PreimageResult::None);
        };
        let DataType::Timestamp(TimeUnit::Microsecond, zone) = info.get_data_type(argument)? else {
            return Ok(PreimageResult::None);
        };
        // Only of these zones a day has 24 hours and begins with the day of UTC.
        if !zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "+00:00")) {
            return Ok(PreimageResult::None);
        }
        let bound = |day: i64| {
            let start = day.checked_mul(MICROS_PER_DAY)?;
            Some(ScalarValue::TimestampMicrosecond(Some(start), zone.clone()))
        };
        let (Some(lower), Some(upper)) = (bound(i64::from(*day)), bound(i64::from(*day) + 1)) else {
            return Ok(PreimageResult::None);
        };
        let interval = Box::new(Interval::try_new(lower, upper)?);
        Ok(PreimageResult::Range { expr: argument.clone(), interval })
    }
}
