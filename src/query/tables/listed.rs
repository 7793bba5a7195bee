//! Tables of rows that are known when the query begins: their columns are made some rows at a time, and only those asked for.
//!
//! What is held meanwhile are the rows themselves, which are in memory anyway: a long list of long metadata is not there a
//! second time.

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

use crate::query::scan::leaf::{Leaf, Rows};
use crate::query::scan::provider::{Provider, Scan};

/// Rows of a batch: of the longest rows some megabytes.
const BATCH_ROWS: usize = 64;

/// A column: what it is called, and its values of some rows.
pub type Column<R> = (Field, MakeArray<R>);

/// Makes an array of one thing of each row.
type MakeArray<R> = fn(&[R]) -> ArrayRef;

/// A column of this name and kind.
pub fn column<R>(name: &str, kind: DataType, is_nullable: bool, values: MakeArray<R>) -> Column<R> {
    (Field::new(name, kind, is_nullable), values)
}

/// Rows and the columns that they are shown in.
pub struct Listed<R: 'static> {
    name: &'static str,
    rows: Arc<[R]>,
    columns: Arc<[Column<R>]>,
    schema: SchemaRef,
}

/// A table of these rows, in their order; plans call it `name`.
pub fn table<R: Send + Sync + 'static>(
    name: &'static str,
    rows: Vec<R>,
    columns: Vec<Column<R>>,
) -> Provider<Listed<R>> {
    let schema = Arc::new(Schema::new(columns.iter().map(|(field, _)| field.clone()).collect::<Vec<_>>()));
    Provider(Listed { name, rows: rows.into(), columns: columns.into(), schema })
}

impl<R: 'static> fmt::Debug for Listed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<R: Send + Sync + 'static> Scan for Listed<R> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn pushdown(&self, _: &Expr) -> TableProviderFilterPushDown {
        TableProviderFilterPushDown::Unsupported
    }

    fn plan(&self, _: &dyn Session, columns: &[usize], _: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = ListedScan {
            name: self.name,
            rows: self.rows.clone(),
            columns: columns.iter().map(|column| self.columns[*column].1).collect(),
            schema: Arc::new(self.schema.project(columns)?),
        };
        let rows = self.rows.len();
        Ok(Arc::new(Leaf::new(scan, 1).with_estimate(rows)))
    }
}

struct ListedScan<R> {
    name: &'static str,
    rows: Arc<[R]>,
    columns: Arc<[MakeArray<R>]>,
    schema: SchemaRef,
}

impl<R: Send + Sync + 'static> Rows for ListedScan<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (rows, columns, schema) = (self.rows.clone(), self.columns.clone(), self.schema.clone());
        let batches = (0..rows.len()).step_by(BATCH_ROWS).map(move |first| -> Result<RecordBatch> {
            let some = &rows[first..rows.len().min(first + BATCH_ROWS)];
            let arrays = columns.iter().map(|column| column(some)).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(some.len()));
            Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream::iter(batches))))
    }
}
