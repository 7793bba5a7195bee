//! A scan of readings that several nodes can share: a leaf of a plan that keeps what it was made of.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};

use super::opaque_scan::{OpaqueScanExec, RowSource};
use super::readings_scan::{ReadingsScan, project};
use super::row_security::VisibleRows;
use super::scan_sources::ScanSources;

/// The leaf of a scan that can be divided.
pub type DivisibleScanExec = OpaqueScanExec<DivisibleScan>;

/// The visible rows of some files and runs, with what another node needs to read a part of them. In a plan it looks like
/// `VisibleRows`, and has as many partitions.
pub struct DivisibleScan {
    pub scan: ReadingsScan,
    /// Columns that are read, as indices into `schema::readings()`; stream_id is the first.
    pub read: Vec<usize>,
    pub sources: ScanSources,
    rows: VisibleRows,
}

impl DivisibleScan {
    /// Creates a scan of these sources.
    pub fn new(scan: ReadingsScan, read: Vec<usize>, sources: ScanSources) -> Result<Self> {
        let rows = scan.visible_rows(sources.clone(), &read)?;
        Ok(Self { scan, read, sources, rows })
    }

    /// Plans like `ReadingsScan::plan`, with a leaf that can be divided.
    pub fn plan(scan: ReadingsScan, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let read = scan.columns_to_read(columns);
        let sources = scan.sources();
        let leaf = Self::new(scan, read.clone(), sources)?.into_exec();
        project(Arc::new(leaf), &read, columns)
    }

    /// Divides the scan among nodes, one scan for each.
    pub fn divide(&self, nodes: &[String]) -> Result<Vec<DivisibleScan>> {
        let parts = self.sources.clone().divide(nodes).into_iter();
        parts.map(|part| Self::new(self.scan.clone(), self.read.clone(), part)).collect()
    }

    /// Returns the scan as a leaf of a plan, with as many partitions as the scan has.
    pub fn into_exec(self) -> DivisibleScanExec {
        let partitions = self.scan.partitions;
        OpaqueScanExec::new(self, partitions)
    }
}

impl RowSource for DivisibleScan {
    fn name(&self) -> &'static str {
        self.rows.name()
    }

    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.rows.open(partition, context)
    }
}
