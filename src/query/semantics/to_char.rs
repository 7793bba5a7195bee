//! `to_char(time, pattern)` with PostgreSQL's patterns: `YYYY-MM-DD HH24:MI:SS`. DataFusion's takes those of strftime (`%Y-%m`)
//! and returns every other text as it is; a pattern with `%` still goes to it. Numbers, which DataFusion's does not take, are written by
//! `number_text`. Times of day and intervals are lengths of time, as in PostgreSQL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationMicrosecondType, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
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
use super::time_pattern::{LocalTime, Pattern, Span};
use crate::domain::time::MICROS_PER_DAY;
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
        let others = [
            TypeSignatureClass::Integer,
            TypeSignatureClass::Float,
            TypeSignatureClass::Decimal,
            TypeSignatureClass::Interval,
        ];
        let of_others = others.map(|class| {
            let pattern = Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
            TypeSignature::Coercible(vec![Coercion::new_exact(class), pattern])
        });
        let of_times = inner.signature().type_signature.clone();
        let signature =
            Signature::one_of(std::iter::once(of_times).chain(of_others).collect(), Volatility::Immutable);
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
        let is_interval = matches!(data_type, DataType::Interval(_));
        let is_span = is_interval
            || matches!(data_type, DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_));
        let pattern = match args.args.get(1) {
            Some(ColumnarValue::Scalar(pattern)) => pattern.try_as_str().flatten().map(str::to_owned),
            Some(ColumnarValue::Array(_)) => {
                return exec_err!("{NAME}: the pattern must be a constant, not a column");
            }
            None => None,
        };
        let is_ours =
            |pattern: &String| is_number || is_interval || (is_time || is_span) && !pattern.contains('%');
        let Some(pattern) = pattern.filter(is_ours) else {
            return match is_number || is_interval {
                true => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
                false => self.inner.invoke_with_args(args),
            };
        };
        let texts = |values: &ArrayRef| match is_number {
            true => number_text::texts(values, &pattern),
            false if is_span => texts_of_spans(values, &Pattern::parse(&pattern)?),
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

fn texts_of_spans(spans: &ArrayRef, pattern: &Pattern) -> Result<ArrayRef> {
    pattern.check_span()?;
    let text = |span| pattern.format_span(span);
    let texts: StringArray = match spans.data_type() {
        DataType::Duration(_) => {
            let spans = cast(spans, &DataType::Duration(TimeUnit::Microsecond))?;
            let parts = |micros| Span { days: micros / MICROS_PER_DAY, micros: micros % MICROS_PER_DAY };
            let spans = spans.as_primitive::<DurationMicrosecondType>();
            spans.iter().map(|span| span.map(parts).map(text)).collect()
        }
        DataType::Interval(_) => {
            let spans = cast(spans, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            let spans = spans.as_primitive::<IntervalMonthDayNanoType>().iter();
            let parts = spans.map(|span| {
                span.map(|span| Span { days: span.days.into(), micros: span.nanoseconds / 1_000 })
            });
            parts.map(|span| span.map(text)).collect()
        }
        _ => {
            let times = cast(spans, &DataType::Time64(TimeUnit::Microsecond))?;
            let times = times.as_primitive::<Time64MicrosecondType>();
            times.iter().map(|micros| micros.map(|micros| text(Span { days: 0, micros }))).collect()
        }
    };
    Ok(Arc::new(texts))
}
