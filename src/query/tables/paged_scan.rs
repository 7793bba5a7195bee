//! Scan of tables in the catalog's database, page by page: each page is read when the previous one is consumed.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream;

use crate::query::context::QueryContext;
use crate::query::scan::opaque_scan::{OpaqueScanExec, RowSource};
use crate::query::scan::table_provider::ScanPlanner;
use crate::query::tables::row_table::{ColumnDef, Columns};

/// Maximum rows of a page: some megabytes.
pub const PAGE_ROWS: usize = 1000;

/// Query for one page of up to `PAGE_ROWS` rows.
pub trait PageSource: Clone + Send + Sync + 'static {
    /// The name in plans.
    const NAME: &'static str;
    type Row: Send + Sync + 'static;

    fn columns() -> Vec<ColumnDef<Self::Row>>;

    /// Returns how far `first_page` applies a filter.
    fn pushdown(_filter: &Expr) -> TableProviderFilterPushDown {
        TableProviderFilterPushDown::Unsupported
    }

    /// Returns the query for the first page; `filters` are those not `Unsupported`.
    fn first_page(filters: &[Expr]) -> Self;

    /// Reads the rows of the page that the principal may see.
    fn read(
        self,
        query_context: &QueryContext,
    ) -> impl Future<Output = crate::domain::Result<Vec<Self::Row>>> + Send;

    /// Whether `rows` is known to be the last page.
    fn is_last(rows: &[Self::Row]) -> bool {
        rows.len() < PAGE_ROWS
    }

    /// Returns the query for the page after this row.
    fn page_after(self, last: &Self::Row) -> Self;
}

/// A table that is read page by page: the rows that the principal of a query may see.
pub struct PagedTable<P: PageSource> {
    query_context: QueryContext,
    columns: Columns<P::Row>,
}

impl<P: PageSource> PagedTable<P> {
    /// The table in one query.
    pub fn new(query_context: QueryContext) -> Self {
        Self { query_context, columns: Columns::new(P::columns()) }
    }
}

impl<P: PageSource> fmt::Debug for PagedTable<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(P::NAME)
    }
}

impl<P: PageSource> ScanPlanner for PagedTable<P> {
    fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        P::pushdown(filter)
    }

    fn plan(&self, _: &dyn Session, columns: &[usize], filters: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let (query_context, first) = (self.query_context.clone(), P::first_page(filters));
        let scan = PagedScan { query_context, first, columns: Arc::new(self.columns.project(columns)?) };
        Ok(Arc::new(OpaqueScanExec::new(scan, 1)))
    }
}

struct PagedScan<P: PageSource> {
    query_context: QueryContext,
    first: P,
    columns: Arc<Columns<P::Row>>,
}

impl<P: PageSource> RowSource for PagedScan<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn schema(&self) -> SchemaRef {
        self.columns.schema()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (query_context, columns) = (self.query_context.clone(), self.columns.clone());
        let pages = stream::try_unfold(Some(self.first.clone()), move |page| {
            let (query_context, columns) = (query_context.clone(), columns.clone());
            async move {
                let Some(page) = page else { return Ok(None) };
                let found = page.clone().read(&query_context).await;
                let found = found.map_err(|e| DataFusionError::External(Box::new(e)))?;
                let last = found.last().filter(|_| !P::is_last(&found));
                let next = last.map(|last| page.page_after(last));
                Ok(Some((columns.batch(&found)?, next)))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), pages)))
    }
}
