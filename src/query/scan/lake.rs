//! Lake files as a source of a plan, and how they are spread over its partitions.
//!
//! Own, not DataFusion's Parquet source: that one is made for any file and any predicate, and for small queries its
//! preparation costs more than reading. Ours knows the order of rows, and shares one large file among partitions by
//! row groups.

use std::future::ready;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::common::spawn_buffered;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryFutureExt, stream};

use super::lake_file::{Part, Reading};
use super::leaf::{Leaf, Rows};
use crate::store::lake::encode::ROW_GROUP_ROWS;
use crate::store::lake::file::LakeFile;
use crate::store::schema;

/// Batches decoded ahead of each of several files: a day of a stream at 1 Hz, some 2 MB.
const AHEAD: usize = 11;
/// The same of batches with texts, which can be long.
const TEXTS_AHEAD: usize = 1;
/// Files of a partition that are decoded side by side, at most: what is ahead is not in a query's account of memory.
const AT_ONCE: usize = 4;

/// Bytes decoded at a time of all files that are merged, about: a query's share holds them twice.
const MERGED_BYTES: u64 = 32 << 20;

/// Rows of lake files within bounds.
pub struct LakeRows {
    reading: Reading,
    partitions: Vec<Vec<Part>>,
    /// Files of a partition that are read side by side.
    at_once: usize,
    schema: SchemaRef,
}

impl LakeRows {
    /// In no order, spread over `partitions`: large files by their row groups, small ones whole.
    pub fn spread(reading: Reading, mut files: Vec<Arc<LakeFile>>, partitions: usize) -> Result<Leaf<Self>> {
        let of = partitions.max(1);
        let mut parts: Vec<Vec<Part>> = vec![Vec::new(); of];
        let mut load = vec![0; of];
        files.sort_by_key(|f| std::cmp::Reverse(f.rows));
        for file in files {
            if file.rows > ROW_GROUP_ROWS as u64 {
                parts
                    .iter_mut()
                    .enumerate()
                    .for_each(|(nth, p)| p.push(Part { file: file.clone(), nth, of }));
            } else {
                let least = (0..of).min_by_key(|p| load[*p]).unwrap_or(0);
                load[least] += file.rows;
                parts[least].push(Part::whole(file));
            }
        }
        Self::leaf(reading, parts, 1)
    }

    /// One partition a file, each sorted as the file is. All of them are open at once, to be merged.
    pub fn each(reading: Reading, files: &[Arc<LakeFile>]) -> Result<Leaf<Self>> {
        let batch_bytes = reading.batch_bytes.min(MERGED_BYTES / files.len().max(1) as u64);
        let reading = Reading { batch_bytes, ..reading };
        let parts = files.iter().map(|file| vec![Part::whole(file.clone())]);
        Self::leaf(reading, parts.collect(), 1)
    }

    /// One partition: file after file, while as many as `at_once`, or a few, are decoded beside each other.
    pub fn in_turn(reading: Reading, files: Vec<Arc<LakeFile>>, at_once: usize) -> Result<Leaf<Self>> {
        let at_once = at_once.min(files.len()).min(AT_ONCE);
        let parts = files.into_iter().map(Part::whole).collect();
        Self::leaf(reading, vec![parts], at_once)
    }

    fn leaf(reading: Reading, partitions: Vec<Vec<Part>>, at_once: usize) -> Result<Leaf<Self>> {
        let schema = Arc::new(schema::readings().project(&reading.columns)?);
        let count = partitions.len();
        Ok(Leaf::new(Self { reading, partitions, at_once, schema }, count))
    }

    /// The rows of a part, decoded by whoever takes them.
    fn part(&self, context: Arc<TaskContext>) -> impl Fn(Part) -> SendableRecordBatchStream + Send + use<> {
        let (reading, schema) = (self.reading.clone(), self.schema.clone());
        move |part| {
            let rows = reading.clone().open(part, context.clone()).try_flatten_stream();
            Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows))
        }
    }
}

impl Rows for LakeRows {
    fn name(&self) -> &'static str {
        "LakeRows"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let parts = stream::iter(self.partitions.get(partition).cloned().unwrap_or_default());
        let read = self.part(context);
        let ahead = if self.reading.columns.contains(&schema::TEXT) { TEXTS_AHEAD } else { AHEAD };
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
