//! Scan of lake files, and their distribution over the partitions of a plan.
//!
//! It replaces DataFusion's Parquet source, which supports any file and any predicate: for small queries its
//! preparation costs more than the reading. This scan knows the order of rows, and splits a large file among partitions
//! by row groups.

use std::future::ready;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::common::spawn_buffered;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryFutureExt, stream};

use super::file_scan::{FilePartition, FileScan};
use super::opaque_scan::{OpaqueScanExec, RowSource};
use crate::store::lake::file::LakeFile;
use crate::store::lake::writer_properties::MAX_ROW_GROUP_ROWS;
use crate::store::schema;

/// Batches decoded ahead of each of several files: a day of a stream at 1 Hz, some 2 MB.
const MAX_PREFETCHED_BATCHES: usize = 11;
/// Batches decoded ahead when they contain texts, which can be long.
const MAX_PREFETCHED_TEXT_BATCHES: usize = 1;
/// Maximum files of a partition that are decoded concurrently: prefetched batches are not in a query's memory account.
const MAX_CONCURRENT_FILES: usize = 4;
/// Maximum files of a distant store that a query decodes concurrently without being asked for their order.
const MAX_FILES_AHEAD: usize = 16;

/// Approximate bytes decoded at a time from all files of a merge: a query's share contains them twice.
const MAX_MERGE_DECODE_BYTES: u64 = 32 << 20;

/// The rows of lake files within bounds.
pub struct LakeScan {
    file_scan: FileScan,
    partitions: Vec<Vec<FilePartition>>,
    /// Number of files of a partition that are read concurrently.
    at_once: usize,
    schema: SchemaRef,
}

impl LakeScan {
    /// Scans without order, spread over `partitions`: large files by their row groups, small ones whole.
    pub fn partitioned(
        reading: FileScan,
        mut files: Vec<FilePartition>,
        partitions: usize,
    ) -> Result<OpaqueScanExec<Self>> {
        let of = partitions.max(1);
        let mut parts: Vec<Vec<FilePartition>> = vec![Vec::new(); of];
        let mut load = vec![0; of];
        files.sort_by_key(|part| std::cmp::Reverse(part.file.rows));
        for file in files {
            if file.file.rows > MAX_ROW_GROUP_ROWS as u64 {
                parts.iter_mut().zip(file.divide(of)).for_each(|(p, part)| p.push(part));
            } else {
                let least = (0..of).min_by_key(|p| load[*p]).unwrap_or(0);
                load[least] += file.file.rows;
                parts[least].push(file);
            }
        }
        // Of a distant store the next files are opened while one is decoded. Each holds a batch, and those of texts are large.
        let is_ahead = reading.snapshot.location.is_remote() && !reading.columns.contains(&schema::TEXT);
        let most = if is_ahead { (MAX_FILES_AHEAD / of).clamp(1, MAX_CONCURRENT_FILES) } else { 1 };
        let at_once = parts.iter().map(Vec::len).max().unwrap_or(0).min(most);
        Self::new_exec(reading, parts, at_once)
    }

    /// Scans each file in a partition of its own, sorted as the file is. All files are open at once, to be merged.
    pub fn one_partition_per_file(
        reading: FileScan,
        files: &[Arc<LakeFile>],
    ) -> Result<OpaqueScanExec<Self>> {
        let batch_bytes = reading.batch_bytes.min(MAX_MERGE_DECODE_BYTES / files.len().max(1) as u64);
        let ahead_bytes = reading.ahead_bytes / files.len().max(1);
        let reading = FileScan { batch_bytes, ahead_bytes, ..reading };
        let parts = files.iter().map(|file| vec![FilePartition::whole(file.clone())]);
        Self::new_exec(reading, parts.collect(), 1)
    }

    /// Scans file after file in one partition, with up to `at_once` files, or a few, decoded concurrently.
    pub fn sequential(
        reading: FileScan,
        files: Vec<Arc<LakeFile>>,
        at_once: usize,
    ) -> Result<OpaqueScanExec<Self>> {
        let at_once = at_once.min(files.len()).min(MAX_CONCURRENT_FILES);
        let parts = files.into_iter().map(FilePartition::whole).collect();
        Self::new_exec(reading, vec![parts], at_once)
    }

    fn new_exec(
        reading: FileScan,
        partitions: Vec<Vec<FilePartition>>,
        at_once: usize,
    ) -> Result<OpaqueScanExec<Self>> {
        let schema = Arc::new(schema::readings().project(&reading.columns)?);
        let count = partitions.len();
        Ok(OpaqueScanExec::new(Self { file_scan: reading, partitions, at_once, schema }, count))
    }

    /// Returns a function that opens a file partition; its consumer decodes the rows.
    fn partition_opener(
        &self,
        context: Arc<TaskContext>,
    ) -> impl Fn(FilePartition) -> SendableRecordBatchStream + Send + use<> {
        let (reading, schema) = (self.file_scan.clone(), self.schema.clone());
        move |part| {
            let rows = reading.clone().open(part, context.clone()).try_flatten_stream();
            Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
        }
    }
}

impl RowSource for LakeScan {
    fn name(&self) -> &'static str {
        "LakeRows"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let parts = stream::iter(self.partitions.get(partition).cloned().unwrap_or_default());
        let read = self.partition_opener(context);
        let ahead = if self.file_scan.columns.contains(&schema::TEXT) {
            MAX_PREFETCHED_TEXT_BATCHES
        } else {
            MAX_PREFETCHED_BATCHES
        };
        let batches = match self.at_once {
            0 | 1 => parts.flat_map(read).boxed(),
            several => {
                let started = parts.map(move |part| ready(spawn_buffered(read(part), ahead)));
                started.buffered(several).flatten().boxed()
            }
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
