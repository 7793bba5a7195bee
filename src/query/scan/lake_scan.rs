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
        files: Vec<FilePartition>,
        partitions: usize,
    ) -> Result<OpaqueScanExec<Self>> {
        let of = partitions.max(1);
        let parts = spread_out(files, of);
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

/// Divides files among `count` partitions: the row groups of a large file among all of them, the rows of small files about evenly.
///
/// The partition that begins is another one for each large file: it has the row group that is left over, and all rows of a file of which
/// few are wanted. With one that always begins, the others would wait for it at the end.
fn spread_out(mut files: Vec<FilePartition>, count: usize) -> Vec<Vec<FilePartition>> {
    let mut parts: Vec<Vec<FilePartition>> = vec![Vec::new(); count];
    let mut load = vec![0; count];
    files.sort_by_key(|part| std::cmp::Reverse(part.file.rows));
    for (number, file) in files.into_iter().enumerate() {
        if file.file.rows > MAX_ROW_GROUP_ROWS as u64 {
            let divided = file.divide(count).enumerate();
            divided.for_each(|(nth, part)| parts[(number + nth) % count].push(part));
        } else {
            let least = (0..count).min_by_key(|p| load[*p]).unwrap_or(0);
            load[least] += file.file.rows;
            parts[least].push(file);
        }
    }
    parts
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::min_max::MinMax;
    use crate::domain::time::Day;

    fn file(name: &str, rows: usize) -> FilePartition {
        FilePartition::whole(Arc::new(LakeFile {
            path: name.to_owned(),
            day: Day(0),
            rows: rows as u64,
            bytes: 0,
            streams: MinMax::new(0, 0),
            ts: MinMax::new(0, 0),
            seq: MinMax::new(0, 0),
            is_late: false,
            crc32: None,
            longest_text: None,
            footer: None,
        }))
    }

    #[test]
    fn the_first_row_groups_of_large_files_are_in_partitions_in_turn() {
        let (large, small) = (MAX_ROW_GROUP_ROWS + 1, MAX_ROW_GROUP_ROWS);
        let files = vec![
            file("a", large + 3),
            file("b", large + 2),
            file("c", large + 1),
            file("d", large),
            file("e", small),
        ];
        let parts = spread_out(files, 3);
        let name = |part: &FilePartition| format!("{}{}", part.file.path, part.index);
        let names: Vec<Vec<String>> = parts.iter().map(|parts| parts.iter().map(name).collect()).collect();
        assert_eq!(
            names,
            [vec!["a0", "b2", "c1", "d0", "e0"], vec!["a1", "b0", "c2", "d1"], vec!["a2", "b1", "c0", "d2"]]
        );
        assert!(parts.iter().flatten().all(|part| part.count == if part.file.path == "e" { 1 } else { 3 }));
    }
}
