//! Tests that windows with their guards compute what they do without, on threads of their own.

use std::thread;

use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlanProperties, collect};
use futures::stream;
use parking_lot::Mutex;
use tokio::runtime::Builder;

use super::*;
use crate::query::scan::opaque_scan::{OpaqueScanExec, RowSource};
use crate::query::spread::test_plans::{WindowCall, answer, batch, rows_by_stream, schema};

const THREADS: &str = "of-windows";

/// Rows of one partition that know which thread has opened them.
struct ThreadSource(Arc<Mutex<Option<String>>>);

impl RowSource for ThreadSource {
    fn name(&self) -> &'static str {
        "ThreadSource"
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        *self.0.lock() = thread::current().name().map(str::to_owned);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), stream::iter([Ok(batch(3))]))))
    }
}

#[test]
fn a_window_is_computed_on_its_own_threads() {
    let of_windows = Builder::new_multi_thread().worker_threads(1).thread_name(THREADS).build().unwrap();
    let of_query = Builder::new_current_thread().build().unwrap();
    let opened_on = Arc::<Mutex<Option<String>>>::default();
    let rows = Arc::new(OpaqueScanExec::new(ThreadSource(opened_on.clone()), 1));
    let all = WindowCall { partition_by: Vec::new(), order_by: Vec::new(), ..WindowCall::of_all("count") };
    let guard = WindowGuard { interrupt: Arc::default(), threads: of_windows.handle().clone() };
    let window = GuardedWindowExec::try_new(all.over(rows), guard).unwrap();
    let batches = of_query.block_on(collect(Arc::new(window), Arc::default())).unwrap();
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 6);
    assert_eq!(opened_on.lock().as_deref(), Some(THREADS));
}

#[tokio::test]
async fn windows_are_gathered_with_their_guards() {
    let guard = WindowGuard { interrupt: Arc::default(), threads: Handle::current() };
    for call in [WindowCall::of("lag"), WindowCall::of_all("count")] {
        let plain = WindowCall::of("lag").over(call.clone().over(rows_by_stream()));
        let expected = answer(plain).await;
        // One window over another, each between its guards.
        let inner = operators::with_guards(call.over(rows_by_stream()), &guard.interrupt).unwrap();
        let plan = operators::with_guards(WindowCall::of("lag").over(inner), &guard.interrupt).unwrap();
        let gathered = gather(plan.clone(), &guard).unwrap();
        assert_eq!(gathered.output_partitioning(), plan.output_partitioning());
        let inner = gathered.children()[0].clone();
        assert!(gathered.is::<GuardedWindowExec>() && inner.is::<GuardedWindowExec>());
        assert_eq!(inner.children()[0].name(), "SortExec");
        // What was executed cannot be executed again, unless its state is left behind.
        for plan in [gathered, plan] {
            assert_eq!(answer(reset_plan_states(plan).unwrap()).await, expected);
        }
    }
}
