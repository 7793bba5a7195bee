//! `time_bucket(interval, ts [, timezone])`: the start of the bucket that contains a time.

use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::arg_types::{self, ArgKind};
use super::bucket_width::BucketWidth;
use super::buckets::Buckets;
use super::zone::Zone;

const NAME: &str = "time_bucket";

/// TimescaleDB's `time_bucket`. Interval and timezone must be constants; NULL in any argument yields NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TimeBucket {
    signature: Signature,
}

impl Default for TimeBucket {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// Coerces the arguments of `time_bucket` and `time_bucket_gapfill`.
pub fn coerce(args: &[DataType]) -> Vec<DataType> {
    arg_types::coerce(args, &[arg_types::to_width, arg_types::to_time, arg_types::to_name])
}

/// Returns the type of the result, which is that of `ts`.
pub fn return_type(name: &str, args: &[DataType]) -> Result<DataType> {
    let usage = format!("{name}(interval, ts [, timezone])");
    let wanted = [("interval", ArgKind::Width), ("ts", ArgKind::Time), ("timezone", ArgKind::Name)];
    arg_types::check(&usage, args, &wanted, 1)?;
    Ok(args[1].clone())
}

/// Creates the buckets from the constant arguments of a call; `None` when one of them is NULL.
pub fn buckets(name: &str, width: &ScalarValue, zone: Option<&ScalarValue>) -> Result<Option<Buckets>> {
    let Some(width) = BucketWidth::from_scalar(name, width)? else { return Ok(None) };
    let zone = match zone {
        None => None,
        Some(ScalarValue::Utf8(Some(zone))) => Some(Zone::parse(name, zone)?),
        Some(_) => return Ok(None),
    };
    Ok(Some(Buckets::new(width, zone)))
}

impl ScalarUDFImpl for TimeBucket {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(coerce(args))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        return_type(NAME, args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let null = || ScalarValue::try_from(args.return_field.data_type()).map(ColumnarValue::Scalar);
        let width = constant("interval", &args.args[0])?;
        let zone = args.args.get(2).map(|zone| constant("timezone", zone)).transpose()?;
        let Some(buckets) = buckets(NAME, width, zone)? else { return null() };
        match &args.args[1] {
            ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(Some(ts), zone)) => {
                let start = buckets.around(*ts)?.0;
                Ok(ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(Some(start), zone.clone())))
            }
            ColumnarValue::Scalar(_) => null(),
            ColumnarValue::Array(times) => starts(&buckets, times).map(ColumnarValue::Array),
        }
    }

    /// Buckets preserve the order of times, so an ordered scan feeds an ordered aggregation.
    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let is_constant =
            |i: usize| inputs.get(i).is_none_or(|p| p.sort_properties == SortProperties::Singleton);
        Ok(match inputs.get(1) {
            Some(ts) if is_constant(0) && is_constant(2) => ts.sort_properties,
            _ => SortProperties::Unordered,
        })
    }
}

fn constant<'a>(argument: &str, value: &'a ColumnarValue) -> Result<&'a ScalarValue> {
    match value {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(_) => exec_err!("{NAME}: {argument} must be a constant, not a column"),
    }
}

/// Returns the bucket starts of a column. Neighbouring times mostly share a bucket, so the previous one is tried first.
fn starts(buckets: &Buckets, times: &ArrayRef) -> Result<ArrayRef> {
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let last = Cell::new((0, 0));
    let start = |time: i64| -> Result<i64> {
        let (start, end) = last.get();
        if (start..end).contains(&time) {
            return Ok(start);
        }
        last.set(buckets.around(time)?);
        Ok(last.get().0)
    };
    let starts = times.try_unary::<_, TimestampMicrosecondType, _>(start)?;
    Ok(Arc::new(starts.with_timezone_opt(times.timezone())))
}
