//! Tests that a merge equals a map into which all rows are inserted, oldest stream first.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Float64Array, Int32Array, TimestampMicrosecondArray};
use arrow::datatypes::Float64Type;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::store::schema;

type Row = (i32, i64, f64);

fn batch(rows: &[Row]) -> RecordBatch {
    let schema = schema::readings().project(&[schema::STREAM_ID, schema::TS, schema::VALUE]).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>()),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.1)).with_timezone("UTC"),
        ),
        Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

/// Splits rows into a stream of batches of the given size, with an empty one among them.
fn input(rows: &[Row], of: usize) -> SendableRecordBatchStream {
    let batches = std::iter::once(batch(&[])).chain(rows.chunks(of).map(batch));
    let batches: Vec<Result<RecordBatch>> = batches.map(Ok).collect();
    Box::pin(RecordBatchStreamAdapter::new(batch(&[]).schema(), stream::iter(batches)))
}

fn pool(bytes: usize) -> Arc<dyn MemoryPool> {
    Arc::new(GreedyMemoryPool::new(bytes))
}

async fn merged(inputs: Vec<SendableRecordBatchStream>, pool: &Arc<dyn MemoryPool>) -> Result<Vec<Row>> {
    let mut blocks = BlockMerge::new(inputs, MemoryConsumer::new("test").register(pool), 100);
    let mut rows = Vec::new();
    while let Some(batch) = blocks.next().await? {
        let RunKeys { stream, ts } = keys(&batch);
        let values = batch.column(2).as_primitive::<Float64Type>().values();
        rows.extend(stream.iter().zip(ts).zip(values).map(|((stream, ts), value)| (*stream, *ts, *value)));
    }
    Ok(rows)
}

#[tokio::test]
async fn the_latest_of_each_key_passes_in_order() {
    let mut rng = StdRng::seed_from_u64(3);
    for (name, inputs, streams, times, length) in [
        ("nothing", 0, 1, 1, 0),
        ("empty_ones", 3, 1, 1, 0),
        ("one", 1, 3, 1000, 500),
        ("one_key_again_and_again", 9, 1, 1, 1),
        ("dense", 5, 2, 300, 400),
        ("sparse", 7, 40, 1_000_000, 900),
    ] {
        for round in 0..20 {
            let mut expected = BTreeMap::new();
            let mut all = Vec::new();
            for nth in 0..inputs {
                // In every second round the streams follow one another in time, as flushes do.
                let from = if round % 2 == 0 { 0 } else { nth * times };
                let key =
                    |rng: &mut StdRng| (rng.random_range(0..streams), from + rng.random_range(0..times));
                let rows: BTreeMap<(i32, i64), f64> =
                    (0..length).map(|i| (key(&mut rng), (nth * 1000 + i) as f64)).collect();
                expected.extend(rows.clone());
                let rows: Vec<Row> = rows.into_iter().map(|((s, t), value)| (s, t, value)).collect();
                all.push(input(&rows, rng.random_range(1..200)));
            }
            let pool = pool(usize::MAX);
            let found = merged(all, &pool).await.unwrap();
            let expected: Vec<Row> = expected.into_iter().map(|((s, t), value)| (s, t, value)).collect();
            assert_eq!(found, expected, "{name}, round {round}");
            assert_eq!(pool.reserved(), 0, "{name}, round {round}");
        }
    }
}

/// Such rows can come from a file that is damaged.
#[tokio::test]
async fn rows_out_of_order_end_the_merge() {
    let unsorted: [Row; 4] = [(7, 1, 0.0), (7, 2, 0.0), (7, 3, 0.0), (1, 4, 0.0)];
    let others: [&[Row]; 2] = [&[], &[(2, 5, 0.0)]];
    for sorted in others {
        let inputs = vec![input(&unsorted, 9), input(sorted, 9)];
        let error = merged(inputs, &pool(usize::MAX)).await.unwrap_err();
        assert!(matches!(error, DataFusionError::Internal(_)), "{error}");
    }
}

#[tokio::test]
async fn what_is_unread_of_all_counts_as_memory() {
    let rows: Vec<Row> = (0..10_000).map(|i| (1, i, 0.0)).collect();
    let inputs = || (0..10).map(|_| input(&rows, 1000)).collect();
    let enough = 10 * batch(&rows[..1000]).get_array_memory_size();
    assert_eq!(merged(inputs(), &pool(enough)).await.unwrap(), rows);
    let error = merged(inputs(), &pool(enough / 2)).await.unwrap_err();
    assert!(matches!(error, DataFusionError::ResourcesExhausted(_)), "{error}");
}
