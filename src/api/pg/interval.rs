//! Intervals as PostgreSQL sends them: months, days and a time of day, each with a sign of its own.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, IntervalMonthDayNanoArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, DurationNanosecondType, IntervalMonthDayNano, IntervalMonthDayNanoType, TimeUnit,
};
use arrow::error::ArrowError;

const NANOS_PER_MICRO: i64 = 1000;
const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// Converts durations to intervals of whole days and a rest, as PostgreSQL tells the difference of two times.
///
/// # Errors
/// A duration of more than 292 years.
pub fn from_durations(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let nanos = cast(column, &DataType::Duration(TimeUnit::Nanosecond))?;
    let nanos = nanos.as_primitive::<DurationNanosecondType>();
    let intervals: IntervalMonthDayNanoArray = nanos.unary(|nanos| {
        // At most 106,752 days.
        IntervalMonthDayNano::new(0, (nanos / NANOS_PER_DAY) as i32, nanos % NANOS_PER_DAY)
    });
    Ok(Arc::new(intervals))
}

/// Returns the binary format of intervals: microseconds, days and months.
pub fn binary(column: &ArrayRef) -> ArrayRef {
    let intervals = column.as_primitive::<IntervalMonthDayNanoType>();
    let bytes = |interval: IntervalMonthDayNano| {
        let mut bytes = Vec::with_capacity(16);
        bytes.extend((interval.nanoseconds / NANOS_PER_MICRO).to_be_bytes());
        bytes.extend(interval.days.to_be_bytes());
        bytes.extend(interval.months.to_be_bytes());
        bytes
    };
    let values: BinaryArray = intervals.iter().map(|interval| interval.map(bytes)).collect();
    Arc::new(values)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, DurationMicrosecondArray};

    use super::*;

    #[test]
    fn durations_are_days_and_a_rest() {
        let durations: ArrayRef = Arc::new(DurationMicrosecondArray::from(vec![
            Some(259_140_000_000),
            None,
            Some(-90_000_000_000),
        ]));
        let intervals = from_durations(&durations).unwrap();
        let found: Vec<_> = intervals.as_primitive::<IntervalMonthDayNanoType>().iter().flatten().collect();
        let nanos = |seconds: i64| seconds * 1_000_000_000;
        assert_eq!(
            found,
            [IntervalMonthDayNano::new(0, 2, nanos(86_340)), IntervalMonthDayNano::new(0, -1, nanos(-3600))]
        );
        let bytes = binary(&intervals);
        let bytes = bytes.as_binary::<i32>();
        assert_eq!(
            bytes.value(0),
            [&86_340_000_000_i64.to_be_bytes()[..], &[0, 0, 0, 2, 0, 0, 0, 0]].concat()
        );
        assert!(bytes.is_null(1));
    }
}
