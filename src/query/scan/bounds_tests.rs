//! Filters and the bounds read off them, row by row.

use datafusion::prelude::{col, lit};

use super::*;

fn ts(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
}

#[test]
fn bounds_are_read_off_filters() {
    let streams = |ids: &[i32]| Some(BTreeSet::from_iter(ids.iter().copied()));
    let all = (i64::MIN, i64::MAX);
    for (name, filter, expected_ts, expected_streams) in [
        ("equal", col("stream_id").eq(lit(5)), all, streams(&[5])),
        ("literal_first", lit(5).eq(col("stream_id")), all, streams(&[5])),
        ("list", col("stream_id").in_list(vec![lit(1), lit(2)], false), all, streams(&[1, 2])),
        ("not_in_list", col("stream_id").in_list(vec![lit(1)], true), all, None),
        ("contradiction", col("stream_id").eq(lit(5)).and(col("stream_id").eq(lit(6))), all, streams(&[])),
        ("half_open", col("ts").gt_eq(ts(10)).and(col("ts").lt(ts(20))), (10, 19), None),
        ("open", col("ts").gt(ts(10)), (11, i64::MAX), None),
        ("literal_left", ts(10).gt(col("ts")), (i64::MIN, 9), None),
        ("between", col("ts").between(ts(1), ts(2)), (1, 2), None),
        ("or_of_streams", col("stream_id").eq(lit(5)).or(col("stream_id").eq(lit(6))), all, streams(&[5, 6])),
        (
            "or_of_streams_and_more",
            col("stream_id").eq(lit(5)).and(col("ts").lt(ts(1))).or(col("stream_id").eq(lit(6))),
            all,
            streams(&[5, 6]),
        ),
        ("or_says_nothing", col("ts").lt(ts(1)).or(col("stream_id").eq(lit(1))), all, None),
        ("value_says_nothing", col("value").gt(lit(1.0)), all, None),
    ] {
        let bounds = Bounds::from_filters(&[filter]);
        assert_eq!((bounds.ts, bounds.streams), (expected_ts, expected_streams), "{name}");
    }
}

#[test]
fn only_plain_comparisons_of_the_key_go_below_the_principal() {
    for (name, filter, expected) in [
        ("key_compared", col("stream_id").eq(lit(5)), true),
        ("both_and_or", col("ts").lt(ts(1)).or(col("stream_id").eq(lit(1))), true),
        ("division_could_fail", (lit(1) / (col("stream_id") - lit(5))).gt(lit(0)), false),
        ("value_compared", col("value").gt(lit(1.0)), false),
        ("mixed", col("stream_id").eq(lit(5)).and(col("value").gt(lit(1.0))), false),
    ] {
        assert_eq!(is_plain(&filter), expected, "{name}");
    }
}
