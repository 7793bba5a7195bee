//! The unflushed rows of a day as a source: cut to the bounds, merged into one order when read, a piece at a time.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use super::bounds::Bounds;
use crate::store::memtable::pieces::Pieces;
use crate::store::memtable::run::Run;
use crate::store::schema;

/// Rows are handed on in batches of this many.
const BATCH_ROWS: usize = 8192;
/// Or of so many bytes of text.
const BATCH_TEXT: usize = 4 << 20;

/// One sorted partition: the rows of `runs` within `bounds`, the later of equal keys.
#[derive(Debug)]
pub struct MemoryRows {
    runs: Vec<Run>,
    bounds: Bounds,
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl MemoryRows {
    /// `schema` is that of `columns`, indices into `schema::readings()`.
    pub fn new(runs: Vec<Run>, bounds: Bounds, columns: Vec<usize>, schema: SchemaRef) -> Self {
        Self { runs, bounds, columns, schema }
    }

    /// The rows in order. Of a piece only the batch that is cut out of it is counted where memory is reserved, so pieces
    /// are small beside what a query may take.
    fn merged(&self) -> impl Iterator<Item = Run> + Send + use<> {
        let parts = self.runs.iter().flat_map(|run| of_streams(run, &self.bounds));
        let (from, to) = self.bounds.ts;
        let is_cut = self.bounds.streams.is_some() || (from, to) == (i64::MIN, i64::MAX);
        let of_time = move |piece: Run| match is_cut {
            true => piece,
            false => piece.select(|run, row| (from..=to).contains(&run.ts[row])),
        };
        Pieces::of(parts.filter(|run| !run.is_empty()).collect()).map(of_time)
    }
}

/// The parts of a run that are within the bounds, of any time where these name no streams.
fn of_streams(run: &Run, bounds: &Bounds) -> Vec<Run> {
    let (from, to) = bounds.ts;
    match &bounds.streams {
        Some(streams) => {
            let end = to.saturating_add(1);
            streams.iter().map(|s| run.slice_between((*s, from), (*s, end))).collect()
        }
        None => vec![run.clone()],
    }
}

impl PartitionStream for MemoryRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let columns = self.columns.clone();
        let batches = self.merged().flat_map(move |rows| {
            let (columns, mut start) = (columns.clone(), 0);
            std::iter::from_fn(move || {
                let end = (start < rows.len()).then(|| rows.end_of_batch(start, BATCH_ROWS, BATCH_TEXT))?;
                let part = rows.slice(start, end - start);
                start = end;
                Some(Ok(schema::batch(&part, &columns)))
            })
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches)))
    }
}
