//! Tables that the catalog's database holds: leaves that read them page by page, each only when the one before is taken.

use std::future::Future;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream;

use crate::query::scan::leaf::{Leaf, Rows};
use crate::query::session::View;

/// Rows of a page at most: some megabytes.
pub const PAGE: usize = 1000;

/// What one page of up to `PAGE` rows is asked for by.
pub trait Paged: Clone + Send + Sync + 'static {
    /// What plans call it.
    const NAME: &'static str;
    type Row: Send + Sync;

    fn schema() -> SchemaRef;

    /// The rows of the page that the principal sees.
    fn read(self, view: &View) -> impl Future<Output = crate::domain::Result<Vec<Self::Row>>> + Send;

    /// Whether there is no page behind this one, as far as it tells.
    fn is_last(rows: &[Self::Row]) -> bool {
        rows.len() < PAGE
    }

    /// What the page after this row is asked for by.
    fn after(self, last: &Self::Row) -> Self;

    /// Rows in the columns of `schema`.
    fn batch(rows: &[Self::Row]) -> Result<RecordBatch>;
}

/// All pages from `first` on, some columns of them.
pub fn leaf<P: Paged>(view: View, first: P, columns: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = Arc::new(P::schema().project(columns)?);
    Ok(Arc::new(Leaf::new(PagedRows { view, first, columns: columns.to_vec(), schema }, 1)))
}

struct PagedRows<P> {
    view: View,
    first: P,
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl<P: Paged> Rows for PagedRows<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (view, columns) = (self.view.clone(), self.columns.clone());
        let pages = stream::try_unfold(Some(self.first.clone()), move |page| {
            let (view, columns) = (view.clone(), columns.clone());
            async move {
                let Some(page) = page else { return Ok(None) };
                let found = page.clone().read(&view).await;
                let found = found.map_err(|e| DataFusionError::External(Box::new(e)))?;
                let last = found.last().filter(|_| !P::is_last(&found));
                let next = last.map(|last| page.after(last));
                Ok(Some((P::batch(&found)?.project(&columns)?, next)))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), pages)))
    }
}
