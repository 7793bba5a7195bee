//! Tests what the input of a window operator reserves.

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::memory_pool::{MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;

use super::*;

const ROWS: usize = 1000;

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
    let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool.clone()).build_arc().unwrap();
    let context = TaskContext::default().with_runtime(runtime);
    let emitted = Arc::<PassedRows>::default();
    let buffering = WindowBuffering::Frame { rows: 0, emitted: emitted.clone() };
    let mut rows = buffering.wrap(input(), 1, &context);

    emitted.of(0).store(10 * ROWS, Ordering::Relaxed);
    rows.next().await.unwrap().unwrap();
    assert!(pool.reserved() >= BUFFERED_COPIES * 8 * ROWS, "only another partition has results");
    emitted.of(1).store(2 * ROWS, Ordering::Relaxed);
    rows.next().await.unwrap().unwrap();
    assert_eq!(pool.reserved(), 0, "every row has a result");
}
