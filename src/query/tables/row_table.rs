//! Tables of rows that are known when the query starts: requested columns are built from a few rows at a time.
//!
//! Only the rows themselves stay in memory, where they are anyway: a long list of long metadata is not duplicated.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream;

use crate::query::scan::opaque_scan::{OpaqueScanExec, RowSource};
use crate::query::scan::table_provider::{ScanPlanner, ScanProvider};

/// Rows of a batch: some megabytes if rows are the longest.
const BATCH_ROWS: usize = 64;

/// A column: its field, and a function that returns its values for some rows.
pub type ColumnDef<R> = (Field, MakeArray<R>);

/// Builds the array of a column.
type MakeArray<R> = fn(&[R]) -> ArrayRef;

/// Defines a column.
pub fn column<R>(name: &str, kind: DataType, is_nullable: bool, values: MakeArray<R>) -> ColumnDef<R> {
    (Field::new(name, kind, is_nullable), values)
}

/// Columns of a table, in order.
pub struct Columns<R> {
    arrays: Arc<[MakeArray<R>]>,
    schema: SchemaRef,
}

impl<R> Columns<R> {
    pub fn new(columns: Vec<ColumnDef<R>>) -> Self {
        let (fields, arrays): (Vec<Field>, Vec<MakeArray<R>>) = columns.into_iter().unzip();
        Self { arrays: arrays.into(), schema: Arc::new(Schema::new(fields)) }
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Returns the columns of these indices.
    pub fn project(&self, columns: &[usize]) -> Result<Self> {
        let arrays = columns.iter().map(|column| self.arrays[*column]).collect();
        Ok(Self { arrays, schema: Arc::new(self.schema.project(columns)?) })
    }

    /// Converts rows to a batch of the schema.
    pub fn batch(&self, rows: &[R]) -> Result<RecordBatch> {
        let arrays = self.arrays.iter().map(|array| array(rows)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(self.schema(), arrays, &options)?)
    }
}

/// Rows, and the columns that they are returned in.
pub struct RowTable<R: 'static> {
    name: &'static str,
    rows: Arc<[R]>,
    columns: Columns<R>,
}

/// Creates a table of `rows`, in their order; `name` appears in plans.
pub fn table<R: Send + Sync + 'static>(
    name: &'static str,
    rows: Vec<R>,
    columns: Vec<ColumnDef<R>>,
) -> ScanProvider<RowTable<R>> {
    ScanProvider(RowTable { name, rows: rows.into(), columns: Columns::new(columns) })
}

impl<R: 'static> fmt::Debug for RowTable<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<R: Send + Sync + 'static> ScanPlanner for RowTable<R> {
    fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    fn pushdown(&self, _: &Expr) -> TableProviderFilterPushDown {
        TableProviderFilterPushDown::Unsupported
    }

    fn plan(&self, _: &dyn Session, columns: &[usize], _: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = RowTableScan {
            name: self.name,
            rows: self.rows.clone(),
            columns: Arc::new(self.columns.project(columns)?),
        };
        let rows = self.rows.len();
        Ok(Arc::new(OpaqueScanExec::new(scan, 1).with_estimate(rows)))
    }
}

struct RowTableScan<R> {
    name: &'static str,
    rows: Arc<[R]>,
    columns: Arc<Columns<R>>,
}

impl<R: Send + Sync + 'static> RowSource for RowTableScan<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (rows, columns) = (self.rows.clone(), self.columns.clone());
        let batches = (0..rows.len()).step_by(BATCH_ROWS).map(move |first| {
            let end = rows.len().min(first + BATCH_ROWS);
            columns.batch(&rows[first..end])
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream::iter(batches))))
    }
}
