//! `to_timestamp(seconds)`: the time so many seconds after 1970, to the nearest microsecond. DataFusion (55) cuts the product with a
//! billion to a nanosecond, so that 0.25 seconds became 0.249999, and takes times after 2262 for the last that it knows. It reads a
//! text alone as a time, which PostgreSQL does with a pattern only.

use std::sync::Arc;

use arrow::array::{AsArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{exec_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::functions::datetime::to_timestamp;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

const ZONE: &str = "UTC";
const MICROS_PER_SECOND: f64 = 1_000_000.0;
/// Seconds from 1970 to 2000, from where PostgreSQL counts.
const SECONDS_TO_2000: i64 = 946_684_800;

/// The function; of a text with a pattern, and of times, it is DataFusion's.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToTimestamp {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl Default for ToTimestamp {
    fn default() -> Self {
        let mut options = ConfigOptions::default();
        options.execution.time_zone = Some(ZONE.to_owned());
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { inner: to_timestamp(&options), signature }
    }
}

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(match types {
            [seconds] if seconds.is_numeric() => vec![DataType::Float64],
            _ => types.to_vec(),
        })
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [seconds] if seconds.is_numeric() => {
                Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into())))
            }
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View] => plan_err!(
                "No function to_timestamp takes a text alone: cast it, x::timestamptz, or give its pattern, \
                 to_timestamp(x, 'YYYY-MM-DD HH24:MI:SS')"
            ),
            _ => self.inner.return_type(types),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let seconds = match args.args.as_slice() {
            [seconds] if seconds.data_type().is_numeric() => seconds,
            _ => return self.inner.invoke_with_args(args),
        };
        let is_constant = matches!(seconds, ColumnarValue::Scalar(_));
        let seconds =
            cast(&seconds.to_array(if is_constant { 1 } else { args.number_rows })?, &DataType::Float64)?;
        let times = seconds.as_primitive::<Float64Type>().iter();
        let times = times.map(|seconds| seconds.map(micros).transpose());
        let times = times.collect::<Result<TimestampMicrosecondArray>>()?.with_timezone(ZONE);
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&times, 0)?),
            false => ColumnarValue::Array(Arc::new(times)),
        })
    }
}

/// Microseconds since 1970, rounded as `float8_timestamptz` of PostgreSQL does it.
fn micros(seconds: f64) -> Result<i64> {
    let since_2000 = ((seconds - SECONDS_TO_2000 as f64) * MICROS_PER_SECOND).round_ties_even();
    // A number that is not finite is not below either.
    let made = match since_2000.abs() < i64::MAX as f64 {
        true => (since_2000 as i64).checked_add(SECONDS_TO_2000 * 1_000_000),
        false => None,
    };
    made.ok_or_else(|| exec_datafusion_err!("to_timestamp: timestamp out of range: \"{seconds}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_nearest_microsecond() {
        assert_eq!(micros(1_711_843_200.25).unwrap(), 1_711_843_200_250_000);
        assert_eq!(micros(1_711_843_200.123_457).unwrap(), 1_711_843_200_123_457);
        assert_eq!(micros(1e10).unwrap(), 10_000_000_000_000_000);
        assert_eq!(micros(-0.5).unwrap(), -500_000);
        for none in [f64::NAN, f64::NEG_INFINITY, 1e300] {
            assert!(micros(none).is_err(), "{none}");
        }
    }
}
