//! Tests that times are written as chrono writes them.

use arrow::array::{
    Int64Array, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use chrono::DateTime;
use proptest::prelude::*;

use super::*;

/// The text of each value of a column, with what chrono makes of it.
fn assert_as_chrono(column: ArrayRef, nanos_per_unit: i128, values: &[Option<i64>]) {
    let is_instant = matches!(column.data_type(), DataType::Timestamp(_, Some(_)));
    let pattern = if is_instant { "%Y-%m-%dT%H:%M:%S%.fZ" } else { "%Y-%m-%dT%H:%M:%S%.f" };
    let batch = RecordBatch::try_from_iter_with_nullable([("t", column, true)]).unwrap();
    let texts = with_time_texts(batch).unwrap();
    let texts = texts.column(0).as_string::<i32>();
    for (place, value) in values.iter().enumerate() {
        let expected = value.map(|value| {
            let nanos = i128::from(value) * nanos_per_unit;
            let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
            let time = DateTime::from_timestamp(seconds as i64, rest as u32).unwrap();
            time.naive_utc().format(pattern).to_string()
        });
        assert_eq!(texts.is_valid(place).then(|| texts.value(place).to_owned()), expected, "{value:?}");
    }
}

proptest! {
    #[test]
    fn times_are_written_as_chrono_writes_them(
        values in prop::collection::vec(prop::option::of(prop_oneof![
            -80_000_000_000_000_000_i64..300_000_000_000_000_000,
            (-30_000_i64..30_000).prop_map(|day| day * 86_400_000_000),
            (0_i64..4_000_000_000_000).prop_map(|millis| millis * 1000),
        ]), 0..20),
    ) {
        let micros = TimestampMicrosecondArray::from(values.clone());
        assert_as_chrono(Arc::new(micros.clone()), 1_000, &values);
        assert_as_chrono(Arc::new(micros.with_timezone("UTC")), 1_000, &values);
        let millis: Vec<_> = values.iter().map(|value| value.map(|value| value / 1000)).collect();
        assert_as_chrono(Arc::new(TimestampMillisecondArray::from(millis.clone())), 1_000_000, &millis);
        let seconds: Vec<_> = values.iter().map(|value| value.map(|value| value / 1_000_000)).collect();
        assert_as_chrono(Arc::new(TimestampSecondArray::from(seconds.clone())), 1_000_000_000, &seconds);
        let nanos: Vec<_> = values.iter().map(|value| value.map(|value| value % 9_000_000_000_000_000_000)).collect();
        assert_as_chrono(Arc::new(TimestampNanosecondArray::from(nanos.clone())), 1, &nanos);
    }
}

#[test]
fn other_columns_stay_and_times_without_a_year_are_errors() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    assert_eq!(with_time_texts(batch.clone()).unwrap(), batch);
    let far: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX]));
    assert!(with_time_texts(RecordBatch::try_from_iter([("t", far)]).unwrap()).is_err());
}
