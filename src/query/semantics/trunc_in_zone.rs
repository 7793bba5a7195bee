//! `date_trunc(unit, instant, zone)` (PostgreSQL 15, 9.9.2): the instant at which the unit began by the clock of a zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::{binary, cast};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::date_trunc::{DateTrunc, is_of_a_clock};
use super::return_field::as_nullable_as_arguments;
use super::timezone::parse_zone;
use crate::query::functions::zone::Zone;

/// Name of the function in plans; statements call it `date_trunc`.
pub(super) const NAME: &str = "date_trunc_in_zone";
const UTC: &str = "UTC";
const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct TruncInZone {
    within: DateTrunc,
    signature: Signature,
}

impl Default for TruncInZone {
    fn default() -> Self {
        let types = vec![DataType::Utf8, instant(), DataType::Utf8];
        Self { within: DateTrunc::default(), signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TruncInZone {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(unit), time, ColumnarValue::Scalar(zone)] = args.args.as_slice() else {
            return exec_err!("date_trunc: the unit and the timezone must be constants, not columns");
        };
        let (Some(unit_name), Some(zone)) = (unit.try_as_str().flatten(), zone.try_as_str().flatten()) else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&instant())?));
        };
        let zone = parse_zone("date_trunc", zone)?;
        let is_constant = matches!(time, ColumnarValue::Scalar(_));
        let rows = if is_constant { 1 } else { args.number_rows };
        let times = cast(&time.to_array(rows)?, &instant())?;
        let local = times.as_primitive::<TimestampMicrosecondType>();
        let local = local.unary::<_, TimestampMicrosecondType>(|time| zone.local(time));
        let local: ArrayRef = Arc::new(local.with_timezone_opt(None::<&str>));
        let cut = self.within.invoke_with_args(ScalarFunctionArgs {
            args: vec![ColumnarValue::Scalar(unit.clone()), ColumnarValue::Array(local)],
            arg_fields: vec![args.arg_fields[0].clone(), Arc::new(Field::new("time", LOCAL, true))],
            number_rows: rows,
            return_field: Arc::new(Field::new("date_trunc", LOCAL, true)),
            config_options: args.config_options.clone(),
        })?;
        let starts = starts(&times, &cut.to_array(rows)?, zone, is_of_a_clock(unit_name))?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&starts, 0)?),
            false => ColumnarValue::Array(starts),
        })
    }
}

/// Returns the instants of the local times at which units began. An hour and less keep the offset of the time within them, as in
/// PostgreSQL (`timestamptz_trunc_internal`): a clock that is set back shows an hour twice, and both have their own start.
fn starts(times: &ArrayRef, cut: &ArrayRef, zone: Zone, keeps_offset: bool) -> Result<ArrayRef> {
    let cut = cast(cut, &LOCAL)?;
    let (times, cut) =
        (times.as_primitive::<TimestampMicrosecondType>(), cut.as_primitive::<TimestampMicrosecondType>());
    let starts = binary::<_, _, _, TimestampMicrosecondType>(times, cut, |time, local| match keeps_offset {
        true => local - zone.offset(time),
        false => zone.instant(local),
    })?;
    Ok(Arc::new(starts.with_timezone_opt(Some(UTC))))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, TimestampMicrosecondArray};

    use super::*;

    /// 2024-10-27T00:30:00Z and an hour later: both are half past two in Berlin.
    #[test]
    fn an_hour_that_comes_twice_has_two_starts() {
        const HALF_HOUR: i64 = 1_800_000_000;
        let twice = [1_729_989_000_000_000, 1_729_992_600_000_000];
        let zone = Zone::parse("a test", "Europe/Berlin").unwrap();
        let times: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![Some(twice[0]), Some(twice[1]), None]));
        let times = cast(&times, &instant()).unwrap();
        let local = zone.local(twice[0]) - HALF_HOUR;
        assert_eq!(local, zone.local(twice[1]) - HALF_HOUR, "the clock shows the same");
        let cut: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(local), Some(local), None]));
        for (keeps_offset, expected) in
            [(true, twice.map(|time| time - HALF_HOUR)), (false, [twice[1] - HALF_HOUR; 2])]
        {
            let found = starts(&times, &cut, zone, keeps_offset).unwrap();
            let found = found.as_primitive::<TimestampMicrosecondType>();
            assert_eq!(([found.value(0), found.value(1)], found.is_null(2)), (expected, true));
        }
    }
}
