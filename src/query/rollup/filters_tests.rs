//! Tests which filters a rollup can answer.

use datafusion::prelude::{col, lit};

use super::*;

fn ts(micros: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
}

#[test]
fn only_streams_and_one_range_of_time_are_answered() {
    let (all, id, time) = ((i64::MIN, i64::MAX), || col("stream_id"), || col("ts"));
    let of = |conditions: Option<Conditions>| conditions.map(|c| (c.ts, c.choose((1..8).collect()).unwrap()));
    let every: Vec<i32> = (1..8).collect();
    for (name, filter, expected) in [
        ("equal", id().eq(lit(5)), Some((all, vec![5]))),
        ("list", id().in_list(vec![lit(1), lit(9)], false), Some((all, vec![1]))),
        ("not_in_list", id().in_list(vec![lit(1), lit(7)], true), Some((all, vec![2, 3, 4, 5, 6]))),
        ("below_or_equal", id().lt(lit(3)).or(id().eq(lit(7))), Some((all, vec![1, 2, 7]))),
        ("half_open", time().gt_eq(ts(10)).and(time().lt(ts(20))), Some(((10, 20), every.clone()))),
        ("open_and_closed", time().gt(ts(10)).and(time().lt_eq(ts(20))), Some(((11, 21), every.clone()))),
        ("literal_first", ts(10).lt_eq(time()), Some(((10, i64::MAX), every.clone()))),
        ("between", time().between(ts(1), ts(2)), Some(((1, 3), every.clone()))),
        ("equal_time", time().eq(ts(4)), Some(((4, 5), every.clone()))),
        ("both", id().eq(lit(2)).and(time().lt(ts(3))), Some(((i64::MIN, 3), vec![2]))),
        ("two_ranges", time().lt(ts(1)).or(time().gt(ts(9))), None),
        ("a_hole", time().not_eq(ts(1)), None),
        ("not_between", time().not_between(ts(1), ts(2)), None),
        ("mixed", id().eq(lit(2)).or(time().lt(ts(3))), None),
        ("computed", (id() + lit(1)).eq(lit(2)), None),
        ("a_value", col("value").gt(lit(1.0)), None),
        ("nothing_known", time().gt(lit(ScalarValue::TimestampMicrosecond(None, None))), None),
        ("constant", lit(false), None),
    ] {
        assert_eq!(of(Conditions::from_filters(&[filter])), expected, "{name}");
    }
    assert_eq!(of(Conditions::from_filters(&[])), Some((all, every)));
}
