//! `time_bucket(interval, ts [, timezone])`: the start of the bucket a time lies in.

use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::buckets::Buckets;
use super::types::{self, Kind};
use super::width::Width;
use super::zone::Zone;

const NAME: &str = "time_bucket";

/// TimescaleDB's function. Interval and timezone are constants; NULL in any argument is NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TimeBucket {
    signature: Signature,
}

impl Default for TimeBucket {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// Coerced arguments of `time_bucket` and `time_bucket_gapfill`.
pub fn coerce(args: &[DataType]) -> Vec<DataType> {
    types::coerce(args, &[types::to_width, types::to_time, types::to_name])
}

/// The type of the result, which is that of `ts`.
pub fn return_type(name: &str, args: &[DataType]) -> Result<DataType> {
    let usage = format!("{name}(interval, ts [, timezone])");
    let wanted = [("interval", Kind::Width), ("ts", Kind::Time), ("timezone", Kind::Name)];
    types::check(&usage, args, &wanted, 1)?;
    Ok(args[1].clone())
}

/// The buckets that the constants of a call ask for; `None` when one of them is NULL.
pub fn buckets(name: &str, width: &ScalarValue, zone: Option<&ScalarValue>) -> Result<Option<Buckets>> {
    let Some(width) = Width::from_scalar(name, width)? else { return Ok(None) };
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

    /// Buckets keep the order of times, so an ordered scan feeds an ordered aggregation.
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

/// The bucket starts of a column. Neighbouring times mostly share a bucket, so the last one is tried first.
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
