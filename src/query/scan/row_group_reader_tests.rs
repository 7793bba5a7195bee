//! Tests of row groups that are fetched ahead.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::file::properties::WriterProperties;
use tokio::sync::Barrier;
use tokio::time::timeout;

use super::*;

const GROUPS: usize = 8;
const ROWS: usize = 10;

/// A file in memory, whose ranges arrive once `together` readers wait for some.
#[derive(Clone)]
struct WaitingFile {
    bytes: Bytes,
    together: Arc<Barrier>,
}

impl AsyncFileReader for WaitingFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            self.together.wait().await;
            let at = |place: u64| usize::try_from(place).unwrap();
            Ok(self.bytes.slice(at(range.start)..at(range.end)))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        unreachable!("the footer is loaded")
    }
}

/// A file of eight row groups with ten numbers each, in order.
fn file() -> (Bytes, ArrowReaderMetadata) {
    let numbers = Int64Array::from_iter_values(0..(GROUPS * ROWS) as i64);
    let batch = RecordBatch::try_from_iter([("n", Arc::new(numbers) as _)]).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let bytes = Bytes::from(bytes);
    let footer = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).unwrap();
    assert_eq!(footer.metadata().num_row_groups(), GROUPS);
    (bytes, footer)
}

/// Each group with all rows but the last.
fn selected() -> Vec<RowGroupSelection> {
    let select =
        |index| RowGroupSelection { index, rows: ROWS, ranges: std::iter::once(0..ROWS - 1).collect() };
    (0..GROUPS).map(select).collect()
}

fn pool(bytes: usize) -> Arc<dyn MemoryPool> {
    Arc::new(GreedyMemoryPool::new(bytes))
}

/// Reads the groups with `ahead` of them at once from a file that waits for `together` readers.
async fn read(ahead: usize, together: usize) -> Vec<i64> {
    let (bytes, footer) = file();
    let reader = RowGroupReader {
        file: WaitingFile { bytes, together: Arc::new(Barrier::new(together)) },
        footer,
        columns: ProjectionMask::all(),
        batch_rows: 4,
    };
    let batches: Vec<RecordBatch> = reader
        .read(selected(), ahead, ReadAhead::new(&pool(0), MAX_BYTES_AHEAD))
        .try_collect()
        .await
        .unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[tokio::test]
async fn rows_come_in_order_however_many_groups_are_fetched_at_once() {
    let kept: Vec<i64> = (0..(GROUPS * ROWS) as i64).filter(|n| n % ROWS as i64 != ROWS as i64 - 1).collect();
    for (ahead, together) in [(0, 1), (1, 1), (3, 1), (4, 4), (8, 8), (100, 8)] {
        let rows = timeout(Duration::from_secs(60), read(ahead, together)).await;
        assert_eq!(rows.as_ref(), Ok(&kept), "{ahead} ahead, {together} together");
    }
}

#[test]
fn as_many_groups_are_fetched_at_once_as_the_memory_allows() {
    let (_, footer) = file();
    let file = footer.metadata();
    let stored = file.row_groups().iter().map(|group| group.column(0).compressed_size()).max();
    let stored = usize::try_from(stored.unwrap()).unwrap();
    let all = 2 * SHARE_OF_READ_AHEAD * GROUPS * stored;
    let rows = [
        ("all of them", all, all, 8, 8),
        ("three", all, all, 3, 3),
        ("one", all, all, 1, 1),
        ("few bytes of the file", all, 2 * stored, 8, 2),
        ("a small share", SHARE_OF_READ_AHEAD * 3 * stored, all, 8, 3),
        ("a share for nothing ahead", stored, all, 8, 1),
        ("none", 0, all, 8, 1),
    ];
    for (name, limit, most_bytes, groups, expected) in rows {
        let pool = pool(limit);
        let ahead = ReadAhead::new(&pool, most_bytes);
        assert_eq!(ahead.reserve(file, &selected()[..groups], &[0]), expected, "{name}");
        // Groups differ by a few bytes.
        assert_eq!(pool.reserved() / stored, if expected > 1 { expected } else { 0 }, "{name}");
        let next = ReadAhead::new(&pool, most_bytes);
        next.reserve(file, &selected(), &[0]);
        assert!(pool.reserved() <= limit / SHARE_OF_READ_AHEAD, "{name}");
        drop((ahead, next));
        assert_eq!(pool.reserved(), 0, "{name}");
    }
}
