//! `timezone(zone, time)`, which is what `time AT TIME ZONE zone` means (PostgreSQL 17, 9.9.4): of an instant the time that the
//! clock of the zone shows, which has no zone; of a time without a zone the instant at which the clock shows it. DataFusion's
//! own conversion only notes another zone beside the instant.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::return_field::as_nullable_as_arguments;
use crate::query::functions::zone::Zone;

/// Name of the function, by which `AT TIME ZONE` is rewritten to a call of it.
pub const NAME: &str = "timezone";
/// The zone of all instants.
const UTC: &str = "UTC";

/// The function `timezone`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Timezone {
    signature: Signature,
}

impl Default for Timezone {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Timezone {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        let [_, time] = args else { return plan_err!("{NAME}(zone, time) takes two arguments") };
        let zone = match time {
            DataType::Timestamp(_, None) => None,
            // A date is the instant at which it begins.
            DataType::Timestamp(_, Some(_)) | DataType::Date32 | DataType::Date64 => Some(UTC.into()),
            // A text is an instant, as it is where it is compared with one.
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Some(UTC.into()),
            other => return plan_err!("AT TIME ZONE needs a time, not {other}"),
        };
        Ok(vec![DataType::Utf8, DataType::Timestamp(TimeUnit::Microsecond, zone)])
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [_, DataType::Timestamp(unit, Some(_))] => Ok(DataType::Timestamp(*unit, None)),
            [_, DataType::Timestamp(unit, None)] => Ok(DataType::Timestamp(*unit, Some(UTC.into()))),
            _ => plan_err!("{NAME}(zone, time) needs a zone and a time"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = match args.args.first() {
            Some(ColumnarValue::Scalar(zone)) => zone.try_as_str().flatten(),
            _ => return exec_err!("AT TIME ZONE needs a constant zone"),
        };
        let Some(zone) = zone else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(args.return_field.data_type())?));
        };
        let zone = parse_zone("AT TIME ZONE", zone)?;
        match &args.args[1] {
            ColumnarValue::Array(times) => convert(times, zone).map(ColumnarValue::Array),
            ColumnarValue::Scalar(time) => {
                let converted = convert(&time.to_array()?, zone)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&converted, 0)?))
            }
        }
    }
}

/// Parses the zone of a function that PostgreSQL has too. An offset is refused: PostgreSQL takes `+05:30` for west of Greenwich there, as
/// POSIX does, and everybody else for east.
///
/// # Errors
/// That there is no such zone, or that it is an offset.
pub(super) fn parse_zone(function: &str, zone: &str) -> Result<Zone> {
    match zone.starts_with(['+', '-']) || zone.starts_with(|first: char| first.is_ascii_digit()) {
        true => exec_err!(
            "{function}: `{zone}` is an offset, whose sign PostgreSQL takes the other way round; name a timezone, as in \
             `Europe/Berlin` or `Etc/GMT-2`, or add an interval"
        ),
        false => Zone::parse(function, zone),
    }
}

fn convert(times: &ArrayRef, zone: Zone) -> Result<ArrayRef> {
    let is_instant = matches!(times.data_type(), DataType::Timestamp(_, Some(_)));
    let label = is_instant.then(|| UTC.into());
    let times = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, label))?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let converted = match is_instant {
        true => times.unary::<_, TimestampMicrosecondType>(|instant| zone.local(instant)),
        false => times.unary::<_, TimestampMicrosecondType>(|local| zone.instant(local)),
    };
    Ok(Arc::new(converted.with_timezone_opt((!is_instant).then_some(UTC))))
}
