//! Tests of the types in which results are sent.

use arrow::array::{
    Decimal128Array, DurationNanosecondArray, IntervalMonthDayNanoArray, ListArray, UInt64Array,
};
use arrow::datatypes::{Int32Type, IntervalMonthDayNano, TimeUnit};

use super::*;

fn columns(data_type: DataType, format: i16) -> ResultColumns {
    ResultColumns::new(&Arc::new(Schema::new(vec![Field::new("n", data_type, true)])), &[format]).unwrap()
}

/// Encodes a column; `None` are nulls.
fn encoded(column: ArrayRef, format: i16) -> Result<Vec<Option<Vec<u8>>>, PgError> {
    let columns = columns(column.data_type().clone(), format);
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    let mut rows = columns.encode(&batch)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next_row() {
        let row = row.unwrap();
        let length = i32::from_be_bytes(row.data[..4].try_into().unwrap());
        values.push((length >= 0).then(|| row.data[4..].to_vec()));
    }
    Ok(values)
}

#[test]
fn results_have_the_types_of_postgresql() {
    let spans = DataType::Duration(TimeUnit::Microsecond);
    for (data_type, expected) in [
        (DataType::UInt64, Type::INT8),
        (spans.clone(), Type::INTERVAL),
        (DataType::new_list(spans, true), Type::INTERVAL_ARRAY),
        (DataType::new_list(DataType::UInt64, true), Type::INT8_ARRAY),
        (DataType::Decimal128(38, 10), Type::NUMERIC),
        (DataType::Decimal256(60, 10), Type::TEXT),
    ] {
        assert_eq!(*columns(data_type.clone(), 0).fields[0].datatype(), expected, "{data_type}");
    }
    let name = Field::new("n", DataType::Utf8, true)
        .with_metadata([(PG_OID_ALIAS_KEY.to_owned(), "regproc".to_owned())].into());
    let named = ResultColumns::new(&Arc::new(Schema::new(vec![name])), &[]).unwrap();
    assert_eq!(*named.fields[0].datatype(), Type::TEXT, "functions are told by their names");
}

#[test]
fn ranks_are_bigint_or_out_of_range() {
    let ranks = |last| Arc::new(UInt64Array::from(vec![Some(1), None, Some(last)])) as ArrayRef;
    let texts = encoded(ranks(i64::MAX as u64), 0).unwrap();
    assert_eq!(texts, [Some(b"1".to_vec()), None, Some(b"9223372036854775807".to_vec())]);
    assert_eq!(encoded(ranks(2), 1).unwrap()[2], Some(2_i64.to_be_bytes().to_vec()));
    let beyond = encoded(ranks(u64::MAX), 0).unwrap_err();
    assert!(matches!(beyond, PgError::Protocol("22003", _)), "{beyond:?}");
}

#[test]
fn arrays_are_texts_without_more_quotes() {
    let numbers: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]));
    assert_eq!(encoded(numbers, 0).unwrap(), [Some(b"{1,NULL}".to_vec()), None]);
}

#[test]
fn decimals_have_all_their_digits() {
    let of = |digits| Decimal128Array::from(vec![Some(digits), None]);
    let decimals: ArrayRef = Arc::new(of(-15_000_000_000).with_precision_and_scale(38, 10).unwrap());
    assert_eq!(encoded(Arc::clone(&decimals), 0).unwrap(), [Some(b"-1.5000000000".to_vec()), None]);
    let binary = [2_i16, 0, 0x4000, 10, 1, 5000].into_iter().flat_map(i16::to_be_bytes).collect();
    assert_eq!(encoded(decimals, 1).unwrap(), [Some(binary), None]);
}

#[test]
fn spans_of_time_are_intervals_in_both_formats() {
    let spans: ArrayRef = Arc::new(DurationNanosecondArray::from(vec![Some(259_140_000_000_000), None]));
    assert_eq!(encoded(Arc::clone(&spans), 0).unwrap(), [Some(b"2 days 23:59:00".to_vec()), None]);
    let binary = [&86_340_000_000_i64.to_be_bytes()[..], &2_i32.to_be_bytes(), &0_i32.to_be_bytes()].concat();
    assert_eq!(encoded(spans, 1).unwrap(), [Some(binary), None]);
    let months = IntervalMonthDayNano::new(-14, 0, 0);
    let intervals: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![Some(months), None]));
    assert_eq!(encoded(intervals, 0).unwrap(), [Some(b"-1 years -2 mons".to_vec()), None]);
}
