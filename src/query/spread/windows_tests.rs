//! Tests which windows are the same over several tasks.

use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{Operator, WindowFrameUnits};
use datafusion::physical_expr::expressions::{BinaryExpr, is_not_null, lit};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;

use super::*;
use crate::query::spread::test_plans::{
    WindowCall, exchanged, functions as known_functions, rows, rows_by_stream, sorted, stream_id, ts,
};

/// `ROWS BETWEEN ... PRECEDING AND CURRENT ROW`.
fn last_rows(count: u64) -> WindowFrame {
    let start = WindowFrameBound::Preceding(ScalarValue::UInt64(Some(count)));
    WindowFrame::new_bounds(WindowFrameUnits::Rows, start, WindowFrameBound::CurrentRow)
}

fn check_all<const N: usize>(cases: [(&str, Arc<dyn ExecutionPlan>, bool); N]) {
    for (name, window, expected) in cases {
        assert_eq!(is_divisible(&window, &known_functions()).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_window_whose_rows_are_together_is_divided() {
    let all = WindowCall { partition_by: Vec::new(), ..WindowCall::of("lag") };
    let merged = || sorted(Arc::new(CoalescePartitionsExec::new(rows(2))), [ts()]);
    let two = vec![
        WindowCall::of("lag").build(),
        WindowCall { frame: last_rows(2), ..WindowCall::of("count") }.build(),
    ];
    let lag = |rows| WindowCall::of("lag").over(rows);
    check_all([
        ("by the hash of its column", lag(rows_by_stream()), true),
        ("of all rows of a stream", WindowCall::of_all("count").over(rows_by_stream()), true),
        ("two functions", operator_of(two, rows_by_stream()).unwrap(), true),
        ("of all rows, merged", all.over(merged()), true),
        ("by the hash of another column", lag(sorted(exchanged(rows(2), ts()), [stream_id(), ts()])), false),
        ("in partitions as they were", lag(sorted(rows(2), [stream_id(), ts()])), false),
    ]);
    let rows = WindowCall::of("lag").over(rows_by_stream());
    assert!(!is_divisible(&rows_by_stream(), &known_functions()).unwrap(), "it is no window");
    assert!(rows.is::<BoundedWindowAggExec>());
    assert!(WindowCall::of_all("count").over(rows_by_stream()).is::<WindowAggExec>());
}

/// DataFusion sends these as if they had been left out.
#[test]
fn a_function_that_does_not_arrive_whole_stays() {
    let filter = || Some(is_not_null(ts()).unwrap());
    let backwards = WindowCall::of("lag").build().get_reverse_expr().expect("lead over the other order");
    let far = WindowCall { frame: last_rows(MAX_FRAME_OFFSET + 1), ..WindowCall::of("count") }.build();
    let near = WindowCall { frame: last_rows(MAX_FRAME_OFFSET), ..WindowCall::of("count") };
    let over = |function| -> Arc<dyn ExecutionPlan> {
        let window =
            BoundedWindowAggExec::try_new(vec![function], rows_by_stream(), InputOrderMode::Sorted, true);
        Arc::new(window.unwrap())
    };
    check_all([
        ("NULLs are values", over(WindowCall::of("lag").build()), true),
        ("IGNORE NULLS", over(WindowCall { ignore_nulls: true, ..WindowCall::of("lag") }.build()), false),
        ("backwards", over(backwards), false),
        ("FILTER", over(WindowCall { filter: filter(), ..WindowCall::of("count") }.build()), false),
        (
            "FILTER of a frame that moves",
            over(WindowCall { filter: filter(), ..near.clone() }.build()),
            false,
        ),
        (
            "IGNORE NULLS of an aggregate",
            over(WindowCall { ignore_nulls: true, ..WindowCall::of("count") }.build()),
            true,
        ),
        ("a frame that is wide", over(near.build()), true),
        ("a frame that is too wide", over(far), false),
    ]);
}

#[test]
fn a_function_that_a_task_does_not_find_stays() {
    let [lag, count] = ["lag", "count"].map(|function| WindowCall::of(function).over(rows_by_stream()));
    let mut fewer = known_functions();
    fewer.deregister_udwf("lag").unwrap();
    assert!(!is_divisible(&lag, &fewer).unwrap());
    assert!(is_divisible(&count, &fewer).unwrap());
    fewer.deregister_udaf("count").unwrap();
    assert!(!is_divisible(&count, &fewer).unwrap());
}

#[test]
fn a_window_whose_order_another_node_does_not_derive_stays() {
    // An exchange of one partition keeps the order of its rows.
    let before = exchanged(sorted(rows(1), [stream_id(), ts()]), stream_id());
    let one = Arc::new(BinaryExpr::new(stream_id(), Operator::Eq, lit(1)));
    let constant = || {
        let rows = FilterExec::try_new(one.clone(), rows(2)).unwrap();
        exchanged(Arc::new(rows), ts())
    };
    let of_both = |function: WindowCall, rows: Arc<dyn ExecutionPlan>| {
        WindowCall { partition_by: vec![stream_id(), ts()], ..function }.over(rows)
    };
    let [lag, count] = [WindowCall::of("lag"), WindowCall::of_all("count")];
    let linear = vec![lag.clone().build()];
    let linear = BoundedWindowAggExec::try_new(linear, rows_by_stream(), InputOrderMode::Linear, true);
    check_all([
        ("an order before the exchange", lag.clone().over(before.clone()), false),
        ("and all rows of a stream", count.clone().over(before), false),
        ("a constant before the exchange", of_both(lag.clone(), sorted(constant(), [ts()])), false),
        ("and all its rows", of_both(count.clone(), sorted(constant(), [ts()])), false),
        ("a constant that is sorted by", of_both(lag, sorted(constant(), [stream_id(), ts()])), true),
        ("and all of its rows", of_both(count, sorted(constant(), [stream_id(), ts()])), true),
        ("rows in no order", Arc::new(linear.unwrap()), false),
    ]);
}

#[test]
fn functions_of_no_window_are_refused() {
    let lag = WindowCall::of("lag");
    let of_times = WindowCall { partition_by: vec![ts()], ..lag.clone() };
    let by_streams = WindowCall { order_by: Vec::new(), ..lag.clone() };
    let following = WindowFrameBound::Following(ScalarValue::UInt64(Some(1)));
    let turned = WindowFrame::new_bounds(WindowFrameUnits::Rows, following, WindowFrameBound::CurrentRow);
    let cases = [
        ("none", vec![]),
        ("of different rows", vec![lag.clone(), of_times]),
        ("of different orders", vec![lag.clone(), by_streams]),
        ("of a frame whose end is before its start", vec![WindowCall { frame: turned, ..lag.clone() }]),
        ("of a frame that is too wide", vec![WindowCall { frame: last_rows(u64::MAX), ..lag }]),
    ];
    for (name, calls) in cases {
        let functions = calls.into_iter().map(WindowCall::build).collect();
        assert!(operator_of(functions, rows_by_stream()).is_err(), "{name}");
    }
}
