//! Tests the end of a query whose caller leaves while an operator computes.

use std::sync::mpsc as std_mpsc;

use arrow::datatypes::Schema;
use datafusion::execution::memory_pool::GreedyMemoryPool;

use super::*;
use crate::domain::caller::Caller;
use crate::domain::{Micros, OrgId, Principal};
use crate::query::log::{QueryInfo, QueryLog, Surface};
use crate::query::memory_pool::QueryMemoryPool;

fn tracker(log: &Arc<QueryLog>) -> Arc<QueryTracker> {
    let info = QueryInfo {
        started_at: Micros(1),
        text_hash: None,
        text: None,
        surface: Surface::Sql,
        caller: Caller::System,
        org: OrgId(1),
    };
    Arc::new(QueryTracker::new(
        log.clone(),
        info,
        QueryMemoryPool::new(Arc::new(GreedyMemoryPool::new(1)), 1),
    ))
}

/// An operator that never awaits, and regularly checks its interrupt.
async fn computes(tracker: Arc<QueryTracker>, begun: std_mpsc::Sender<()>) -> Result<StartedQuery> {
    let schema = Arc::new(Schema::empty());
    let next = async move {
        begun.send(()).expect("the test waits");
        loop {
            tracker.interrupt.check()?;
            std::thread::yield_now();
        }
    };
    let stream = RecordBatchStreamAdapter::new(schema, stream::once(next));
    Ok(StartedQuery { stream: Box::pin(stream), is_long_running: true })
}

/// The interrupted operator ends with an error; a caller that cancels must not be recorded as a failure of the query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_whose_caller_leaves_while_it_computes_is_cancelled() {
    let log: Arc<QueryLog> = Arc::default();
    let tracker = tracker(&log);
    let admission = QueryAdmission::new(2, 2, Duration::from_secs(1));
    let environment = ExecutionEnv { threads: Handle::current(), long_running: Handle::current(), admission };
    let limits = QueryLimits { timeout: Duration::from_secs(600), max_rows: None };
    let (begun, computing) = std_mpsc::channel();
    let start = Box::pin(computes(tracker.clone(), begun));
    let (_schema, batches) = spawn(environment, limits, tracker.clone(), start);
    tokio::task::spawn_blocking(move || computing.recv()).await.unwrap().unwrap();
    drop(batches);
    // The query's task has a reference to the tracker until the operator ends.
    while Arc::strong_count(&tracker) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(tracker);
    let outcomes: Vec<_> = log.visible(&Principal::system(OrgId(1))).iter().map(|r| r.outcome).collect();
    assert_eq!(outcomes, ["cancelled"]);
}

/// Its reader is still there and is told, unlike one that left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_somebody_cancels_ends_with_an_error() {
    let log: Arc<QueryLog> = Arc::default();
    let tracker = tracker(&log);
    let admission = QueryAdmission::new(2, 2, Duration::from_secs(1));
    let environment = ExecutionEnv { threads: Handle::current(), long_running: Handle::current(), admission };
    let limits = QueryLimits { timeout: Duration::from_secs(600), max_rows: None };
    let (begun, computing) = std_mpsc::channel();
    let start = Box::pin(computes(tracker.clone(), begun));
    let (schema, mut batches) = spawn(environment, limits, tracker.clone(), start);
    tokio::task::spawn_blocking(move || computing.recv()).await.unwrap().unwrap();
    tracker.cancel();
    assert!(schema.await.is_err(), "there is no result");
    let error = batches.next().await.expect("an error").expect_err("no batch");
    assert_eq!((error.kind, error.message.as_str()), (Kind::Conflict, "the query was cancelled"));
    assert!(batches.next().await.is_none());
    let outcomes: Vec<_> = log.visible(&Principal::system(OrgId(1))).iter().map(|r| r.outcome).collect();
    assert_eq!(outcomes, ["cancelled"]);
}
