//! Arrow types in which results are sent, of which each has a type of PostgreSQL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, IntervalUnit};
use arrow::error::ArrowError;

use super::interval;

/// Returns the type in which values of a type are sent, without loss: times in UTC, dictionaries as their values, spans of
/// time as `interval`, unsigned numbers as `bigint`, decimals beyond 38 digits and NULLs of no type as text.
pub fn sent_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::UInt64 => DataType::Int64,
        // A NULL without a type is a text.
        DataType::Decimal256(..) | DataType::Null => DataType::Utf8,
        DataType::Decimal32(..) | DataType::Decimal64(..) => DataType::Float64,
        DataType::Dictionary(_, values) => sent_type(values),
        DataType::Float16 => DataType::Float32,
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            let sent = sent_type(element.data_type());
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(sent)))
        }
        other => other.clone(),
    }
}

/// Converts values to the type in which they are sent.
///
/// # Errors
/// A value that this type does not hold.
pub fn convert(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    match (column.data_type(), to) {
        (from, to) if from == to => Ok(Arc::clone(column)),
        (DataType::Duration(_), DataType::Interval(_)) => interval::from_durations(column),
        (DataType::List(_), DataType::List(element)) => {
            let lists = column.as_list::<i32>();
            let values = convert(lists.values(), element.data_type())?;
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, values, nulls)?))
        }
        _ => cast_with_options(column, to, &CastOptions { safe: false, ..CastOptions::default() }),
    }
}
