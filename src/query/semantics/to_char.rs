//! `to_char(time, pattern)` with PostgreSQL's patterns: `YYYY-MM-DD HH24:MI:SS`. DataFusion's takes those of strftime (`%Y-%m`)
//! and returns every other text as it is; a pattern with `%` still goes to it. Numbers, which DataFusion's does not take, are written by
//! `number_text`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::common::types::logical_string;
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::{
    Coercion, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    TypeSignatureClass, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::number_text;
use super::time_pattern::{LocalTime, Pattern};
use crate::query::functions::zone::Zone;

const NAME: &str = "to_char";

/// `to_char`, over DataFusion's own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToChar {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl Default for ToChar {
    fn default() -> Self {
        let inner = datetime::to_char();
        let of_numbers =
            [TypeSignatureClass::Integer, TypeSignatureClass::Float, TypeSignatureClass::Decimal];
        let of_numbers = of_numbers.map(|class| {
            let pattern = Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
            TypeSignature::Coercible(vec![Coercion::new_exact(class), pattern])
        });
        let of_times = inner.signature().type_signature.clone();
        let signature =
            Signature::one_of(std::iter::once(of_times).chain(of_numbers).collect(), Volatility::Immutable);
        Self { inner, signature }
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
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let data_type = args.args.first().map_or(DataType::Null, ColumnarValue::data_type);
        let is_time = matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
        let is_number = data_type.is_numeric();
        let pattern = match args.args.get(1) {
            Some(ColumnarValue::Scalar(pattern)) => pattern.try_as_str().flatten().map(str::to_owned),
            Some(ColumnarValue::Array(_)) => {
                return exec_err!("{NAME}: the pattern must be a constant, not a column");
            }
            None => None,
        };
        let is_ours = |pattern: &String| is_number || is_time && !pattern.contains('%');
        let Some(pattern) = pattern.filter(is_ours) else {
            return match is_number {
                true => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
                false => self.inner.invoke_with_args(args),
            };
        };
        let texts = |values: &ArrayRef| match is_number {
            true => number_text::texts(values, &pattern),
            false => texts_of_times(values, &Pattern::parse(&pattern)?),
        };
        match &args.args[0] {
            ColumnarValue::Array(values) => texts(values).map(ColumnarValue::Array),
            ColumnarValue::Scalar(value) => {
                let text = texts(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&text, 0)?))
            }
        }
    }
}

fn texts_of_times(times: &ArrayRef, pattern: &Pattern) -> Result<ArrayRef> {
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
