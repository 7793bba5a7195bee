//! Scan of a day's unflushed rows: cut to the bounds and merged into one order when read, a piece at a time.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use super::bounds::Bounds;
use crate::store::memtable::chunked_merge::ChunkedMerge;
use crate::store::memtable::run::Run;
use crate::store::schema;

/// Maximum rows of a batch.
const MAX_BATCH_ROWS: usize = 8192;
/// Maximum bytes of text of a batch.
const MAX_BATCH_TEXT_BYTES: usize = 4 << 20;

/// One sorted partition: the rows of `runs` within `bounds`; of equal keys the later row.
#[derive(Debug)]
pub struct MemtableScan {
    runs: Vec<Run>,
    bounds: Bounds,
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl MemtableScan {
    /// `columns` are indices into `schema::readings()`, and `schema` is the schema of these columns.
    pub fn new(runs: Vec<Run>, bounds: Bounds, columns: Vec<usize>, schema: SchemaRef) -> Self {
        Self { runs, bounds, columns, schema }
    }

    /// Returns the rows in order. Only the batch cut from a piece is accounted for, so pieces are small relative to a
    /// query's memory.
    fn merged(&self) -> impl Iterator<Item = Run> + Send + use<> {
        let parts = self.runs.iter().flat_map(|run| of_streams(run, &self.bounds));
        let times = self.bounds.ts;
        let is_cut = self.bounds.streams.is_some() || times == Bounds::default().ts;
        let of_time = move |piece: Run| match is_cut {
            true => piece,
            false => piece.select(|run, row| times.contains(run.ts[row])),
        };
        ChunkedMerge::new(parts.filter(|run| !run.is_empty()).collect()).map(of_time)
    }
}

/// Returns the parts of a run within the bounds; if these name no streams, of any time.
fn of_streams(run: &Run, bounds: &Bounds) -> Vec<Run> {
    match &bounds.streams {
        Some(streams) => {
            let (from, end) = (bounds.ts.min, bounds.ts.max.saturating_add(1));
            streams.iter().map(|s| run.slice_between((*s, from), (*s, end))).collect()
        }
        None => vec![run.clone()],
    }
}

impl PartitionStream for MemtableScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let columns = self.columns.clone();
        let batches = self.merged().flat_map(move |rows| {
            let (columns, mut start) = (columns.clone(), 0);
            std::iter::from_fn(move || {
                let end = (start < rows.len())
                    .then(|| rows.end_of_batch(start, MAX_BATCH_ROWS, MAX_BATCH_TEXT_BYTES))?;
                let part = rows.slice(start, end - start);
                start = end;
                Some(Ok(schema::run_to_batch(&part, &columns)))
            })
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches)))
    }
}
