//! Compares row ranges with a check of every row.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, TimestampMicrosecondArray};
use proptest::prelude::*;

use super::*;

fn batch(rows: &[(i32, i64)]) -> RecordBatch {
    let streams = Int32Array::from_iter_values(rows.iter().map(|r| r.0));
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.1)).with_timezone("UTC");
    let columns: [(&str, ArrayRef); 2] = [("stream_id", Arc::new(streams)), ("ts", Arc::new(times))];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn rows(batch: &RecordBatch) -> Vec<(i32, i64)> {
    let streams = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    streams.iter().copied().zip(times.iter().copied()).collect()
}

proptest! {
    #[test]
    fn a_cut_keeps_the_rows_within_and_their_order(
        given in prop::collection::btree_set((0..6i32, 0..20i64), 0..60),
        streams in prop::option::of(prop::collection::btree_set(0..6i32, 0..4)),
        (from, to) in (-1..21i64, -1..21i64),
    ) {
        let given: Vec<_> = given.into_iter().collect();
        let bounds = Bounds { ts: MinMax::new(from, to), streams, ..Bounds::default() };
        let in_time = |row: &&(i32, i64)| from <= row.1 && row.1 <= to;
        let expected: Vec<_> = given.iter().filter(|r| bounds.has_stream(r.0)).filter(in_time).copied().collect();
        prop_assert_eq!(rows(&retain_within(batch(&given), Some(1), &bounds).unwrap()), expected);
        let of_streams: Vec<_> = given.iter().filter(|r| bounds.has_stream(r.0)).copied().collect();
        prop_assert_eq!(rows(&retain_within(batch(&given), None, &bounds).unwrap()), of_streams);
    }
}
