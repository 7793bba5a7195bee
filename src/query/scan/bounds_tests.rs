//! Compares filters with the bounds derived from them, row by row.

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
        ("value_says_nothing_of_the_key", col("value").gt(lit(1.0)), all, None),
    ] {
        let bounds = Bounds::from_filters(&[filter]);
        assert_eq!((bounds.ts, bounds.streams), (MinMax::from(expected_ts), expected_streams), "{name}");
    }
}

#[test]
fn closed_bounds_tell_how_long_they_are() {
    let hour = 3600 * MICROS_PER_SECOND;
    for (name, filter, expected) in [
        ("half_open", col("ts").gt_eq(ts(0)).and(col("ts").lt(ts(hour))), Some(3600)),
        ("one_moment", col("ts").eq(ts(7)), Some(1)),
        ("before_1970", col("ts").between(ts(-hour), ts(-1)), Some(3600)),
        ("without_an_end", col("ts").gt(ts(0)), None),
        ("without_a_beginning", col("ts").lt(ts(0)), None),
        ("contradiction", col("ts").gt(ts(hour)).and(col("ts").lt(ts(0))), None),
        ("longer_than_counted", col("ts").between(ts(i64::MIN + 1), ts(i64::MAX - 1)), None),
    ] {
        assert_eq!(Bounds::from_filters(&[filter]).seconds(), expected, "{name}");
    }
}

#[test]
fn filters_that_the_bounds_say_whole_need_no_other_look() {
    let number = |n: f64| lit(n);
    for (name, filter, is_all) in [
        ("equal", col("stream_id").eq(lit(5)), true),
        ("range", col("ts").gt_eq(ts(10)).and(ts(20).gt(col("ts"))), true),
        ("short_list", col("stream_id").eq(lit(5)).or(col("stream_id").eq(lit(6))), true),
        ("list", col("stream_id").in_list(vec![lit(1), lit(2)], false), true),
        ("between", col("ts").between(ts(1), ts(2)), true),
        ("both", col("stream_id").eq(lit(5)).and(col("ts").lt(ts(1))), true),
        ("streams_in_a_range", col("stream_id").gt(lit(5)), false),
        ("not_in_list", col("stream_id").in_list(vec![lit(1)], true), false),
        ("unequal", col("ts").not_eq(ts(1)), false),
        ("past_the_end", col("ts").gt(ts(i64::MAX)), false),
        (
            "each_with_its_time",
            col("stream_id").eq(lit(5)).and(col("ts").lt(ts(1))).or(col("stream_id").eq(lit(6))),
            false,
        ),
        ("one_side_only", col("stream_id").eq(lit(5)).and(col("ts").not_eq(ts(1))), false),
        ("times_joined_by_or", col("ts").lt(ts(1)).or(col("ts").gt(ts(9))), false),
        ("value", col("value").gt(number(1.0)), false),
    ] {
        let (_, rest) = Bounds::split(std::slice::from_ref(&filter));
        assert_eq!(rest.is_empty(), is_all, "{name}");
    }
}

#[test]
fn comparisons_of_value_bound_it() {
    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
    let value = || col("value");
    for (name, filter, expected) in [
        ("above", value().gt(lit(1.5)), Some((1.5, high))),
        ("literal_first", lit(1.5).gt(value()), Some((low, 1.5))),
        ("between", value().between(lit(1.0), lit(2.0)), Some((1.0, 2.0))),
        ("both", value().gt_eq(lit(1.0)).and(value().lt(lit(2.0))), Some((1.0, 2.0))),
        ("equal", value().eq(lit(3.0)), Some((3.0, 3.0))),
        ("unequal", value().not_eq(lit(3.0)), None),
        ("above_nothing", value().gt(lit(f64::NAN)), None),
        ("or", value().gt(lit(1.0)).or(col("ts").lt(ts(1))), None),
        ("computed", (value() + lit(1.0)).gt(lit(1.0)), None),
    ] {
        assert_eq!(
            Bounds::from_filters(std::slice::from_ref(&filter)).value,
            expected.map(MinMax::from),
            "{name}"
        );
        assert_eq!(is_value_comparison(&filter), expected.is_some(), "{name}");
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
        assert_eq!(is_key_comparison(&filter), expected, "{name}");
    }
}
