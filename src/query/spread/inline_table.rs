//! The rows of a small table, as a leaf that every task has whole.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;

use crate::query::scan::opaque_scan::{OpaqueScanExec, RowSource};

/// The leaf of a small table.
pub type InlineTableExec = OpaqueScanExec<InlineTable>;

/// Rows that travel with a plan.
pub struct InlineTable {
    batch: RecordBatch,
    /// Bytes that every node is sent, once they are needed.
    encoded: OnceLock<Vec<u8>>,
    /// Part of the query's memory that the rows and their copies take on the node that was asked. On the others the join over
    /// them accounts for them.
    _memory: Option<MemoryReservation>,
}

impl InlineTable {
    /// Creates a table of these rows, whose memory somebody else accounts for.
    pub fn new(batch: RecordBatch) -> Self {
        Self { batch, encoded: OnceLock::new(), _memory: None }
    }

    /// Keeps a reservation as long as the rows.
    pub fn with_memory(self, memory: MemoryReservation) -> Self {
        Self { _memory: Some(memory), ..self }
    }

    /// Returns the rows.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Returns the rows as bytes, which `encode` makes for the first node that is sent them.
    ///
    /// # Errors
    /// The error of `encode`, unchanged.
    pub fn encoded(&self, encode: impl FnOnce() -> Result<Vec<u8>>) -> Result<&[u8]> {
        if let Some(bytes) = self.encoded.get() {
            return Ok(bytes.as_slice());
        }
        let bytes = encode()?;
        Ok(self.encoded.get_or_init(|| bytes).as_slice())
    }

    /// Returns the rows as a leaf of a plan with one partition.
    pub fn into_exec(self) -> InlineTableExec {
        OpaqueScanExec::new(self, 1)
    }
}

impl RowSource for InlineTable {
    fn name(&self) -> &'static str {
        "InlineTableExec"
    }

    fn schema(&self) -> SchemaRef {
        self.batch.schema()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = stream::iter([Ok(self.batch.clone())]);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.batch.schema(), rows)))
    }
}
