//! The unflushed rows of a day as a source: cut to the bounds, merged into one sorted run when read.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use super::bounds::Bounds;
use crate::store::memtable::run::{self, Run};
use crate::store::schema;

/// Rows are handed on in batches of this many.
const BATCH_ROWS: usize = 8192;

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

    fn merged(&self) -> Option<Run> {
        let parts: Vec<Run> =
            self.runs.iter().flat_map(|run| cut(run, &self.bounds)).filter(|run| !run.is_empty()).collect();
        run::merge(&parts)
    }
}

/// The parts of a run within the bounds.
fn cut(run: &Run, bounds: &Bounds) -> Vec<Run> {
    let (from, to) = bounds.ts;
    match &bounds.streams {
        Some(streams) => {
            let end = to.saturating_add(1);
            streams.iter().map(|s| run.slice_between((*s, from), (*s, end))).collect()
        }
        None if bounds.ts == (i64::MIN, i64::MAX) => vec![run.clone()],
        None => vec![run.select(|run, i| (from..=to).contains(&run.ts[i]))],
    }
}

impl PartitionStream for MemoryRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let merged = self.merged();
        let columns = self.columns.clone();
        let batches = merged.into_iter().flat_map(move |rows| {
            let starts = (0..rows.len()).step_by(BATCH_ROWS);
            let columns = columns.clone();
            starts.map(move |start| {
                let part = rows.slice(start, BATCH_ROWS.min(rows.len() - start));
                Ok(schema::batch(&part, &columns))
            })
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches)))
    }
}
