//! Reads row groups of a file one after the other. Of a distant store the next ones are fetched meanwhile: the first byte of a row group
//! takes longer to come than the others, and one connection has a part of the bandwidth only.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::file::metadata::ParquetMetaData;

use crate::store::lake::page_pruning::{self, RowGroupSelection};

/// Most row groups of a file that are fetched at once.
const MAX_GROUPS_AHEAD: usize = 8;
/// Most bytes of a file that are fetched at once, as stored: several row groups of numbers.
pub const MAX_BYTES_AHEAD: usize = 4 << 20;
/// All scans of a query together fetch ahead only while it has reserved less than one of so many parts of its memory.
const SHARE_OF_READ_AHEAD: usize = 8;

/// Rows to read of each row group of a file.
#[derive(Clone)]
pub struct RowGroupReader<R> {
    pub file: R,
    pub footer: ArrowReaderMetadata,
    pub columns: ProjectionMask,
    /// Rows decoded at a time.
    pub batch_rows: usize,
}

impl<R: AsyncFileReader + Clone + Send + Unpin + 'static> RowGroupReader<R> {
    /// Streams the selected rows of `groups` in order, with up to `ahead` groups fetched at once. `reserved` is kept until the stream
    /// ends.
    pub fn read(
        self,
        groups: Vec<RowGroupSelection>,
        ahead: usize,
        reserved: ReadAhead,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let groups = stream::iter(groups);
        let fetched = match ahead {
            0 | 1 => groups.then(move |group| self.clone().fetch(group)).boxed(),
            several => {
                // A task of its own: the consumer decodes a group before it asks for the next one.
                let tasks = groups.map(move |group| SpawnedTask::spawn(self.clone().fetch(group)));
                let tasks = tasks.buffered(several);
                tasks.map(|task| task.map_err(|e| DataFusionError::External(Box::new(e)))?).boxed()
            }
        };
        let batches = fetched.map_ok(|reader| {
            let batches = reader.into_iter().flatten();
            stream::iter(batches.map(|batch| batch.map_err(DataFusionError::from)))
        });
        let hold = move |batch| {
            let _reserved = &reserved;
            batch
        };
        batches.try_flatten().map(hold).boxed()
    }

    /// Fetches the selected pages of a row group; its reader decodes them.
    async fn fetch(self, group: RowGroupSelection) -> Result<Option<ParquetRecordBatchReader>> {
        let groups = [group];
        let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(self.file, self.footer)
            .with_projection(self.columns)
            .with_row_groups(groups.iter().map(|group| group.index).collect())
            .with_batch_size(self.batch_rows);
        if let Some(selection) = page_pruning::row_selection(&groups) {
            builder = builder.with_row_selection(selection);
        }
        Ok(builder.build()?.next_row_group().await?)
    }
}

/// Memory of a query for row groups of one file that are fetched at once.
pub struct ReadAhead {
    memory: MemoryReservation,
    pool: Arc<dyn MemoryPool>,
    most_bytes: usize,
}

impl ReadAhead {
    /// Memory for at most `most_bytes`, as stored.
    pub fn new(pool: &Arc<dyn MemoryPool>, most_bytes: usize) -> Self {
        let memory = MemoryConsumer::new("LakeReadAhead").register(pool);
        Self { memory, pool: pool.clone(), most_bytes }
    }

    /// Reserves memory for the columns of as many groups as possible, and returns their number: one where there is no memory for
    /// more. Operators of the query need theirs, so all of its scans leave most of its share alone.
    pub fn reserve(&self, file: &ParquetMetaData, groups: &[RowGroupSelection], columns: &[usize]) -> usize {
        let stored_bytes = |group: &RowGroupSelection| -> i64 {
            let group = file.row_group(group.index);
            columns.iter().map(|column| group.column(*column).compressed_size()).sum()
        };
        let largest = groups.iter().map(stored_bytes).max().unwrap_or(0);
        let largest = usize::try_from(largest).unwrap_or(usize::MAX).max(1);
        let left = match self.pool.memory_limit() {
            MemoryLimit::Finite(limit) => (limit / SHARE_OF_READ_AHEAD).saturating_sub(self.pool.reserved()),
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        let ahead = self.most_bytes.min(left) / largest;
        let ahead = ahead.clamp(1, MAX_GROUPS_AHEAD).min(groups.len());
        if ahead > 1 && self.memory.try_grow(ahead * largest).is_err() {
            return 1;
        }
        ahead
    }
}

#[cfg(test)]
#[path = "row_group_reader_tests.rs"]
mod tests;
