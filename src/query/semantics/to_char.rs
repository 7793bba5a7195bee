//! `to_char(time, pattern)` with PostgreSQL's patterns: `YYYY-MM-DD HH24:MI:SS`. DataFusion's takes those of strftime (`%Y-%m`)
//! and returns every other text as it is; a pattern with `%` still goes to it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};
use datafusion::scalar::ScalarValue;

use super::time_pattern::{LocalTime, Pattern};
use crate::query::functions::zone::Zone;

const NAME: &str = "to_char";

/// `to_char`, over DataFusion's own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToChar {
    inner: Arc<ScalarUDF>,
}

impl Default for ToChar {
    fn default() -> Self {
        Self { inner: datetime::to_char() }
    }
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        NAME
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_time = args.args.first().is_some_and(|time| {
            matches!(time.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
        });
        let pattern = match args.args.get(1) {
            Some(ColumnarValue::Scalar(pattern)) => pattern.try_as_str().flatten().map(str::to_owned),
            Some(ColumnarValue::Array(_)) => {
                return exec_err!("{NAME}: the pattern must be a constant, not a column");
            }
            None => None,
        };
        let Some(pattern) = pattern.filter(|pattern| is_time && !pattern.contains('%')) else {
            return self.inner.invoke_with_args(args);
        };
        let pattern = Pattern::parse(&pattern)?;
        match &args.args[0] {
            ColumnarValue::Array(times) => texts(times, &pattern).map(ColumnarValue::Array),
            ColumnarValue::Scalar(time) => {
                let text = texts(&time.to_array()?, &pattern)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&text, 0)?))
            }
        }
    }
}

fn texts(times: &ArrayRef, pattern: &Pattern) -> Result<ArrayRef> {
    let zone = match times.data_type() {
        DataType::Timestamp(_, Some(zone)) => Some(Zone::parse(NAME, zone)?),
        _ => None,
    };
    let name = zone.map_or_else(String::new, |zone| zone.to_string());
    // A cast between zones keeps the instant.
    let kept = zone.as_ref().map(|_| "UTC".into());
    let times = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, kept))?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let mut texts = StringBuilder::with_capacity(times.len(), times.len() * 20);
    for time in times {
        match time {
            Some(instant) => {
                let offset = zone.map_or(0, |zone| zone.offset(instant));
                texts.append_value(pattern.format(&LocalTime {
                    micros: instant + offset,
                    offset,
                    zone: &name,
                }));
            }
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}
