//! Tests which plans of exchanges and windows are divided.

use datafusion::physical_expr::Partitioning;

use super::*;
use crate::query::guard::operators::guard;
use crate::query::spread::task_tests::Node;
use crate::query::spread::test_plans::{WindowCall, exchanged, sorted, stream_id, ts};

/// Rows of an ordinary batch.
const BATCH_ROWS: usize = 8192;

#[test]
fn windows_are_divided_with_their_guards() {
    let node = Node::new();
    let template = &node.engine.spread().unwrap().template;
    let by_stream = || sorted(exchanged(node.scan(&[1, 2]), stream_id()), [stream_id(), ts()]);
    let lag = WindowCall::of("lag");
    let above = sorted(exchanged(lag.clone().over(by_stream()), ts()), [ts()]);
    let by_time =
        WindowCall { partition_by: vec![ts()], order_by: Vec::new(), ..WindowCall::of_all("count") };
    let cases: [(&str, Arc<dyn ExecutionPlan>, bool); 5] = [
        ("a streaming window", lag.clone().over(by_stream()), true),
        ("a window of all rows of a stream", WindowCall::of_all("count").over(by_stream()), true),
        ("a window above another exchange", by_time.over(above), true),
        ("IGNORE NULLS", WindowCall { ignore_nulls: true, ..lag.clone() }.over(by_stream()), false),
        ("rows that are not exchanged", lag.over(sorted(node.scan(&[1, 2]), [stream_id(), ts()])), false),
    ];
    for (name, plan, expected) in cases {
        let guarded = guard(plan, &Arc::default(), BATCH_ROWS).unwrap().plan;
        assert!(guarded.is::<InterruptExec>(), "{name}: it has guards");
        assert_eq!(can_be_divided(&guarded, 0, template), expected, "{name}");
        assert!(!can_be_divided(&guarded, 1, template), "{name}: it reads no row");
    }
}

/// DataFusion merges sorted partitions into others and plans no sort above; between nodes they come as they are ready.
#[test]
fn an_exchange_that_keeps_an_order_stays() {
    let node = Node::new();
    let template = &node.engine.spread().unwrap().template;
    let exchange = || {
        let rows = sorted(node.scan(&[1, 2]), [stream_id(), ts()]);
        RepartitionExec::try_new(rows, Partitioning::Hash(vec![stream_id()], 2)).unwrap()
    };
    let merging = exchange().with_preserve_order();
    assert!(merging.preserve_order());
    for (exchange, expected) in [(exchange(), true), (merging, false)] {
        let plan: Arc<dyn ExecutionPlan> = Arc::new(exchange);
        assert_eq!(can_be_divided(&plan, 0, template), expected);
    }
}
