//! Tests what the input of a window operator reserves, and for how long.

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::memory_pool::{MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::stream;

use super::*;
use crate::query::guard::operators;

const ROWS: usize = 1000;
/// Bytes that a window over all rows of a number has reserved.
const RESERVED: usize = BUFFERED_COPIES * 8 * ROWS;

/// A pool, and what reserves in it.
fn memory() -> (Arc<dyn MemoryPool>, Arc<RuntimeEnv>) {
    let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool.clone()).build_arc().unwrap();
    (pool, runtime)
}

/// Two batches.
fn input() -> SendableRecordBatchStream {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let numbers = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
    let batch = RecordBatch::try_new(schema.clone(), vec![numbers]).unwrap();
    let batches = stream::iter([Ok(batch.clone()), Ok(batch)]);
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

#[tokio::test]
async fn a_partition_buffers_what_has_no_result_of_its_own() {
    let (pool, runtime) = memory();
    let context = TaskContext::default().with_runtime(runtime);
    let emitted = Arc::<PassedRows>::default();
    let input_of = |partition| {
        let buffering = WindowBuffering::Frame { rows: 0 };
        WindowInput { buffering, emitted: emitted.clone() }.wrap(input(), partition, &context)
    };
    let (_other, mut rows) = (input_of(0), input_of(1));

    emitted.of(0).rows.store(10 * ROWS, Ordering::Relaxed);
    rows.next().await.unwrap().unwrap();
    assert!(pool.reserved() >= RESERVED, "only another partition has results");
    emitted.of(1).rows.store(2 * ROWS, Ordering::Relaxed);
    rows.next().await.unwrap().unwrap();
    assert_eq!(pool.reserved(), 0, "every row has a result");
}

/// The guarded plan of a function over all rows, by an operator of this name.
async fn window(session: &SessionContext, function: &str, operator: &str) -> Arc<dyn ExecutionPlan> {
    let statement = format!("SELECT {function} OVER () FROM generate_series(1, {ROWS})");
    let plan = session.sql(&statement).await.unwrap().create_physical_plan().await.unwrap();
    let plan = operators::guard(plan, &Arc::default(), 2 * ROWS).unwrap().plan;
    let text = displayable(plan.as_ref()).indent(false).to_string();
    assert!(text.contains(&format!(" {operator}: ")), "{text}");
    plan
}

/// Both operators drop their input before they compute the last of their result.
#[tokio::test]
async fn a_window_is_reserved_until_it_has_ended_or_is_dropped() {
    let (pool, runtime) = memory();
    let session = SessionContext::new_with_config_rt(SessionConfig::new().with_target_partitions(1), runtime);
    for (function, operator) in [("sum(value)", "WindowAggExec"), ("lead(value)", "BoundedWindowAggExec")] {
        let plan = window(&session, function, operator).await;
        let execute = || plan.execute(0, session.task_ctx()).unwrap();
        for execution in 1..=2 {
            let mut rows = execute();
            let mut count = 0;
            while let Some(batch) = rows.next().await {
                count += batch.unwrap().num_rows();
                assert!(pool.reserved() >= RESERVED, "{function}: {count} rows of execution {execution}");
            }
            assert_eq!(count, ROWS, "{function}");
            assert_eq!(pool.reserved(), 0, "{function}: execution {execution} has ended");
        }
        let mut rows = execute();
        rows.next().await.unwrap().unwrap();
        assert!(pool.reserved() >= RESERVED, "{function}: it goes on");
        drop(rows);
        assert_eq!(pool.reserved(), 0, "{function}: nobody reads it");
    }
}
