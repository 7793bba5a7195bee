//! Times of results as texts, for formats that have no type for times: ISO 8601 with as many thousands of the fraction as it needs,
//! and `Z` where the column is of instants.
//!
//! arrow writes them by a pattern that chrono reads again for each value. Here the date is written once for all times of one day that follow
//! each other, which is nearly all of them, and the rest is digits.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Field, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use chrono::NaiveDate;

const SECONDS_PER_DAY: i64 = 86_400;
/// Bytes of a time with microseconds and zone.
const USUAL_LEN: usize = 27;

/// The batch with texts in the place of times. Times within lists and structures stay.
///
/// # Errors
/// `CastError` for a time beyond the years that chrono knows, some 262,000 before and after 0.
pub fn with_time_texts(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let is_time = |field: &Arc<Field>| matches!(field.data_type(), DataType::Timestamp(..));
    if !batch.schema_ref().fields().iter().any(is_time) {
        return Ok(batch);
    }
    let as_text = |field: &Arc<Field>| match is_time(field) {
        true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        false => field.clone(),
    };
    let fields: Vec<_> = batch.schema_ref().fields().iter().map(as_text).collect();
    let columns = batch.columns().iter().map(column_text).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

fn column_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let DataType::Timestamp(unit, zone) = column.data_type() else { return Ok(column.clone()) };
    let is_instant = zone.is_some();
    let texts = match unit {
        TimeUnit::Second => texts::<TimestampSecondType>(column, 1, is_instant),
        TimeUnit::Millisecond => texts::<TimestampMillisecondType>(column, 1_000, is_instant),
        TimeUnit::Microsecond => texts::<TimestampMicrosecondType>(column, 1_000_000, is_instant),
        TimeUnit::Nanosecond => texts::<TimestampNanosecondType>(column, 1_000_000_000, is_instant),
    };
    Ok(Arc::new(texts?))
}

/// The texts of a column that counts so many of its units in a second.
fn texts<T: ArrowTimestampType>(
    column: &ArrayRef,
    per_second: i64,
    is_instant: bool,
) -> Result<StringArray, ArrowError> {
    let times = column.as_primitive::<T>();
    let mut writer = TimeWriter::default();
    let mut bytes = Vec::with_capacity(times.len() * USUAL_LEN);
    let mut offsets = Vec::with_capacity(times.len() + 1);
    offsets.push(0);
    for place in 0..times.len() {
        if times.is_valid(place) {
            let time = times.value(place);
            let nanos = time.rem_euclid(per_second) * (1_000_000_000 / per_second);
            writer.write(&mut bytes, time.div_euclid(per_second), nanos)?;
            if is_instant {
                bytes.push(b'Z');
            }
        }
        let end = i32::try_from(bytes.len());
        offsets.push(end.map_err(|_| ArrowError::CastError("too many times in one batch".to_owned()))?);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::try_new(offsets, Buffer::from_vec(bytes), times.nulls().cloned())
}

/// Writes times, of which many follow each other within a day.
#[derive(Debug, Default)]
struct TimeWriter {
    day: i64,
    /// The day as `2024-03-31T`; empty before the first.
    date: Vec<u8>,
}

impl TimeWriter {
    /// Appends a time of so many seconds since 1970, and nanoseconds beyond them.
    fn write(&mut self, out: &mut Vec<u8>, seconds: i64, nanos: i64) -> Result<(), ArrowError> {
        let day = seconds.div_euclid(SECONDS_PER_DAY);
        if day != self.day || self.date.is_empty() {
            let date = i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days);
            let date = date.ok_or_else(|| {
                ArrowError::CastError(format!("{seconds} seconds since 1970 are in no year that has a text"))
            })?;
            (self.day, self.date) = (day, date.format("%Y-%m-%dT").to_string().into_bytes());
        }
        out.extend_from_slice(&self.date);
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        push_digits::<2>(out, second / 3600);
        out.push(b':');
        push_digits::<2>(out, second / 60 % 60);
        out.push(b':');
        push_digits::<2>(out, second % 60);
        if nanos > 0 {
            out.push(b'.');
            match (nanos % 1_000_000, nanos % 1_000) {
                (0, _) => push_digits::<3>(out, nanos / 1_000_000),
                (_, 0) => push_digits::<6>(out, nanos / 1_000),
                _ => push_digits::<9>(out, nanos),
            }
        }
        Ok(())
    }
}

/// Appends the last digits of a number that is not negative.
fn push_digits<const COUNT: usize>(out: &mut Vec<u8>, mut number: i64) {
    let mut digits = [b'0'; COUNT];
    for digit in digits.iter_mut().rev() {
        // One digit.
        *digit += (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits);
}

#[cfg(test)]
#[path = "time_text_tests.rs"]
mod tests;
